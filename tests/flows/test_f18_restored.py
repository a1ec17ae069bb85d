"""A spool that came back as an older copy: nothing is faxed twice, whether somebody says so or not."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from deaths import MOMENTS, command, dies, fault, known, well_again
from house import House, until

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
POSTMASTER = "postmaster@example.com"
NUMBERS = ("15555550100", "15557654321")


def waiting(house: House, number: int) -> list[str]:
    """So many faxes that wait, with their pages made, while FaxCore is not there."""
    fault("unavailable")(house)
    bridge = house.start()
    names = [house.send(NUMBERS[place]) for place in range(number)]
    until(lambda: len(house.rows("SELECT 1 FROM job WHERE state = 'deferred'")) == number, "faxes to wait", house.log)
    house.stop(bridge)
    return names


def copied(house: House) -> Path:
    """Yesterday's copy of the database alone."""
    copy = house.folder / "yesterday.db"
    with closing(sqlite3.connect(house.folder / "spool.db")) as now, closing(sqlite3.connect(copy)) as then:
        now.backup(then)
    return copy


def put_back(house: House, copy: Path) -> None:
    for end in ("-wal", "-shm"):
        (house.folder / f"spool.db{end}").unlink(missing_ok=True)
    shutil.copyfile(copy, house.folder / "spool.db")


def finished(house: House, mails: int) -> int:
    """They are sent after all, and their senders hear of it; the number of faxes that FaxCore has then."""
    well_again(house)
    bridge = house.start()
    house.run("requeue", "--all")
    house.answers(mails)
    house.stop(bridge)
    return len(house.faxes())


def ended(house: House, number: int) -> bool:
    return len(house.rows("SELECT 1 FROM job WHERE state = 'delivered' AND number <> '15550001111'")) == number


@only_sqlite
def test_yesterdays_copy_that_nobody_declared(house: House) -> None:
    known(house)
    waiting(house, 2)
    copy = copied(house)
    faxes = finished(house, 3)
    put_back(house, copy)
    bridge = house.start()
    until(lambda: ended(house, 2), "both to be found", house.log)
    [alarm] = house.answers(1, POSTMASTER)
    assert "Faxes that were waiting in the copy: 2" in " ".join(alarm.get_content().split())
    assert len(house.faxes()) == faxes
    assert len(house.mails()) == 3, "what may have been told before waits for a person"
    assert "Notifications wait for mailfax release --outbox." in house.run("queue").stdout
    assert house.run("release", "--outbox").returncode == 0
    assert len(house.answers(5)) == 5
    assert house.stop(bridge) == 0
    # What goes on from here is no copy of anything.
    bridge = house.start()
    house.send("15555550100")
    house.answers(6)
    assert len(house.mails(POSTMASTER)) == 1
    assert house.run("release", "--outbox").returncode == 1


@only_sqlite
def test_a_backup_that_is_restored(house: House) -> None:
    """One fax was sent since, the other is new to FaxCore: it goes out, once it is proven not to be there."""
    known(house)
    [name, other] = waiting(house, 2)
    file = house.folder / "backup.tar"
    bridge = house.start()
    assert house.run("backup", str(file)).returncode == 0
    house.run("cancel", other)
    until(lambda: house.rows("SELECT 1 FROM job WHERE state = 'cancelled'"), "the cancel", house.log)
    house.stop(bridge)
    finished(house, 3)
    refusal = house.run("restore", str(file))
    assert refusal.returncode == 1 and "--replace" in refusal.stderr
    done = house.run("restore", str(file), "--replace")
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o077 == 0
    house.start()
    until(lambda: ended(house, 2), "one to be found, and the other to be sent", house.log)
    assert sorted(fax["number"] for fax in house.faxes()) == ["15550001111", *NUMBERS]
    assert name and len(house.mails()) == 3


@only_sqlite
def test_a_copy_that_somebody_declares(house: House) -> None:
    """The whole folder came back, the mark with it."""
    known(house)
    waiting(house, 1)
    copy, mark = copied(house), (house.folder / "spool.db.mark").read_bytes()
    faxes = finished(house, 2)
    put_back(house, copy)
    (house.folder / "spool.db.mark").write_bytes(mark)
    house.start_command("serve", "--recovered", "--config", str(house.configure()), log="serve.log")
    until(lambda: ended(house, 1), "it to be found", house.log)
    assert len(house.faxes()) == faxes


@only_sqlite
@pytest.mark.parametrize("commit", ["recovered", "recovery-noticed"])
def test_dead_while_it_is_seen_to(house: House, commit: str) -> None:
    known(house)
    waiting(house, 1)
    copy = copied(house)
    faxes = finished(house, 2)
    put_back(house, copy)
    for moment in MOMENTS:
        if commit == "recovered":
            dies(house, house.start(moment, "recovered"), f"{moment} it")
        else:
            (house.folder / "spool.db.mark").unlink(missing_ok=True)
            command(house, moment, "recovery-noticed", "serve", "--recovered")
    house.start()
    until(lambda: ended(house, 1), "it to be found", house.log)
    assert len(house.faxes()) == faxes and len(house.mails(POSTMASTER)) == 1


@only_sqlite
def test_dead_while_notifications_are_let_go(house: House) -> None:
    known(house)
    waiting(house, 1)
    copy = copied(house)
    finished(house, 2)
    put_back(house, copy)
    bridge = house.start()
    until(lambda: ended(house, 1), "it to be found", house.log)
    command(house, "before", "outbox-released", "release", "--outbox")
    time.sleep(0.5)
    assert len(house.mails()) == 2
    command(house, "after", "outbox-released", "release", "--outbox")
    assert len(house.answers(3)) == 3
    assert house.stop(bridge) == 0
