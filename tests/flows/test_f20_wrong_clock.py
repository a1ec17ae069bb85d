"""The wall clock jumps by a day and back while faxes wait, are in doubt and come in: each has its one answer."""

from __future__ import annotations

from pathlib import Path

import documents
import pytest
from deaths import fault, well_again
from house import House, until

WRONG_CLOCK = Path(documents.__file__).with_name("wrong_clock.py")
DAY = 86_400


@pytest.mark.parametrize("first", [DAY, -DAY], ids=["ahead", "behind"])
def test_a_day_and_back(house: House, first: int) -> None:
    clock = house.folder / "clock"
    clock.write_text("0")
    house.environment["CLOCK_FILE"] = str(clock)
    house.start_with(WRONG_CLOCK, "short")
    numbers = ["15557650000"]
    house.send(numbers[0])
    answered(house, 1)
    for jump in (first, 0):
        fault("drop_after", count=1)(house)
        doubted = f"1555765{len(numbers):04}"
        house.send(doubted)
        until(lambda: house.rows("SELECT 1 FROM history WHERE event = 'no clear answer'"), "doubt", house.log)
        fault("unavailable")(house)
        waiting = f"1555765{len(numbers) + 1:04}"
        house.send(waiting)
        until(lambda: house.rows("SELECT 1 FROM job WHERE state = 'deferred'"), "a fax to wait", house.log)
        clock.write_text(str(jump))
        well_again(house)
        now = f"1555765{len(numbers) + 2:04}"
        house.send(now)
        house.drop_in(documents.tiff(1))
        numbers += [doubted, waiting, now]
        answered(house, len(numbers))
    answers = house.answers(len(numbers))
    assert sorted(mail["X-Fax-Number"] for mail in answers) == numbers
    assert {mail["X-Fax-Outcome"] for mail in answers} == {"delivered"}
    assert sorted(fax["number"] for fax in house.faxes()) == numbers
    assert len(house.mails("office@example.com")) == 2 and not house.mails("postmaster@example.com")


def answered(house: House, number: int) -> None:
    until(lambda: len(house.mails()) >= number, "the answers", house.log)
