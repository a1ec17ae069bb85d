"""The service's dates: zone-less, in several spellings, and sometimes none."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.faxcore.dates import hours_off, read_date, read_http_date

PACIFIC = ZoneInfo("America/Los_Angeles")


@pytest.mark.parametrize(
    "text, instant",
    [
        ("10/26/2013 10:54:18 PM", datetime(2013, 10, 27, 5, 54, 18, tzinfo=UTC)),
        ("1/2/2014 3:04:05 PM", datetime(2014, 1, 2, 23, 4, 5, tzinfo=UTC)),
        ("1/2/2014 3:04:05\u202fPM", datetime(2014, 1, 2, 23, 4, 5, tzinfo=UTC)),
        ("1/2/2014 15:04:05", datetime(2014, 1, 2, 23, 4, 5, tzinfo=UTC)),
        ("1/2/2014 3:04 PM", datetime(2014, 1, 2, 23, 4, tzinfo=UTC)),
        ("2014-01-02T15:04:05", datetime(2014, 1, 2, 23, 4, 5, tzinfo=UTC)),
        ("2014-01-02T15:04:05Z", datetime(2014, 1, 2, 15, 4, 5, tzinfo=UTC)),
        ("2014-01-02T15:04:05+02:00", datetime(2014, 1, 2, 13, 4, 5, tzinfo=UTC)),
        ("Thu, 02 Jan 2014 15:04:05 GMT", datetime(2014, 1, 2, 15, 4, 5, tzinfo=UTC)),
    ],
)
def test_every_known_spelling_becomes_utc(text, instant):
    assert read_date(text, PACIFIC) == instant


@pytest.mark.parametrize(
    "text", ["", "1/1/0001 12:00:00 AM", "0001-01-01T00:00:00", "12/31/9999 11:59:59 PM", "soon"]
)
def test_no_date_is_none(text):
    assert read_date(text, PACIFIC) is None


@pytest.mark.parametrize("hour", [8, 9])
def test_the_hour_that_autumn_brings_twice_is_read_nearest_to_what_we_know(hour):
    ours = datetime(2026, 11, 1, hour, 30, tzinfo=UTC)
    assert read_date("11/1/2026 1:30:20 AM", PACIFIC, near=ours) == ours + timedelta(seconds=20)


def test_the_first_of_the_two_hours_without_knowing():
    assert read_date("11/1/2026 1:30:00 AM", PACIFIC) == datetime(2026, 11, 1, 8, 30, tzinfo=UTC)


def test_the_hour_that_spring_leaves_out_still_reads():
    assert read_date("3/8/2026 2:30:00 AM", PACIFIC) is not None


@pytest.mark.parametrize(
    "gap, hours",
    [
        (timedelta(seconds=40), 0),
        (timedelta(hours=-1, seconds=20), -1),
        (timedelta(hours=8), 8),
        (timedelta(minutes=30), None),
        (timedelta(days=2), None),
    ],
)
def test_only_a_gap_of_whole_hours_is_a_zone(gap, hours):
    submitted = datetime(2026, 7, 1, tzinfo=UTC)
    assert hours_off(submitted + gap, submitted) == hours


@given(st.text() | st.datetimes().map(str) | st.from_regex(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4} [0-9: APM]{0,12}"))
def test_no_text_raises(text):
    for found in (
        read_date(text, PACIFIC),
        read_date(text, PACIFIC, near=datetime(2026, 1, 1, tzinfo=UTC)),
        read_http_date(text),
    ):
        assert found is None or found.tzinfo is UTC
