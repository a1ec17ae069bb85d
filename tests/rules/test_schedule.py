"""When things are tried again."""

from __future__ import annotations

import pytest

from mailfax.rules import schedule


@pytest.mark.parametrize(
    ("attempts", "wait"), [(1, 15), (2, 30), (3, 60), (7, 900), (5000, 900)], ids=lambda value: str(value)
)
def test_submission_backs_off_to_a_quarter_of_an_hour(attempts: int, wait: float) -> None:
    assert schedule.submit_attempt(attempts, 1000.0, 0.0) == 1000.0 + wait
    assert schedule.submit_attempt(attempts, 1000.0, 0.999) < 1000.0 + wait * 1.2


def test_retry_after_is_a_floor_and_never_a_ceiling() -> None:
    assert schedule.submit_attempt(1, 0.0, 0.0, retry_after=120) == 120
    assert schedule.submit_attempt(9, 0.0, 0.0, retry_after=1) == 900


def test_tracking_slows_down_with_age() -> None:
    waits = [schedule.track_interval(age, 0.0) for age in (0, 30, 120, 600, 86_400)]
    assert waits == sorted(waits) and waits[0] == 10 and waits[-1] == 300


def test_doubt_is_looked_into_soon_and_then_every_five_minutes() -> None:
    ages = (0, 5, 35, 95, 215, 515, 86_400)
    assert [schedule.doubt_interval(age, 0.0) for age in ages] == [5, 30, 60, 120, 300, 300, 300]


def test_an_unreadable_fax_is_tried_daily_once_it_was_reported() -> None:
    assert schedule.fetch_attempt(2, 0.0, 0.0) == 120
    assert schedule.fetch_attempt(3, 0.0, 0.0) == 86_400
