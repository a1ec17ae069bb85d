"""Two clocks, and whether they agree: nothing is concluded from the passing of time while they do not.

The spool's clock is the wall clock: it may be set, and may leap. ``elapsed`` counts seconds that nobody can set and
that go on while the machine sleeps. When the two part, what was measured on the wall (a settling time, a deadline, an
expiry) proves nothing for a while.
"""

from __future__ import annotations

import time
from collections.abc import Callable

#: They may part by this many seconds between two looks (slewing by an NTP daemon, a leap second) before we wait.
TOLERATED = 60.0
#: How long nothing is concluded after that: time for an operator or an NTP daemon to put it right.
WAIT_AFTER_LEAP = 3600.0
#: A deadline is held against a fax only once it was asked about. Where nothing has been answered for this long, in
#: seconds, silence is the answer.
GIVE_UP_SILENT = 3600.0
#: So many questions without an answer in a row are the service's silence, not that of one fax.
SILENT_IN_A_ROW = 3


def elapsed() -> float:
    """Seconds since some moment, asleep or awake. Linux's monotonic clock stops while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


class SteadyClock:
    """Compares the wall clock with ``elapsed``. One for all who conclude something from time.

    A leap before its birth can't be seen: for ``settle_seconds`` nothing is concluded, so that a settling time has
    really passed, whatever the wall says of the time before.
    """

    def __init__(
        self, now: Callable[[], float], elapsed: Callable[[], float] = elapsed, *, settle_seconds: float = 0.0
    ) -> None:
        self._now, self._elapsed = now, elapsed
        self._gap = now() - elapsed()
        self._trusted_from = elapsed() + settle_seconds

    def is_steady(self) -> bool:
        """Whether time measured on the wall may be believed now."""
        gap = self._now() - self._elapsed()
        if abs(gap - self._gap) > TOLERATED:
            self._trusted_from = self._elapsed() + WAIT_AFTER_LEAP
        self._gap = gap
        return self._elapsed() >= self._trusted_from


class Silence:
    """For how long questions about something have brought no answer, by a name of the caller's choice."""

    def __init__(self, elapsed: Callable[[], float] = elapsed) -> None:
        self._elapsed = elapsed
        self._since: dict[str, float] = {}

    def unanswered(self, about: str) -> None:
        """A question brought no answer."""
        self._since.setdefault(about, self._elapsed())

    def answered(self, about: str) -> None:
        """A question was answered, or is asked no more."""
        self._since.pop(about, None)

    def is_an_answer(self, about: str) -> bool:
        """Whether a deadline may be held against it: the last question was answered, or none was for so long that
        silence is the answer."""
        since = self._since.get(about)
        return since is None or self._elapsed() - since >= GIVE_UP_SILENT

    def is_silent(self, about: str) -> bool:
        """Whether the last question about it brought no answer."""
        return about in self._since
