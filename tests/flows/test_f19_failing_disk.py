"""The disk of a running bridge is full, read-only, or fails: its clients hear "later", and it goes on by itself."""

from __future__ import annotations

import errno
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import House, until

from tests.support.faults import Disk, build

pytestmark = pytest.mark.needs("gcc")
POSTMASTER = "postmaster@example.com"
TROUBLES = {errno.ENOSPC: (452,), errno.EROFS: (451, 452), errno.EIO: (451, 452)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    (tmp_path / "disk").mkdir()
    yield Disk(tmp_path / "disk", tmp_path / "control")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_full_read_only_or_broken(house: House, disk: Disk, tmp_path: Path) -> None:
    house.settings["spool"] = "sqlite:///disk/spool.db"
    house.environment |= disk.environment(build(tmp_path))
    bridge = house.start()
    numbers = ["15557650000"]
    house.send(numbers[0])
    for trouble, codes in TROUBLES.items():
        number = f"1555765{len(numbers):04}"
        disk.fail(trouble)
        with pytest.raises(smtplib.SMTPResponseException) as later:
            house.send(number)
        assert later.value.smtp_code in codes, trouble
        until(lambda: "trouble with the disk" in house.log(), "a worker to meet it", house.log)
        disk.well()
        house.send(number)
        numbers.append(number)
    until(lambda: house.mails(POSTMASTER), "the alarm", house.log)
    bridge.kill()
    bridge.wait()
    house.start()
    answers = house.answers(len(numbers))
    assert sorted(mail["X-Fax-Number"] for mail in answers) == numbers
    assert {mail["X-Fax-Outcome"] for mail in answers} == {"delivered"}
    assert sorted(fax["number"] for fax in house.faxes()) == numbers
    [alarm] = house.mails(POSTMASTER)
    assert "disk" in alarm["Subject"] and not disk.repeated
