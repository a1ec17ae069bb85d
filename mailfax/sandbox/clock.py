"""The sandbox's clock: how far it was advanced, and how fast faxes live by it. Pure.

In: readings of the real clock (seconds since 1970). Out: the sandbox's time, the *progress* that faxes measure
their durations in, and both date formats of the service.

A speed factor shortens durations and leaves dates alone: at speed 60 a call of one minute takes one second of
the clock. Only ``advanced`` moves the clock away from the real one. Since the speed may change while faxes are
under way, the past is kept as stretches of constant speed, and progress is their sum.

STANDARDS  RFC 9110 5.6.7 (HTTP dates); the API reference's "10/26/2013 10:54:18 PM", read as Pacific local time
           (vendor gap A16).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from email.utils import format_datetime
from zoneinfo import ZoneInfo

PACIFIC = ZoneInfo("America/Los_Angeles")
FIXED_PACIFIC = timezone(timedelta(hours=-8), "PST")
NEVER = "1/1/0001 12:00:00 AM"
"""What .NET prints for a date that was never set (gap A17)."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """From ``since`` (clock) on, progress counts from ``progress`` at ``speed`` seconds a second."""

    since: float
    progress: float
    speed: float


@dataclass(frozen=True, slots=True)
class Clock:
    """``ahead`` is by how many seconds it was advanced; ``stretches`` are in order and never empty."""

    ahead: float
    stretches: tuple[Stretch, ...]

    @classmethod
    def started(cls, real: float, speed: float) -> Clock:
        return cls(0.0, (Stretch(real, 0.0, speed),))

    @property
    def speed(self) -> float:
        return self.stretches[-1].speed

    def at(self, real: float) -> float:
        """The sandbox's time when the real clock shows ``real``."""
        return real + self.ahead

    def progress(self, at: float) -> float:
        """Seconds of fax life that have passed at clock time ``at``."""
        for stretch in reversed(self.stretches):
            if stretch.since <= at:
                break
        return stretch.progress + (at - stretch.since) * stretch.speed

    def moment(self, progress: float) -> float:
        """The clock time at which ``progress`` was or will be reached: the inverse of ``progress``."""
        for stretch in reversed(self.stretches):
            if stretch.progress <= progress:
                break
        return stretch.since + (progress - stretch.progress) / stretch.speed

    def advanced(self, seconds: float) -> Clock:
        return replace(self, ahead=self.ahead + seconds)

    def at_speed(self, speed: float, at: float) -> Clock:
        """The same clock, with faxes living at ``speed`` from clock time ``at`` on."""
        if speed == self.speed:
            return self
        return replace(self, stretches=(*self.stretches, Stretch(at, self.progress(at), speed)))


def http_date(at: float) -> str:
    return format_datetime(datetime.fromtimestamp(int(at), UTC), usegmt=True)


def fax_date(at: float, zone: tzinfo = PACIFIC) -> str:
    """As the reference prints it: month, day and hour without a leading zero, no zone."""
    local = datetime.fromtimestamp(at, zone)
    hour = local.hour % 12 or 12
    half = "AM" if local.hour < 12 else "PM"
    return f"{local.month}/{local.day}/{local.year} {hour}:{local:%M:%S} {half}"
