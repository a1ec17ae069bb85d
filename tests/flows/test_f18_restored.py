"""A spool that came back as an older copy: nothing is faxed twice, whether somebody says so or not."""

from __future__ import annotations

import shutil
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest
from deaths import MOMENTS, command, dies, fault, known, well_again

from tests.support.site import Site, until

only_sqlite = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
POSTMASTER = "postmaster@example.com"
NUMBERS = ("15555550100", "15557654321")


def waiting(site: Site, number: int) -> list[str]:
    """So many faxes that wait, with their pages made, while FaxCore is not there."""
    fault("unavailable")(site)
    bridge = site.start()
    names = [site.send(NUMBERS[place]) for place in range(number)]
    until(lambda: len(site.rows("SELECT 1 FROM job WHERE state = 'deferred'")) == number, "faxes to wait", site.log)
    site.stop(bridge)
    return names


def copied(site: Site) -> Path:
    """Yesterday's copy of the database alone."""
    copy = site.folder / "yesterday.db"
    with closing(sqlite3.connect(site.folder / "spool.db")) as now, closing(sqlite3.connect(copy)) as then:
        now.backup(then)
    return copy


def put_back(site: Site, copy: Path) -> None:
    for end in ("-wal", "-shm"):
        (site.folder / f"spool.db{end}").unlink(missing_ok=True)
    shutil.copyfile(copy, site.folder / "spool.db")


def finished(site: Site, mails: int) -> int:
    """They are sent after all, and their senders hear of it; the number of faxes that FaxCore has then."""
    well_again(site)
    bridge = site.start()
    site.run("requeue", "--all")
    site.answers(mails)
    site.stop(bridge)
    return len(site.faxes())


def ended(site: Site, number: int) -> bool:
    return len(site.rows("SELECT 1 FROM job WHERE state = 'delivered' AND number <> '15550001111'")) == number


@only_sqlite
def test_yesterdays_copy_that_nobody_declared(site: Site) -> None:
    known(site)
    waiting(site, 2)
    copy = copied(site)
    faxes = finished(site, 3)
    put_back(site, copy)
    bridge = site.start()
    until(lambda: ended(site, 2), "both to be found", site.log)
    [alarm] = site.answers(1, POSTMASTER)
    assert "Faxes that were waiting in the copy: 2" in " ".join(alarm.get_body(("plain",)).get_content().split())
    assert len(site.faxes()) == faxes
    assert len(site.mails()) == 3, "what may have been told before waits for a person"
    assert "Notifications wait for mailfax release --outbox." in site.run("queue").stdout
    assert site.run("release", "--outbox").returncode == 0
    assert len(site.answers(5)) == 5
    assert site.stop(bridge) == 0
    # What goes on from here is no copy of anything.
    bridge = site.start()
    site.send("15555550100")
    site.answers(6)
    assert len(site.mails(POSTMASTER)) == 1
    assert site.run("release", "--outbox").returncode == 1


@only_sqlite
def test_a_backup_that_is_restored(site: Site) -> None:
    """One fax was sent since, the other is new to FaxCore: it goes out, once it is proven not to be there."""
    known(site)
    [name, other] = waiting(site, 2)
    file = site.folder / "backup.tar"
    bridge = site.start()
    assert site.run("backup", str(file)).returncode == 0
    site.run("cancel", other)
    until(lambda: site.rows("SELECT 1 FROM job WHERE state = 'cancelled'"), "the cancel", site.log)
    site.stop(bridge)
    finished(site, 3)
    refusal = site.run("restore", str(file))
    assert refusal.returncode == 1 and "--replace" in refusal.stderr
    done = site.run("restore", str(file), "--replace")
    assert done.returncode == 0, done.stderr
    assert file.stat().st_mode & 0o077 == 0
    site.start()
    until(lambda: ended(site, 2), "one to be found, and the other to be sent", site.log)
    assert sorted(fax["number"] for fax in site.faxes()) == ["15550001111", *NUMBERS]
    assert name and len(site.mails()) == 3


@only_sqlite
def test_a_copy_that_somebody_declares(site: Site) -> None:
    """The whole folder came back, the mark with it."""
    known(site)
    waiting(site, 1)
    copy, mark = copied(site), (site.folder / "spool.db.mark").read_bytes()
    faxes = finished(site, 2)
    put_back(site, copy)
    (site.folder / "spool.db.mark").write_bytes(mark)
    site.start_command("serve", "--recovered", "--config", str(site.configure()), log="serve.log")
    until(lambda: ended(site, 1), "it to be found", site.log)
    assert len(site.faxes()) == faxes


@only_sqlite
@pytest.mark.parametrize("commit", ["recovered", "recovery-noticed"])
def test_dead_while_it_is_seen_to(site: Site, commit: str) -> None:
    known(site)
    waiting(site, 1)
    copy = copied(site)
    faxes = finished(site, 2)
    put_back(site, copy)
    for moment in MOMENTS:
        if commit == "recovered":
            dies(site, site.start(moment, "recovered"), f"{moment} it")
        else:
            (site.folder / "spool.db.mark").unlink(missing_ok=True)
            command(site, moment, "recovery-noticed", "serve", "--recovered")
    site.start()
    until(lambda: ended(site, 1), "it to be found", site.log)
    assert len(site.faxes()) == faxes and len(site.mails(POSTMASTER)) == 1


@only_sqlite
def test_dead_while_notifications_are_let_go(site: Site) -> None:
    known(site)
    waiting(site, 1)
    copy = copied(site)
    finished(site, 2)
    put_back(site, copy)
    bridge = site.start()
    until(lambda: ended(site, 1), "it to be found", site.log)
    command(site, "before", "outbox-released", "release", "--outbox")
    time.sleep(0.5)
    assert len(site.mails()) == 2
    command(site, "after", "outbox-released", "release", "--outbox")
    assert len(site.answers(3)) == 3
    assert site.stop(bridge) == 0
