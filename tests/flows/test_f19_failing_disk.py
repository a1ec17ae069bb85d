"""The disk of a running bridge is full, read-only, or fails: its clients hear "later", and it goes on by itself."""

from __future__ import annotations

import errno
import smtplib
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.faults import Disk, build
from tests.support.site import Site, until

pytestmark = pytest.mark.needs("gcc")
POSTMASTER = "postmaster@example.com"
TROUBLES = {errno.ENOSPC: (452,), errno.EROFS: (451, 452), errno.EIO: (451, 452)}


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    (tmp_path / "disk").mkdir()
    yield Disk(tmp_path / "disk", tmp_path / "control")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
def test_full_read_only_or_broken(site: Site, disk: Disk, tmp_path: Path) -> None:
    site.settings["spool"] = "sqlite:///disk/spool.db"
    site.environment |= disk.environment(build(tmp_path))
    bridge = site.start()
    numbers = ["15557650000"]
    site.send(numbers[0])
    for trouble, codes in TROUBLES.items():
        number = f"1555765{len(numbers):04}"
        disk.fail(trouble)
        with pytest.raises(smtplib.SMTPResponseException) as later:
            site.send(number)
        assert later.value.smtp_code in codes, trouble
        until(lambda: "trouble with the disk" in site.log(), "a worker to meet it", site.log)
        disk.well()
        site.send(number)
        numbers.append(number)
    until(lambda: site.mails(POSTMASTER), "the alarm", site.log)
    bridge.kill()
    bridge.wait()
    site.start()
    answers = site.answers(len(numbers))
    assert sorted(mail["X-Fax-Number"] for mail in answers) == numbers
    assert {mail["X-Fax-Outcome"] for mail in answers} == {"delivered"}
    assert sorted(fax["number"] for fax in site.faxes()) == numbers
    # Killed before it noted that the relay had taken the alarm, it hands the same message over once more.
    [alarm] = {mail["Message-ID"]: mail for mail in site.mails(POSTMASTER)}.values()
    assert "disk" in alarm["Subject"] and not disk.repeated
