"""When a fax may be handed over: not before the time that was asked for, and within the office hours of its sender.

In: a moment, "18:00", hours, a time zone. Out: a ``Window``, stored with the job: later is a row, no timer. A window
that closed before the fax could be handed over is followed by the next.

LIMITS: a time that asks for no day is the next of that name. A time that the clock skips in spring is taken as if it
had not been put forward, so an hour later; of one that comes twice in autumn the first counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from mailfax.config.hours import DAYS, read_hours, time_of_day

ASKED, OFFICE_HOURS, UNDO = "as asked", "in the sender's office hours", "so that it can still be cancelled"


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds since 1970: ``opens`` is 0 where it is open, ``closes`` where it never closes. ``until`` tells people
    what it waits for ("18:00, as asked"), or is "" where it waits for nothing."""

    opens: float = 0.0
    closes: float = 0.0
    until: str = ""


def window(now: float, *, at: str, hours: Sequence[str], zone: str, undo_seconds: float = 0.0) -> Window:
    """The window of a fax: ``at`` is a time of the day, or "" for now; no ``hours`` are all hours. It opens after
    ``undo_seconds`` at the earliest."""
    where = ZoneInfo(zone)
    here = datetime.fromtimestamp(now, where)
    opens, closes, why = now, 0.0, ASKED
    if at:
        wanted = time_of_day(at)
        opens = max(now, _moment(here.date(), wanted, where))
        # The minute that was asked for is still now.
        if now >= _moment(here.date(), wanted, where) + 60:
            opens = _moment(here.date() + timedelta(days=1), wanted, where)
    if opens < now + undo_seconds:
        opens, why = now + undo_seconds, UNDO
    if hours:
        begins, closes = _open_hours(opens, hours, where)
        if begins > opens:
            opens, why = begins, OFFICE_HOURS
    if opens <= now:
        return Window(0.0, closes)
    return Window(opens, closes, f"{_told(opens, now, where)}, {why}")


def _open_hours(earliest: float, hours: Sequence[str], where: ZoneInfo) -> tuple[float, float]:
    """When the first of ``hours`` that has not ended by ``earliest`` begins and ends."""
    first = datetime.fromtimestamp(earliest, where).date()
    spans = [read_hours(each) for each in hours]
    found = [
        (_minute(day, span.begins, where), _minute(day, span.ends, where))
        for day in (first + timedelta(days=ahead) for ahead in range(8))
        for span in spans
        if day.weekday() in span.days
    ]
    return min((begins, ends) for begins, ends in found if ends > earliest)


def _minute(day: date, minute: int, where: ZoneInfo) -> float:
    days, minute = divmod(minute, 24 * 60)
    return _moment(day + timedelta(days=days), time(*divmod(minute, 60)), where)


def _moment(day: date, wanted: time, where: ZoneInfo) -> float:
    return datetime.combine(day, wanted, where).timestamp()


def _told(opens: float, now: float, where: ZoneInfo) -> str:
    """ "18:00", or "Mon 30 Nov 08:00" on another day; in the zone in which it was meant."""
    then, here = datetime.fromtimestamp(opens, where), datetime.fromtimestamp(now, where)
    if then.date() == here.date():
        return f"{then:%H:%M}"
    return f"{DAYS[then.weekday()].title()} {then:%Y-%m-%d %H:%M}"
