"""Two clocks, and whether they agree: nothing is concluded from the passing of time while they do not.

The spool's clock is the wall clock: it may be set, and may leap. ``elapsed`` counts seconds that nobody can set and
that go on while the machine sleeps, from its start on (``boot``): what must be measured is stored on both. When the
two part, what was measured on the wall alone (a deadline, an expiry) proves nothing for a while.
"""

from __future__ import annotations

import functools
import time
from collections.abc import Callable
from pathlib import Path

#: They may part by this many seconds between two looks (slewing by an NTP daemon, a leap second) before we wait.
TOLERATED = 60.0
#: How long nothing is concluded after that: time for an operator or an NTP daemon to put it right.
WAIT_AFTER_LEAP = 3600.0


def elapsed() -> float:
    """Seconds since some moment, asleep or awake. Linux's monotonic clock stops while the machine sleeps."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@functools.cache
def boot() -> str:
    """Since when ``elapsed`` counts, as a name: another one after each start of the machine, or "" for none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()[:8]
    except OSError:
        return ""


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
        self._leapt = 0.0

    def is_steady(self) -> bool:
        """Whether time measured on the wall may be believed now."""
        gap = self._now() - self._elapsed()
        if abs(gap - self._gap) > TOLERATED:
            self._trusted_from = self._elapsed() + WAIT_AFTER_LEAP
            self._leapt += max(0.0, gap - self._gap)
        self._gap = gap
        steady = self._elapsed() >= self._trusted_from
        if steady:
            self._leapt = 0.0
        return steady

    def leapt(self) -> float:
        """By how many seconds the wall leapt ahead lately, leaps back not counted: what was written in between has
        the time of the wall as it was then. 0 once it may be believed."""
        return 0.0 if self.is_steady() else self._leapt
