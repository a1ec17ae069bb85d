"""Ports for servers that a test starts, stops, and starts again."""

from __future__ import annotations

import contextlib
import random
import socket

#: From here on connections get ports of their own (Linux, ``ip_local_port_range``).
EPHEMERAL = 32_768


def free_port() -> int:
    """One that no connection is given: what is stopped for a while finds it free again."""
    while True:
        port = random.SystemRandom().randrange(10_000, EPHEMERAL)
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            return port
