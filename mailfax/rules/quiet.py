"""Whether an account has received no fax for unusually long.

In: how many faxes came in the last weeks, the longest time between two of them, and how long none has come. Out: yes
or no. What is usual is what the account itself has shown: its nights, its weekends, its holidays.
"""

from __future__ import annotations

DAY = 86_400.0
#: Only the last weeks before the silence say what is usual, in seconds.
LOOKED_BACK = 28 * DAY
#: An account with fewer faxes than this in that time has no habit.
HABIT = 20
#: It is unusual when nothing comes for so many times the longest silence, and never before a day.
TIMES_LONGEST = 2.0


def is_unusual(faxes: int, longest: float, silent: float) -> bool:
    """Whether ``silent`` seconds are unusual after so many faxes with ``longest`` seconds between two at most."""
    return faxes >= HABIT and silent > max(DAY, TIMES_LONGEST * longest)
