"""What is unusual is what the account itself has not shown."""

from __future__ import annotations

import pytest

from mailfax.rules.quiet import DAY, HABIT, is_unusual

HOUR = 3600.0


@pytest.mark.parametrize(
    ("faxes", "longest", "silent", "unusual"),
    [
        (500, 2.6 * DAY, 2.7 * DAY, False),  # a weekend like others
        (500, 2.6 * DAY, 5.3 * DAY, True),
        (500, 14 * HOUR, 27 * HOUR, False),
        (500, 14 * HOUR, 29 * HOUR, True),
        (50_000, 60.0, 23 * HOUR, False),  # never before a day
        (50_000, 60.0, 25 * HOUR, True),
        (HABIT - 1, 60.0, 20 * DAY, False),  # no habit
        (0, 0.0, 400 * DAY, False),
    ],
)
def test_silence(faxes: int, longest: float, silent: float, unusual: bool) -> None:
    assert is_unusual(faxes, longest, silent) is unusual
