"""What systemd is told of the service: ready, reloading, stopping, and that it is alive.

In: the environment as systemd makes it; without it nothing is told. Out: datagrams to ``NOTIFY_SOCKET``.

STANDARDS: sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import MutableMapping


class Systemd:
    """``alive_every``: within how many seconds ``alive`` has to be called again; 0 where nobody waits for it."""

    def __init__(self, environment: MutableMapping[str, str]) -> None:
        """Takes its variables out of the environment, so that no other process of ours speaks for the service."""
        self._address = environment.pop("NOTIFY_SOCKET", "")
        pid, microseconds = environment.pop("WATCHDOG_PID", ""), environment.pop("WATCHDOG_USEC", "0")
        meant = self._address and microseconds.isdigit() and pid in ("", str(os.getpid()))
        self.alive_every = int(microseconds) / 1e6 if meant else 0.0

    def ready(self) -> None:
        self._tell("READY=1")

    def reloading(self) -> None:
        """``ready`` follows, whatever came of it."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000}")

    def stopping(self) -> None:
        self._tell("STOPPING=1")

    def alive(self) -> None:
        self._tell("WATCHDOG=1")

    async def go_on_saying_so(self) -> None:
        """``alive``, as often as systemd wants to hear it."""
        while self.alive_every:
            self.alive()
            await asyncio.sleep(self.alive_every / 3)

    def _tell(self, what: str) -> None:
        if self._address:
            # A service that systemd does not hear works all the same.
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaking:
                # "@" stands for the zero byte of Linux's abstract names.
                speaking.connect("\0" + self._address[1:] if self._address[0] == "@" else self._address)
                speaking.send(what.encode())
