"""Hours of the week, as a site writes them: "mon-fri 08:00-18:00".

In: text. Out: ``Hours``, or ``ValueError`` with what to write instead. Both ends are times of a clock on some wall;
the time zone beside them says of which.

LIMITS: hours end by midnight (24:00); a night is written as two of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import time

from mailfax.config.kinds import Unfit, some_text

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_SPAN = re.compile(r"(?:([a-z]{3})(?:-([a-z]{3}))?|daily) +(\S+?)-(\S+)")
_TIME = re.compile(r"([01]?[0-9]|2[0-4])[:.]?([0-5][0-9])")
_MIDNIGHT = 24 * 60


@dataclass(frozen=True, slots=True)
class Hours:
    """On these days (0 is Monday), from a minute of the day until right before another."""

    days: frozenset[int]
    begins: int
    ends: int


def minutes(text: str) -> int:
    """The minute of the day that "18:00", "18.00" or "1800" is; raises ``ValueError``."""
    found = _TIME.fullmatch(text)
    if not found or (minute := int(found[1]) * 60 + int(found[2])) > _MIDNIGHT:
        raise ValueError(f'"{text}" is no time of the day; write it like 18:00')
    return minute


def time_of_day(text: str) -> time:
    """The same as a time; raises ``ValueError``."""
    hour, minute = divmod(minutes(text) % _MIDNIGHT, 60)
    return time(hour, minute)


def read_hours(text: str) -> Hours:
    """Raises ``ValueError``."""
    found = _SPAN.fullmatch(text.strip().lower())
    if not found:
        raise ValueError(
            f'"{text}" are no hours; write them like "mon-fri 08:00-18:00", "sat 9:00-12:00" or "daily …"'
        )
    first, last = found[1] or DAYS[0], found[2] or found[1] or DAYS[-1]
    for day in (first, last):
        if day not in DAYS:
            raise ValueError(f'"{day}" is no day; write one of {", ".join(DAYS)}')
    begins, ends = minutes(found[3]), minutes(found[4])
    if begins >= ends:
        raise ValueError(f'"{text}" end before they begin; write a night as two, until 24:00 and from 00:00')
    start, length = DAYS.index(first), (DAYS.index(last) - DAYS.index(first)) % 7
    return Hours(frozenset((start + day) % 7 for day in range(length + 1)), begins, ends)


def hours(value: object) -> str:
    """A kind of key: hours as they were written, in lower case."""
    written = " ".join(some_text(value).lower().split())
    try:
        read_hours(written)
    except ValueError as wrong:
        raise Unfit(str(wrong)) from None
    return written
