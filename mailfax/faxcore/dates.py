"""Reads the service's dates, which name no zone (A16, A17, vendor reference: "in PST").

In goes the text as it stands in the answer, out comes a time in UTC or None. An unreadable date is None,
never an error: no decision may hang on it, since our own clock rules (A44).

LIMITS: the reference says PST and shows a day on which Pacific time was PDT, so the zone is a setting, and
``hours_off`` compares a date that we know (our own submission) with what was read. A server on fixed UTC-8
is written ``Etc/GMT+8`` (POSIX sign).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from zoneinfo import ZoneInfo

FORMS = (
    "%m/%d/%Y %I:%M:%S %p",  # as in the vendor reference; strptime takes one-digit parts too
    "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %H:%M:%S",  # a server whose culture has no AM/PM
)

# .NET writes "no date" as 1/1/0001, SQL Server as 1753 or 1900, and DateTime.MaxValue is the year 9999.
PLAUSIBLE_YEARS = range(1990, 2200)

SLACK = timedelta(minutes=10)  # submit time and CreatedDate are two clocks and one upload apart
WIDEST_GAP = 14  # hours; more is not a zone but an old fax


def read_date(text: str, zone: ZoneInfo, *, near: datetime | None = None) -> datetime | None:
    """``text`` as UTC, or None where there is no date in it.

    ``near`` (aware) settles the hour that autumn brings twice: the reading nearest to it is taken, without it
    the first.
    """
    # .NET on ICU 72 and later puts U+202F before AM/PM; split() knows it as a blank.
    plain = " ".join(text.split())
    read = _dotnet(plain) or _iso(plain) or _rfc1123(plain)
    if read is None or read.year not in PLAUSIBLE_YEARS:
        return None
    if read.tzinfo is not None:
        return read.astimezone(UTC)
    readings = [read.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1)]
    return readings[0] if near is None else min(readings, key=lambda reading: abs(reading - near))


def hours_off(created: datetime, submitted: datetime) -> int | None:
    """By how many whole hours ``created`` lies after ``submitted``; None where the gap is no zone's doing."""
    gap = created - submitted
    hours = round(gap / timedelta(hours=1))
    if abs(gap - timedelta(hours=hours)) > SLACK or abs(hours) > WIDEST_GAP:
        return None
    return hours


def read_http_date(text: str) -> datetime | None:
    """The ``Date`` or ``Retry-After`` header as UTC, or None."""
    read = _rfc1123(text)
    return read.astimezone(UTC) if read is not None and read.year in PLAUSIBLE_YEARS else None


def _dotnet(text: str) -> datetime | None:
    for form in FORMS:
        try:
            return datetime.strptime(text, form)  # zone-less on purpose: read_date places it in one
        except ValueError:
            continue
    return None


def _iso(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _rfc1123(text: str) -> datetime | None:
    try:
        read = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    # "-0000" comes back without a zone, and is UTC all the same (RFC 5322 section 3.3)
    return read if read.tzinfo is not None else read.replace(tzinfo=UTC)
