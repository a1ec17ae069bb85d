"""A spool that is an older copy of itself: faxes are put in doubt, notifications wait, and the mark notices."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from mailfax.rules.states import JobEvent, JobState
from mailfax.spool import Spool, SpoolRefused
from mailfax.spool.backup import back_up, restore
from mailfax.spool.mark import Mark
from tests.spool.conftest import Mails, OpenSpool, only

pytestmark = pytest.mark.anyio


async def test_what_may_have_been_sent_is_put_in_doubt_and_nothing_else(spool: Spool, mails: Mails) -> None:
    submitted = await mails.submitted(spool, "F1")
    submitting = (await mails.submitting(spool)).job
    [ready], [held] = await mails.ready(spool), await mails.ready(spool)
    held = await spool.jobs.advance(held, held.after(JobEvent.HOLD), JobEvent.HOLD)
    [accepted] = await mails.accept(spool)
    assert not await spool.recovery.is_due()
    await spool.recovery.begin()
    await spool.recovery.begin()
    assert await spool.recovery.is_due() and await spool.recovery.doubted() == 3
    assert not await spool.recovery.release(), "not before its faxes were put in doubt"
    assert await spool.recovery.put_in_doubt(7.0, "boot", [mails.letter(kind="alarm")]) == 3
    assert await spool.recovery.put_in_doubt(7.0, "boot", [mails.letter(kind="alarm")]) == 0
    for job in (accepted, ready, submitting):
        now_is = await spool.jobs.get(job.queue_id)
        assert now_is is not None and now_is.state is JobState.IN_DOUBT and now_is.attempts > 0
        assert (now_is.last_byte_elapsed, now_is.last_byte_boot) == (7.0, "boot")
        assert (await spool.history.of(job.queue_id))[-1].event == JobEvent.RECOVERED
    for job in (held, submitted):
        kept = await spool.jobs.get(job.queue_id)
        assert kept is not None and kept.state is job.state


async def test_notifications_wait_for_a_person_and_alarms_do_not(spool: Spool, mails: Mails) -> None:
    await spool.outbox.owe([mails.letter()])
    await spool.recovery.begin()
    assert await spool.recovery.waits_since() == spool.now()
    assert await spool.outbox.claim(60) is None and min(await spool.outbox.next_at()) > spool.now()
    await spool.recovery.put_in_doubt(0.0, "", [mails.letter(kind="alarm")])
    alarm = await spool.outbox.claim(60)
    assert alarm is not None and alarm.kind == "alarm" and await spool.outbox.claim(60) is None
    assert await spool.recovery.release() and not await spool.recovery.release()
    letter = await spool.outbox.claim(60)
    assert letter is not None and letter.kind == "delivered"
    assert await spool.recovery.waits_since() == 0.0


@only("sqlite")
async def test_a_database_behind_its_mark_is_noticed_once(
    open_spool: OpenSpool, mails: Mails, tmp_path: Path
) -> None:
    spool = await open_spool()
    await mails.ready(spool)
    back_up(tmp_path / "spool.db", tmp_path / "backup.tar")
    with tarfile.open(tmp_path / "backup.tar") as archive:
        archive.extract("spool.db", tmp_path / "old", filter="data")
    await spool.jobs.claim(["main"], 60)
    await spool.close()
    for file in tmp_path.glob("spool.db-*"):
        file.unlink()
    (tmp_path / "old" / "spool.db").replace(tmp_path / "spool.db")
    again = await open_spool()
    assert await again.recovery.is_due()
    assert await again.recovery.put_in_doubt(0.0, "", []) == 1
    await again.close()
    assert not await (await open_spool()).recovery.is_due()


@only("sqlite")
async def test_a_new_spool_beside_an_old_mark_is_no_copy(open_spool: OpenSpool, mails: Mails, tmp_path: Path) -> None:
    mark = Mark(tmp_path / "spool.db.mark")
    mark.write(1000)
    assert mark.read() == 1000
    mark.close()
    spool = await open_spool()
    assert not await spool.recovery.is_due()
    await spool.outbox.owe([mails.letter()])
    await spool.close()
    assert not await (await open_spool()).recovery.is_due()
    (tmp_path / "spool.db.mark").write_text("no number")
    assert mark.read() == 0


@only("sqlite")
async def test_a_backup_has_large_contents_and_is_whole(open_spool: OpenSpool, mails: Mails, tmp_path: Path) -> None:
    spool = await open_spool()
    large = b"Subject: x\r\n\r\n" + b"x" * 3_000_000
    [job] = await mails.accept(spool, body=large)
    (tmp_path / "away").mkdir()
    size = back_up(tmp_path / "spool.db", tmp_path / "away" / "backup.tar")
    assert size > len(large) and [file.name for file in (tmp_path / "away").iterdir()] == ["backup.tar"]
    with pytest.raises(SpoolRefused, match="is there already"):
        back_up(tmp_path / "spool.db", tmp_path / "away" / "backup.tar")
    with pytest.raises(SpoolRefused, match="there is no spool"):
        back_up(tmp_path / "nothing.db", tmp_path / "other.tar")
    with pytest.raises(SpoolRefused, match="give --replace"):
        restore(tmp_path / "away" / "backup.tar", tmp_path / "spool.db")
    with pytest.raises(SpoolRefused, match="is in use"):
        restore(tmp_path / "away" / "backup.tar", tmp_path / "spool.db", replace=True)
    await spool.close()
    elsewhere = tmp_path / "elsewhere" / "spool.db"
    assert restore(tmp_path / "away" / "backup.tar", elsewhere) is None
    kept = restore(tmp_path / "away" / "backup.tar", elsewhere, replace=True)
    assert kept is not None and kept.is_file()
    restored = await Spool.open(f"sqlite:///{elsewhere}", tmp_path)
    try:
        message = await restored.intake.message(job.message)
        assert message is not None and await restored.content.read(message.content_id) == large
        assert await restored.recovery.is_due()
    finally:
        await restored.close()


@only("sqlite")
@pytest.mark.parametrize("broken", ["no tar", "no spool", "leads out", "cut"])
async def test_what_is_no_backup_is_refused(open_spool: OpenSpool, mails: Mails, tmp_path: Path, broken: str) -> None:
    file = tmp_path / "backup.tar"
    if broken == "no tar":
        file.write_bytes(b"no tar")
    elif broken == "no spool":
        (tmp_path / "letter").write_text("x")
        with tarfile.open(file, "w") as archive:
            archive.add(tmp_path / "letter", "letter")
    elif broken == "leads out":
        (tmp_path / "letter").write_text("x")
        with tarfile.open(file, "w") as archive:
            archive.add(tmp_path / "letter", "../../outside")
    else:
        await mails.accept(await open_spool(), body=b"Subject: x\r\n\r\n" + b"x" * 3_000_000)
        back_up(tmp_path / "spool.db", tmp_path / "whole.tar")
        file.write_bytes((tmp_path / "whole.tar").read_bytes()[:-1_500_000])
    target = tmp_path / "elsewhere" / "spool.db"
    with pytest.raises(SpoolRefused):
        restore(file, target)
    assert not target.exists() and not (tmp_path / "outside").exists()
