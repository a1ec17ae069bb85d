"""A fax that is wanted later, or outside its sender's hours, waits for the very moment that is meant."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.send_time import window

BERLIN = "Europe/Berlin"
OFFICE = ("mon-fri 08:00-18:00", "sat 9:00-12:00")


def at(text: str, zone: str = BERLIN) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


@pytest.mark.parametrize(
    ("now", "asked", "opens", "until"),
    [
        ("2026-11-26 09:12", "18:00", "2026-11-26 18:00", "18:00, as asked"),
        ("2026-11-26 18:00:59", "18:00", "", ""),
        ("2026-11-26 18:01", "18:00", "2026-11-27 18:00", "Fri 2026-11-27 18:00, as asked"),
        ("2026-11-26 23:00", "0:30", "2026-11-27 00:30", "Fri 2026-11-27 00:30, as asked"),
        ("2026-03-28 12:00", "02:30", "2026-03-29 03:30", "Sun 2026-03-29 03:30, as asked"),  # skipped in spring
        ("2026-10-25 00:00", "02:30", "2026-10-25 02:30", "02:30, as asked"),  # twice in autumn: the first
    ],
)
def test_a_time_of_the_day_is_the_next_of_that_name(now: str, asked: str, opens: str, until: str) -> None:
    found = window(at(now), at=asked, hours=(), zone=BERLIN)
    assert (found.opens, found.closes, found.until) == (at(opens) if opens else 0.0, 0.0, until)


@pytest.mark.parametrize(
    ("now", "opens", "closes"),
    [
        ("2026-11-26 09:12", "", "2026-11-26 18:00"),
        ("2026-11-26 07:59:59", "2026-11-26 08:00", "2026-11-26 18:00"),
        ("2026-11-27 18:00", "2026-11-28 09:00", "2026-11-28 12:00"),
        ("2026-11-28 12:00", "2026-11-30 08:00", "2026-11-30 18:00"),
        ("2026-11-29 00:00", "2026-11-30 08:00", "2026-11-30 18:00"),
    ],
)
def test_office_hours_are_those_of_the_sender_s_clock(now: str, opens: str, closes: str) -> None:
    found = window(at(now), at="", hours=OFFICE, zone=BERLIN)
    assert (found.opens, found.closes) == (at(opens) if opens else 0.0, at(closes))
    assert bool(found.until) == bool(opens)


def test_a_time_outside_the_hours_waits_for_them() -> None:
    found = window(at("2026-11-27 09:00"), at="19:00", hours=OFFICE, zone=BERLIN)
    assert found.opens == at("2026-11-28 09:00")
    assert found.until == "Sat 2026-11-28 09:00, in the sender's office hours"
    assert window(at("2026-11-27 09:00"), at="10:00", hours=OFFICE, zone=BERLIN).until == "10:00, as asked"


@pytest.mark.parametrize(
    ("asked", "hours", "opens", "until"),
    [
        ("", (), "2026-11-27 09:05", "09:05, so that it can still be cancelled"),
        ("09:02", (), "2026-11-27 09:05", "09:05, so that it can still be cancelled"),
        ("18:00", (), "2026-11-27 18:00", "18:00, as asked"),
        ("", OFFICE, "2026-11-27 09:05", "09:05, so that it can still be cancelled"),
    ],
)
def test_a_fax_waits_so_that_it_can_be_cancelled(asked: str, hours: tuple[str, ...], opens: str, until: str) -> None:
    found = window(at("2026-11-27 09:00"), at=asked, hours=hours, zone=BERLIN, undo_seconds=300)
    assert (found.opens, found.until) == (at(opens), until)


def test_the_same_hour_is_another_moment_elsewhere() -> None:
    now = at("2026-11-26 12:00", "UTC")
    assert window(now, at="18:00", hours=(), zone="America/New_York").opens - now == 11 * 3600
    assert window(now, at="18:00", hours=(), zone=BERLIN).opens - now == 5 * 3600


@given(st.floats(1.7e9, 1.9e9), st.sampled_from(["", "00:00", "02:30", "23:59"]), st.booleans())
def test_a_window_is_ahead_and_open_for_some_time(now: float, asked: str, office: bool) -> None:
    """Invariant: it opens within nine days, and closes after it opens."""
    found = window(now, at=asked, hours=OFFICE if office else (), zone=BERLIN)
    assert found.opens == 0 or now < found.opens < now + 9 * 86_400
    assert found.closes == 0 or found.closes > max(now, found.opens)
