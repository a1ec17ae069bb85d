"""The wall clock jumps by a day and back while faxes wait, are in doubt and come in: each has its one answer."""

from __future__ import annotations

from pathlib import Path

import documents
import pytest
from deaths import fault, well_again

from tests.support.site import Site, until

WRONG_CLOCK = Path(documents.__file__).with_name("wrong_clock.py")
DAY = 86_400


@pytest.mark.parametrize("first", [DAY, -DAY], ids=["ahead", "behind"])
def test_a_day_and_back(site: Site, first: int) -> None:
    clock = site.folder / "clock"
    clock.write_text("0")
    site.environment["CLOCK_FILE"] = str(clock)
    site.start_with(WRONG_CLOCK, "short")
    numbers = ["15557650000"]
    site.send(numbers[0])
    answered(site, 1)
    for jump in (first, 0):
        fault("drop_after", count=1)(site)
        doubted = f"1555765{len(numbers):04}"
        site.send(doubted)
        until(lambda: site.rows("SELECT 1 FROM history WHERE event = 'no clear answer'"), "doubt", site.log)
        fault("unavailable")(site)
        waiting = f"1555765{len(numbers) + 1:04}"
        site.send(waiting)
        until(lambda: site.rows("SELECT 1 FROM job WHERE state = 'deferred'"), "a fax to wait", site.log)
        clock.write_text(str(jump))
        well_again(site)
        now = f"1555765{len(numbers) + 2:04}"
        site.send(now)
        site.drop_in(documents.tiff(1))
        numbers += [doubted, waiting, now]
        answered(site, len(numbers))
    answers = site.answers(len(numbers))
    assert sorted(mail["X-Fax-Number"] for mail in answers) == numbers
    assert {mail["X-Fax-Outcome"] for mail in answers} == {"delivered"}
    assert sorted(fax["number"] for fax in site.faxes()) == numbers
    assert len(site.mails("office@example.com")) == 2 and not site.mails("postmaster@example.com")


def answered(site: Site, number: int) -> None:
    until(lambda: len(site.mails()) >= number, "the answers", site.log)
