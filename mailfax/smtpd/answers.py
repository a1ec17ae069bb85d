"""Which of our 250s were heard, as the wire tells: the octets that the client's end has acknowledged.

In: answers as they are made durable, and the events of one connection. Out: each ``Answer`` is told what became of
it. A 250 is heard once it was acknowledged and the client then says something, closes its side in order, or just
stays for ``FOR_GOOD`` seconds. It is not where the connection breaks before that: also after the acknowledgement, for
a client's system resets a connection whose program has ended without reading what had come (RFC 1122 4.2.2.13).

LIMITS: acknowledged is what the client's system has, or the proxy before it; that its program died with our 250
unread can be seen only where a reset tells. Under TLS, replies behind a 250 that are not acknowledged hide that it
was.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from mailfax.smtpd.handler import Answer
from mailfax.smtpd.wire import Wire

#: Seconds after which an answer that is not acknowledged is late: the longest delayed acknowledgement (RFC 1122
#: 4.2.3.2).
LATE = 0.5
#: A client that stays connected so many seconds after its end has acknowledged has read it.
FOR_GOOD = 10.0
#: Between two looks at the wire, in seconds: at first where somebody waits for it, else at first, and at last.
_AT_ONCE, _SOON, _SELDOM = 0.001, 0.01, 1.0


@dataclass(slots=True)
class _Said:
    """One 250. ``end``: how many octets were written up to its end; -1 before it is."""

    answer: Answer
    end: int = -1
    since: float = 0.0  #: when it was written, or acknowledged
    late: bool = False
    acknowledged: bool = False


class Answers:
    """Those of one connection that are not concluded, in order."""

    def __init__(self, loop: asyncio.AbstractEventLoop, wire: Wire) -> None:
        self._loop, self._wire = loop, wire
        self._said: deque[_Said] = deque()
        self._timer: asyncio.TimerHandle | None = None
        self._pause = _SOON
        self._close: Callable[[], None] | None = None
        self._close_at = 0.0

    def add(self, answer: Answer) -> None:
        """A mail is stored, and its 250 will be said."""
        self._said.append(_Said(answer))

    def written(self) -> None:
        """All that was said so far is written."""
        for one in self._said:
            if one.end < 0:
                one.end, one.since = self._wire.written, self._loop.time()
        self._look_in(_SOON)

    def spoken_to(self) -> None:
        """The client says something, or closes its side: it has heard what its end has acknowledged."""
        if self._said:
            self._look()
            self._conclude(self._loop.time())

    def ended(self, error: Exception | None) -> None:
        """The connection is no more; ``error``: it broke."""
        if self._timer is not None:
            self._timer.cancel()
        while self._said:
            one = self._said.popleft()
            one.answer.concluded(heard=one.acknowledged and error is None)

    def when_known(self, close: Callable[[], None], seconds: float) -> None:
        """Call ``close`` as soon as nothing is unacknowledged, in ``seconds`` at the latest."""
        self._look()
        if self._all_known():
            close()
        elif self._close is None:
            self._close, self._close_at = close, self._loop.time() + seconds
            self._wire.end_writing()
            self._look_in(_AT_ONCE)

    def _all_known(self) -> bool:
        return all(one.acknowledged for one in self._said)

    def _look(self) -> None:
        """Ask the wire."""
        acknowledged, now = self._wire.acknowledged(), self._loop.time()
        for one in self._said:
            if one.end < 0 or one.acknowledged:
                continue
            if one.end <= acknowledged:
                one.acknowledged, one.since = True, now
                one.answer.acknowledged()
            elif not one.late and now - one.since >= LATE:
                one.late = True
                one.answer.late()

    def _conclude(self, before: float) -> None:
        """What was acknowledged until then is heard."""
        while self._said and self._said[0].acknowledged and self._said[0].since <= before:
            self._said.popleft().answer.concluded(heard=True)

    def _tick(self) -> None:
        self._timer, now = None, self._loop.time()
        if self._wire.is_reset():
            self.ended(ConnectionResetError())
        else:
            self._look()
            self._conclude(now - FOR_GOOD)
        if self._close is not None and (now >= self._close_at or self._all_known()):
            close, self._close = self._close, None
            close()
        elif self._said:
            self._pause = min(2 * self._pause, _SELDOM)
            self._timer = self._loop.call_later(self._pause, self._tick)

    def _look_in(self, seconds: float) -> None:
        """An earlier timer that rings as soon does for this, too: it may be one mail every millisecond."""
        if self._timer is None or self._pause > seconds:
            if self._timer is not None:
                self._timer.cancel()
            self._pause = seconds
            self._timer = self._loop.call_later(seconds, self._tick)
