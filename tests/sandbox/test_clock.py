"""Speed shortens durations and never dates; only advancing moves the clock; dates are Pacific."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from mailfax.sandbox.clock import FIXED_PACIFIC, Clock, fax_date, http_date


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_speed_shortens_durations_and_leaves_dates_alone() -> None:
    clock = Clock.started(1000.0, speed=60.0)
    assert clock.at(1002.0) == 1002.0
    assert clock.progress(1002.0) == 120.0


def test_only_advancing_moves_the_clock_away_from_the_real_one() -> None:
    clock = Clock.started(1000.0, speed=1.0).advanced(3600)
    assert clock.at(1001.0) == 4601.0
    assert clock.progress(clock.at(1001.0)) == 3601.0


def test_a_change_of_speed_never_takes_back_progress() -> None:
    clock = Clock.started(0.0, speed=60.0).at_speed(1.0, at=10.0).at_speed(10.0, at=20.0)
    assert [clock.progress(at) for at in (0.0, 5.0, 10.0, 15.0, 20.0, 21.0)] == [0, 300, 600, 605, 610, 620]


@pytest.mark.parametrize("progress", [0.0, 299.0, 600.0, 604.0, 615.0, 9999.0])
def test_a_moment_is_where_its_progress_is(progress: float) -> None:
    clock = Clock.started(0.0, speed=60.0).at_speed(1.0, at=10.0).at_speed(10.0, at=20.0)
    assert clock.progress(clock.moment(progress)) == pytest.approx(progress)


@pytest.mark.parametrize(
    ("at", "printed"),
    [
        ("2013-10-27 05:54:18", "10/26/2013 10:54:18 PM"),  # the reference's example
        ("2014-01-02 11:04:05", "1/2/2014 3:04:05 AM"),
        ("2014-07-04 07:00:00", "7/4/2014 12:00:00 AM"),
        ("2014-07-04 19:00:00", "7/4/2014 12:00:00 PM"),
        ("2026-03-08 09:59:59", "3/8/2026 1:59:59 AM"),
        ("2026-03-08 10:00:00", "3/8/2026 3:00:00 AM"),  # spring: two o'clock does not exist
        ("2026-11-01 08:30:00", "11/1/2026 1:30:00 AM"),
        ("2026-11-01 09:30:00", "11/1/2026 1:30:00 AM"),  # autumn: half past one comes twice
        ("2026-11-01 10:00:00", "11/1/2026 2:00:00 AM"),
    ],
)
def test_dates_are_pacific_local_time_without_leading_zeros(at: str, printed: str) -> None:
    assert fax_date(utc(at)) == printed


def test_a_fixed_zone_has_no_summer_time() -> None:
    assert fax_date(utc("2026-07-01 12:00:00"), FIXED_PACIFIC) == "7/1/2026 4:00:00 AM"


def test_http_dates_are_gmt() -> None:
    assert http_date(utc("2026-11-01 09:30:00") + 0.9) == "Sun, 01 Nov 2026 09:30:00 GMT"
