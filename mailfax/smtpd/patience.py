"""How long we wait for a client: one timer for a connection, however often it is wound.

A command comes every millisecond, a timeout hardly ever. So ``wait`` only notes a later deadline, and a timer that
rings too early looks at it and is set again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

_NEVER = float("inf")


class Patience:
    """Calls ``ended`` when the deadline has passed."""

    def __init__(self, loop: asyncio.AbstractEventLoop, ended: Callable[[], None]) -> None:
        self._loop = loop
        self._ended = ended
        self._deadline = self._rings_at = _NEVER
        self._timer: asyncio.TimerHandle | None = None

    def wait(self, seconds: float) -> None:
        """From now on wait so long; infinity is our own time, not the client's."""
        self._deadline = self._loop.time() + seconds
        if self._deadline < self._rings_at:
            self._ring_at(self._deadline)

    def stop(self) -> None:
        """The connection has ended."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _ring_at(self, time: float) -> None:
        self.stop()
        self._rings_at = time
        self._timer = self._loop.call_at(time, self._ring)

    def _ring(self) -> None:
        self._rings_at = _NEVER
        if self._loop.time() >= self._deadline:
            self._ended()
        elif self._deadline < _NEVER:
            self._ring_at(self._deadline)
