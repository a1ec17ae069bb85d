"""How fast one account may be asked: a few lists a minute, and not before the moment that the service named.

In: what is to be asked, and the answers' statuses. Out: waiting, or ``Unavailable`` with the time that is left. A
moment that was named with 429 or 503 holds for the call that met it: services count lists, questions and downloads
apart. SendFax is not asked here; its fax waits by itself.

STANDARDS: RFC 9110 10.2.3 (Retry-After), RFC 6585 4 (429).
LIMITS: each process counts its own calls.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable

from mailfax.faxcore.errors import Unavailable

MINUTE = 60.0
#: Lists a minute of a service that is not on this machine (docs/faxcore-quirks.md, A32).
LISTS_A_MINUTE = 6
#: A service that says 429 and names no moment counts by the minute; nobody is believed about more than an hour.
UNSAID, LONGEST = {429: MINUTE, 503: 0.0}, 3_600.0

PATIENCE = "The fax service asked for patience."


class Pace:
    """``lists``: how many lists a minute; 0 is no bound."""

    def __init__(self, lists: int, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.lists, self._monotonic = lists, monotonic
        self._listed: deque[float] = deque()
        self._turn = asyncio.Lock()
        self._until: dict[str, float] = {}

    def left(self, call: str) -> float:
        """Seconds until ``call`` may be made."""
        return max(0.0, self._until.get(call, 0.0) - self._monotonic())

    async def turn(self, call: str) -> None:
        """Waits until a list may be read; raises ``Unavailable`` where the service wants ``call`` later."""
        self._check(call)
        if call == "GetFaxList" and self.lists:
            async with self._turn:  # first come, first served
                now = self._monotonic()
                if len(self._listed) >= self.lists:
                    await asyncio.sleep(max(0.0, self._listed.popleft() + MINUTE - now))
                self._listed.append(self._monotonic())
            self._check(call)

    def answered(self, call: str, status: int, retry_after: float | None) -> None:
        """Remembers the moment that an answer named."""
        if status in UNSAID:
            seconds = UNSAID[status] if retry_after is None else min(retry_after, LONGEST)
            self._until[call] = self._monotonic() + seconds

    def _check(self, call: str) -> None:
        if wait := self.left(call):
            raise Unavailable(PATIENCE, diagnostic="the service named a later moment", retry_after=wait)
