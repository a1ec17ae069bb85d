"""A line that is cut without a word: the client's system no longer sees what we send, and acknowledges nothing."""

from __future__ import annotations

import ctypes
import socket
import struct

#: asm-generic/socket.h
_SO_ATTACH_FILTER = 26


def cut(client: socket.socket) -> None:
    """From now on the kernel drops every segment for this socket before TCP sees it (socket(7), a filter that lets
    nothing pass). What it sends still leaves, so it must not be closed before the end."""
    nothing = ctypes.create_string_buffer(struct.pack("HBBI", 0x06, 0, 0, 0))  # BPF_RET | BPF_K, 0 octets
    program = struct.pack("HP", 1, ctypes.addressof(nothing))
    client.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, program)
