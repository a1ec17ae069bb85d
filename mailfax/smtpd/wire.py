"""One connection as lines and blocks, with replies held back while more pipelined commands wait.

In: bytes as the event loop hears them (``feed``, ``end``), replies to say. Out: command lines without their LF,
blocks of data, and replies in order, in as few writes as possible. What is here already costs no task switch.

STANDARDS: RFC 2920 3.2 (replies may be sent together), RFC 5321 2.3.8 (CRLF), 4.5.3.1.4 (length of a command).
LIMITS: holds ``HELD_OCTETS`` and what one more reading of the socket brings; the client waits meanwhile.
"""

from __future__ import annotations

import asyncio
import select
import sys
import termios
from fcntl import ioctl

#: RFC 5321 gives 512 octets, RFC 3461 5.4 adds 500 and more for ORCPT and ENVID, RFC 6531 lengthens addresses.
COMMAND_OCTETS = 2048
#: RFC 4954 4: a response of 12,288 octets, that may stand behind its command.
AUTH_OCTETS = 12_288 + len("AUTH PLAIN \r")
#: asyncio and uvloop read up to 256 KB at once; more of them would only be memory.
HELD_OCTETS = 1 << 18
#: A handshake record of SSL 3.0 or later (RFC 8446 5.1): no command of SMTP begins so.
_TLS_HELLO = b"\x16\x03"


class LineTooLong(Exception):
    """A line over ``COMMAND_OCTETS``, or ``AUTH_OCTETS`` where it logs in; it was read to its end and dropped."""


class TlsTooSoon(Exception):
    """Where a command should stand, a client begins the handshake of TLS."""


class Wire:
    """Reads from and writes to one client."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._heard = b""
        self._at = 0  #: what stands before it in ``_heard`` was given out
        self._ended = False
        self._reading_paused = False
        self._writing_paused = False
        self._waiter: asyncio.Future[None] | None = None
        self._unsaid: list[str] = []
        self.written = 0  #: octets of replies

    # --- the side of the event loop ---------------------------------------------------------------------------

    def attach(self, transport: asyncio.Transport) -> None:
        """The transport to use from now on: the first one, or the encrypted one above it."""
        self._transport = transport
        self._reading_paused = self._writing_paused = False

    def feed(self, data: bytes) -> None:
        """Bytes have come."""
        self._heard = self._heard[self._at :] + data if self._at < len(self._heard) else data
        self._at = 0
        if len(self._heard) > HELD_OCTETS and not self._reading_paused:
            self._reading_paused = True
            self._transport.pause_reading()
        self._wake()

    def end(self) -> None:
        """No more bytes will come. The client may still read: it has only closed its side, perhaps."""
        self._ended = True
        self._wake()

    def acknowledged(self) -> int:
        """How many octets of replies the client's end has acknowledged, for certain. 0 at the end of the connection.

        What the socket holds unacknowledged (SIOCOUTQ of tcp(7), whose other name is TIOCOUTQ) may be more than those
        octets: under TLS, and while it begins.
        """
        transport = self._transport
        if transport.is_closing():
            return 0  # its descriptor may be another connection's already
        held = ioctl(transport.get_extra_info("socket").fileno(), termios.TIOCOUTQ, b"\0" * 4)
        return self.written - int.from_bytes(held, sys.byteorder) - transport.get_write_buffer_size()

    def is_reset(self) -> bool:
        """Whether the client has reset the connection. The event loop does not hear of it once the client's side is
        closed."""
        if self._transport.is_closing():
            return False
        poll = select.poll()
        poll.register(self._transport.get_extra_info("socket").fileno(), 0)
        return any(events & select.POLLERR for _, events in poll.poll(0))

    def pause_writing(self) -> None:
        """The client does not take our replies."""
        self._writing_paused = True

    def resume_writing(self) -> None:
        self._writing_paused = False
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def _woken(self) -> None:
        self._waiter = self._loop.create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None

    # --- the side of the session ------------------------------------------------------------------------------

    def say(self, reply: str) -> None:
        """Queue one reply line; it leaves at the next ``flush`` or when we have to wait for the client."""
        self._unsaid.append(reply)

    def flush_now(self) -> None:
        """Hand everything to the transport without waiting; for a connection that is about to be closed."""
        if self._unsaid:
            self._unsaid.append("")
            replies = "\r\n".join(self._unsaid).encode("ascii", "replace")
            self._unsaid.clear()
            self._transport.write(replies)
            self.written += len(replies)

    def end_writing(self) -> None:
        """Close our side; what was written still arrives. A client's system acknowledges an end at once, where it
        lets the last octets before it wait (measured on Linux: for 40 ms). TLS knows no end of one side."""
        if self._transport.can_write_eof():
            self._transport.write_eof()

    async def flush(self) -> None:
        """Say what is queued, and wait until the client has taken most of it."""
        self.flush_now()
        while self._writing_paused:
            await self._woken()

    async def line(self, most: int = COMMAND_OCTETS) -> bytes | None:
        """The next line up to and without its LF (the CR is still there, or missing), or None at the end.

        ``most``: its octets; AUTH may always have more. Raises ``LineTooLong`` and ``TlsTooSoon``.
        """
        too_long = False
        while True:
            start = self._at
            if len(self._heard) - start > most and self._heard[start : start + 5].upper() == b"AUTH ":
                most = AUTH_OCTETS
            if self._heard.startswith(_TLS_HELLO, start) and not too_long:
                raise TlsTooSoon
            end = self._heard.find(b"\n", start)
            if end >= 0:
                self._at = end + 1
                if too_long or end - start > most:
                    raise LineTooLong
                return self._heard[start:end]
            if len(self._heard) - start > most:
                too_long = True
            if too_long:
                self.discard()
            if not await self._more():
                return None

    async def block(self, most: int = sys.maxsize) -> bytes:
        """Whatever has arrived, at least one byte and ``most`` at most; empty at the end of the connection."""
        if self._at == len(self._heard) and not await self._more():
            return b""
        if len(self._heard) - self._at > most:
            self._at += most
            return self._heard[self._at - most : self._at]
        block = self._heard[self._at :] if self._at else self._heard
        self.discard()
        return block

    def put_back(self, rest: bytes) -> None:
        """Bytes of the last block that belong to what comes next."""
        if rest:
            self._heard, self._at = rest + self._heard[self._at :], 0

    def discard(self) -> None:
        """Forget what was heard. Before TLS: somebody on the way may have put it there (RFC 3207 4.2)."""
        self._heard, self._at = b"", 0

    async def _more(self) -> bool:
        """Wait for further bytes; whether there are any."""
        known = len(self._heard) - self._at
        await self.flush()
        while len(self._heard) - self._at == known:
            if self._ended:
                return False
            if self._reading_paused:
                self._reading_paused = False
                self._transport.resume_reading()
            await self._woken()
        return True
