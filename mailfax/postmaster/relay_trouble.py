"""Whose trouble a refusal is: the letter's, or the relay's. One reply is evidence about one letter, and no more.

In: what the relay did with each letter. Out: whether it may be tried now, and whether it took another letter lately.
A relay that refuses two recipients and takes nobody in between, or refuses our own postmaster, or can't be reached,
is in trouble itself: it is tried with one letter at a time, with growing waits, and nothing is final on its word.

STANDARDS: RFC 5321 4.2.1 (a 5xx reply speaks of one transaction).
LIMITS: known to one process and forgotten with it; then letters only wait longer.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from mailfax.rules import schedule

Recipients = tuple[str, ...]
#: What was taken longer ago, in seconds, says nothing about the relay as it is now.
RECENT = 3600.0
#: A relay that can't be reached for less than this many seconds is being restarted: nobody needs to hear of it.
WORTH_TELLING = 600.0


@dataclass(frozen=True, slots=True)
class Incident:
    """A trouble of the relay. ``since`` is on the spool's clock; ``refused``: it answered, and took nothing."""

    since: float
    said: str
    refused: bool


class RelayTrouble:
    """What this process knows of the relay. ``now`` is always the spool's clock."""

    def __init__(self, postmaster: str, elapsed: Callable[[], float], jitter: Callable[[], float]) -> None:
        self._postmaster, self._elapsed, self._jitter = postmaster, elapsed, jitter
        self._incident: Incident | None = None
        self._trials, self._try_at, self._trying = 0, 0.0, False
        self._refused: set[Recipients] = set()  #: since a letter was taken
        self._taken: dict[Recipients, float] = {}  #: the two last ones, of different recipients
        self.told = False  #: whether the postmaster has been written to since a letter was taken

    @property
    def is_there(self) -> bool:
        """Whether the relay is in trouble now."""
        return self._incident is not None

    @property
    def said(self) -> str:
        """What it answers while it is in trouble; else nothing."""
        return self._incident.said if self._incident else ""

    @contextlib.contextmanager
    def turn(self) -> Iterator[bool]:
        """Whether a letter may be tried now: any number while all is well, else one at a time and after a wait."""
        if self._incident is None:
            yield True
        elif self._trying or self._elapsed() < self._try_at:
            yield False
        else:
            self._trying = True
            try:
                yield True
            finally:
                self._trying = False

    def took(self, recipients: Sequence[str], now: float) -> Incident | None:
        """A letter was taken; the trouble that this ends and the postmaster should hear of."""
        key = tuple(recipients)
        self._taken.pop(key, None)
        self._taken = dict([*self._taken.items(), (key, now)][-2:])
        self._refused.clear()
        self.told = False
        over, self._incident, self._trials = self._incident, None, 0
        if over is None or not (over.refused or now - over.since >= WORTH_TELLING):
            return None
        return over

    def took_another(self, recipients: Sequence[str], since: float, now: float) -> bool:
        """Whether a letter to somebody else was taken since then, and lately."""
        others = [at for key, at in self._taken.items() if key != tuple(recipients)]
        return any(at >= max(since, now - RECENT) for at in others)

    def refused(self, recipients: Sequence[str], said: str, now: float) -> None:
        """A letter was refused for good."""
        self._refused.add(tuple(recipients))
        if self.is_there or len(self._refused) > 1 or self._postmaster in recipients:
            self._begin(Incident(now, said, refused=True), None)

    def unreachable(self, said: str, now: float, retry_after: float | None = None) -> None:
        """The relay did not let us in: that speaks of no letter."""
        self._begin(Incident(now, said, refused=False), retry_after)

    def _begin(self, incident: Incident, retry_after: float | None) -> None:
        if self._incident is None or (incident.refused and not self._incident.refused):
            since = self._incident.since if self._incident else incident.since
            self._incident = Incident(since, incident.said, incident.refused)
        self._trials += 1
        self._try_at = schedule.relay_attempt(self._trials, self._elapsed(), self._jitter(), retry_after)
