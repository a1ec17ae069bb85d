"""What has ended is deleted in its time; never what lives, what a person keeps, or pages that somebody else has."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mailfax.config import RetentionConfig
from mailfax.rules.job import FaxJob, Letter, Status
from mailfax.rules.states import InboundEvent, JobEvent, JobState, LetterEvent
from mailfax.spool import Outdated, Spool
from mailfax.spool.large import ContentDamaged, ContentDeleted
from mailfax.spool.retention import DAY, LETTERS, Deleted
from tests.spool.conftest import Clock, Mails, OpenSpool, only
from tests.support.database import Database

pytestmark = pytest.mark.anyio

MONTH = RetentionConfig(30, 90, 30, 90, 30, 90)
LARGE = b"Subject: large\r\n\r\n" + b"x" * 100_000
STATUS = Status("5.4.1", "Nobody answered.", "x-faxcore; Failed")


async def ended(spool: Spool, mails: Mails, *, sender: str = "", jobs: int = 1, body: bytes = LARGE) -> list[FaxJob]:
    """The faxes of a mail, cancelled."""
    made = mails.message
    if sender:
        mails.message = lambda account="main": replace(made(account), sender=sender)  # type: ignore[method-assign]
    try:
        waiting = await mails.ready(spool, jobs, body=body)
    finally:
        mails.message = made  # type: ignore[method-assign]
    for job in waiting:
        over = job.after(JobEvent.CANCEL, ended_at=spool.now(), status=STATUS)
        await spool.jobs.advance(job, over, JobEvent.CANCEL)
        await spool.reports.told((job,), ())
    return await spool.jobs.of(waiting[0].message)


async def handed_over(spool: Spool, letter: Letter) -> Letter:
    await spool.outbox.owe([letter])
    claimed = await spool.outbox.claim(60)
    assert claimed is not None
    return await spool.outbox.advance(claimed, claimed.after(LetterEvent.TAKEN), LetterEvent.TAKEN)


async def stored(spool: Spool, mails: Mails, fax_id: str) -> str:
    """The queue ID of a received fax."""
    await spool.inbound.listed("main", [mails.received(fax_id)])
    [fax] = await spool.inbound.due("main")
    await spool.inbound.advance(fax, fax.after(InboundEvent.FETCHED), InboundEvent.FETCHED, content=LARGE)
    return fax.queue_id


async def content_of(spool: Spool, message: str) -> bytes:
    mail = await spool.intake.message(message)
    assert mail is not None
    return await spool.content.read(mail.content_id)


async def delete(spool: Spool, config: RetentionConfig = MONTH) -> Deleted:
    return await spool.retention.apply(config, by_person=True)


async def test_content_goes_first_and_records_later(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    [job] = await ended(spool, mails)
    received = await stored(spool, mails, "R1")
    letters = [await handed_over(spool, mails.letter(kind=kind, about=job.queue_id)) for kind in ("failed", "alarm")]
    assert await database.large() == 2
    assert await delete(spool) == Deleted()
    clock.now += 31 * DAY
    assert await delete(spool) == Deleted(4, 0)
    assert await delete(spool) == Deleted()
    with pytest.raises(ContentDeleted):
        await content_of(spool, job.message)
    document, fax = await spool.documents.get(job.message), await spool.queue.received(received)
    assert document is not None and document.state == "ready" and document.content_id == ""
    assert fax is not None and fax.content_id == ""
    for letter in letters:
        told = await spool.outbox.get(letter.letter_id)
        assert told is not None and told.content == b""
    assert await spool.jobs.get(job.queue_id) == job, "its record is there"
    assert await database.large() == 0
    assert await database.run("SELECT content_id FROM content") == [("",)]

    clock.now += 60 * DAY
    assert await delete(spool) == Deleted(0, 4)
    assert await spool.jobs.get(job.queue_id) is None and await spool.intake.message(job.message) is None
    assert await spool.queue.received(received) is None and await spool.outbox.listing() == []
    left = {queue_id for (queue_id,) in await database.run("SELECT queue_id FROM history")}
    assert left == {"[retention]"}, "which lines were deleted, and by the newest an older copy is known"
    assert await spool.ledger.unknown("main", ["R1", "R2"]) == ["R2"]
    await spool.inbound.listed("main", [mails.received("R1")])
    assert await spool.inbound.due("main") == [], "it is never fetched again"
    counts = await spool.counts()
    assert not any((counts.jobs, counts.letters, counts.inbound, counts.documents))


async def test_junk_goes_after_its_days_and_other_received_faxes_stay(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    received = await stored(spool, mails, "R1")
    await spool.inbound.listed("main", [mails.received("R2")])
    [fax] = await spool.inbound.due("main")
    await spool.inbound.advance(fax, fax.after(InboundEvent.JUNKED), InboundEvent.JUNKED, content=LARGE)
    junk_alone = RetentionConfig()
    clock.now += 29 * DAY
    assert await delete(spool, junk_alone) == Deleted()
    clock.now += 2 * DAY
    assert await delete(spool, junk_alone) == Deleted(1, 1)
    assert await spool.queue.received(fax.queue_id) is None
    kept = await spool.queue.received(received)
    assert kept is not None and kept.content_id and await database.large() == 1
    assert await spool.ledger.unknown("main", ["R1", "R2"]) == [], "it is never fetched again"


async def test_nothing_that_lives_loses_its_content(spool: Spool, mails: Mails, clock: Clock) -> None:
    """Faxes, notifications and received faxes at any stage and of any age: whatever has not ended stays whole."""
    chance = random.Random(7)
    alive: list[str] = []
    over: list[tuple[str, float]] = []
    waiting: list[Letter] = []
    for number in range(24):
        body = LARGE if chance.random() < 0.3 else b"Subject: small\r\n\r\n%d" % number
        match chance.randrange(5):
            case 0:
                [job] = await mails.accept(spool, body=body)
                alive.append(job.message)
                claimed = await spool.documents.claim(60)  # else the next one's scene would get it
                assert claimed
                await spool.documents.ready(claimed[1], replace(claimed[1], filename="a", pages=1), b"%PDF")
            case 1:
                job, other = await mails.ready(spool, 2, body=body)
                cancelled = job.after(JobEvent.CANCEL, ended_at=clock(), status=STATUS)
                await spool.jobs.advance(job, cancelled, JobEvent.CANCEL)
                await spool.reports.told((job,), ())
                held = await spool.jobs.advance(other, other.after(JobEvent.HOLD), JobEvent.HOLD)
                alive.append(held.message)
            case 2:
                [job] = await ended(spool, mails, body=body)
                over.append((job.message, clock()))
            case 3:
                letter = mails.letter(kind="failed", content=body)
                await spool.outbox.owe([letter])
                claimed_letter = await spool.outbox.claim(60)
                assert claimed_letter is not None
                lost = claimed_letter.after(LetterEvent.REFUSED, problem="no such user")
                waiting.append(await spool.outbox.advance(claimed_letter, lost, LetterEvent.REFUSED))
            case 4:
                await handed_over(spool, mails.letter(content=body))
        clock.now += chance.uniform(0.1, 4) * DAY
        await delete(spool)
        for message in alive:
            await content_of(spool, message)
            document = await spool.documents.get(message)
            assert document is not None
            await spool.content.read(document.content_id)
        for letter in waiting:
            found = await spool.outbox.get(letter.letter_id)
            assert found is not None and found.content
        for message, at in over:
            age = clock.now - at
            kept = await spool.intake.message(message)
            assert (kept is not None) == (age <= 90 * DAY)
            if kept:
                assert bool(kept.content_id) == (age <= 30 * DAY)
    assert alive and over and waiting


@pytest.mark.parametrize("what", [lambda job: job.message, lambda _: "ann@example.org", lambda _: "@example.org"])
async def test_what_a_person_keeps_stays_with_its_notifications(
    spool: Spool, mails: Mails, clock: Clock, what: Callable[[FaxJob], str]
) -> None:
    [kept] = await ended(spool, mails, sender="Ann@Example.org")
    [other] = await ended(spool, mails, sender="bob@example.com")
    letter = await handed_over(spool, mails.letter(kind="failed", about=kept.queue_id))
    assert await spool.retention.keep(what(kept)) and not await spool.retention.keep(what(kept))
    clock.now += 100 * DAY
    assert await delete(spool) == Deleted(1, 1), "the other"
    assert await spool.intake.message(other.message) is None
    assert await content_of(spool, kept.message) == LARGE
    found = await spool.outbox.get(letter.letter_id)
    assert found is not None and found.content
    assert await spool.retention.purge("message", [kept.message]) == 0
    assert [each.what for each in await spool.retention.kept()] == [what(kept)]
    assert await spool.retention.release(what(kept)) and not await spool.retention.release(what(kept))
    assert await delete(spool) == Deleted(2, 2)


async def test_pages_that_two_mails_share_go_with_the_last(spool: Spool, mails: Mails, clock: Clock) -> None:
    [first] = await ended(spool, mails)
    made = await spool.documents.get(first.message)
    assert made is not None
    [second] = await mails.accept(spool)
    claimed = await spool.documents.claim(60)
    assert claimed
    same = replace(claimed[1], content_id=made.content_id, filename="a.pdf", pages=1)
    await spool.documents.ready(claimed[1], same, None)
    assert await spool.retention.purge("message", [first.message, second.message]) == 1
    assert await spool.content.read(made.content_id) == b"%PDF-1.7"
    [second] = await spool.jobs.of(second.message)
    cancelled = second.after(JobEvent.CANCEL, ended_at=clock(), status=STATUS)
    await spool.jobs.advance(second, cancelled, JobEvent.CANCEL)
    await spool.reports.told((second,), ())
    assert await spool.retention.purge("message", [second.message]) == 1
    with pytest.raises(ContentDamaged):
        await spool.content.read(made.content_id)
    [third] = await mails.accept(spool)
    claimed = await spool.documents.claim(60)
    assert claimed and claimed[0].queue_id == third.message
    with pytest.raises(Outdated):
        await spool.documents.ready(claimed[1], replace(same, message=third.message, version=1), None)


async def test_what_has_no_content_any_more_is_not_sent_again(spool: Spool, mails: Mails) -> None:
    [job] = await ended(spool, mails)
    assert await spool.retention.purge("message", [job.message]) == 1
    again = replace(job, queue_id=job.message + "-2", reference="AGAIN", state=JobState.READY)
    with pytest.raises(Outdated):
        await spool.jobs.resend(job, again)


async def test_a_received_fax_that_was_fetched_late_is_kept_from_then_on(
    spool: Spool, mails: Mails, clock: Clock
) -> None:
    await spool.inbound.listed("main", [mails.received("R1")])
    [fax] = await spool.inbound.due("main")
    clock.now += 31 * DAY
    fetched = fax.after(InboundEvent.FETCHED)
    await spool.inbound.advance(fax, fetched, InboundEvent.FETCHED, content=LARGE)
    assert await delete(spool) == Deleted()
    clock.now += 31 * DAY
    assert await delete(spool) == Deleted(1, 0)


async def test_a_wrong_clock_deletes_nothing(
    spool: Spool, mails: Mails, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    elapsed = [0.0]
    monkeypatch.setattr(spool.retention._clock, "_elapsed", lambda: elapsed[0])
    monkeypatch.setattr(spool.retention._clock, "_gap", clock.now)
    monkeypatch.setattr(spool.retention._clock, "_trusted_from", 3600.0)
    await ended(spool, mails)
    assert await spool.retention.apply(MONTH) == Deleted()
    elapsed[0], clock.now = 4000.0, clock.now + 4000 + 40 * DAY
    assert await spool.retention.apply(MONTH) == Deleted(), "it leapt"
    elapsed[0], clock.now = 8000.0, clock.now + 4000
    assert await spool.retention.apply(MONTH) == Deleted(1, 0)


@only("sqlite")
async def test_what_a_crash_leaves_behind_the_commit_is_swept(
    open_spool: OpenSpool, mails: Mails, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = await open_spool()
    await ended(spool, mails)
    clock.now += 31 * DAY

    async def die(_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(spool.content.large, "remove", die)
    with pytest.raises(KeyboardInterrupt):
        await delete(spool)
    assert await database.large() == 1
    await database.age_large()
    assert await spool.sweep() == 1 and await database.large() == 0


@only("sqlite")
async def test_space_is_given_back_and_nothing_of_it_can_be_read(
    spool: Spool, mails: Mails, clock: Clock, tmp_path: Path
) -> None:
    secret = b"the very secret words"
    for _ in range(20):
        await ended(spool, mails, body=b"Subject: x\r\n\r\n" + secret + b"." * 60_000)
    file, log = tmp_path / "spool.db", tmp_path / "spool.db-wal"
    assert secret in file.read_bytes() + log.read_bytes()
    clock.now += 31 * DAY
    await delete(spool)
    assert file.stat().st_size < 600_000 and log.stat().st_size == 0
    assert secret not in file.read_bytes()


def test_every_kind_of_notification_has_its_time() -> None:
    kinds = [kind for kinds in LETTERS.values() for kind in kinds]
    assert len(kinds) == len(set(kinds))
    assert set(LETTERS) == {name.partition("_")[0] for name in RetentionConfig.__dataclass_fields__}
