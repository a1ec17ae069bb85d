"""A document is made once for all jobs that wait for it, and a poison file can't loop."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.job import Status
from mailfax.rules.states import JobEvent, JobState
from mailfax.spool import Outdated, Spool

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Mails

pytestmark = pytest.mark.anyio
BROKEN = Status("5.6.1", "The attachment can't be opened.", "x-mailfax; damaged PDF")


@pytest.mark.parametrize("large", [False, True])
async def test_pages_and_ready_jobs_are_one_commit(large: bool, spool: Spool, mails: Mails, tmp_path: Path) -> None:
    jobs = await mails.accept(spool, jobs=3)
    held = await spool.jobs.advance(jobs[1], jobs[1].after(JobEvent.HOLD), JobEvent.HOLD)
    claimed = await spool.documents.claim(60)
    assert claimed
    message, document = claimed
    assert message.queue_id == jobs[0].message
    pages = b"%PDF" * (50_000 if large else 1)
    file = tmp_path / "made.pdf"
    file.write_bytes(pages)
    now_is = replace(document, filename="a.pdf", pages=3, notes="see", contents=("a", "b"), skipped=("c.zip",))
    ready = await spool.documents.ready(document, now_is, file)
    assert await spool.documents.get(message.queue_id) == ready
    assert (ready.state, ready.contents, ready.skipped) == ("ready", ("a", "b"), ("c.zip",))
    assert await spool.content.read(ready.content_id) == pages
    states = [job.state for job in await spool.jobs.of(message.queue_id)]
    assert states == [JobState.READY, JobState.HELD, JobState.READY]
    assert (await spool.history.of(jobs[2].queue_id))[-1].event == "document ready"
    assert (await spool.history.of(held.queue_id))[-1].event == "hold"
    assert await spool.documents.claim(60) is None


async def test_attempts_are_counted_before_each_rendering(spool: Spool, mails: Mails, clock: Clock) -> None:
    await mails.accept(spool)
    for attempt in (1, 2, 3):
        claimed = await spool.documents.claim(60)
        assert claimed
        assert claimed[1].attempts == attempt
        assert await spool.documents.claim(60) is None
        clock.now += 60  # its process died


async def test_who_comes_too_late_stores_nothing(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    await mails.accept(spool)
    _, document = await spool.documents.claim(60)
    clock.now += 59
    assert await spool.documents.claim(60) is None
    clock.now += 1
    assert await spool.documents.claim(60)
    with pytest.raises(Outdated):
        await spool.documents.ready(document, document, b"x" * 100_000)
    assert await database.large_left(spool) == 0


async def test_later_waits_and_tells_each_job(spool: Spool, mails: Mails, clock: Clock) -> None:
    [job] = await mails.accept(spool)
    claimed = await spool.documents.claim(60)
    assert claimed
    later = await spool.documents.later(claimed[1], clock.now + 30, "out of memory")
    assert await spool.documents.get(job.message) == later
    assert (await spool.history.of(job.queue_id))[-1].event == "document can't be made now"
    assert await spool.documents.claim(60) is None
    clock.now += 30
    assert await spool.documents.claim(60)


async def test_no_document_is_made_for_jobs_that_do_not_wait(spool: Spool, mails: Mails) -> None:
    [job] = await mails.accept(spool)
    await spool.jobs.advance(job, job.after(JobEvent.CANCEL), JobEvent.CANCEL)
    assert await spool.documents.claim(60) is None


async def test_impossible_ends_every_waiting_job_and_owes_one_report(spool: Spool, mails: Mails) -> None:
    jobs = await mails.accept(spool, jobs=3)
    await spool.jobs.advance(jobs[0], jobs[0].after(JobEvent.CANCEL), JobEvent.CANCEL)
    held = await spool.jobs.advance(jobs[1], jobs[1].after(JobEvent.HOLD), JobEvent.HOLD)
    claimed = await spool.documents.claim(60)
    assert claimed
    document = claimed[1]
    ends = [(job, job.after(JobEvent.DOCUMENT_IMPOSSIBLE, status=BROKEN)) for job in (held, jobs[2])]
    with pytest.raises(Outdated):  # one was forgotten
        await spool.documents.impossible(document, ends[:1], "damaged PDF")
    with pytest.raises(Outdated):  # one was changed meanwhile
        await spool.documents.impossible(document, [(jobs[1], ends[0][1]), ends[1]], "damaged PDF")
    await spool.documents.impossible(document, ends, "damaged PDF")
    assert await spool.reports.due(8) == {document.message: {job.queue_id for job in jobs}}
    stored = await spool.jobs.of(document.message)
    assert [job.state for job in stored] == [JobState.CANCELLED, JobState.FAILED, JobState.FAILED]
    assert stored[2].status == BROKEN
    counts = await spool.counts()
    assert (counts.letters, counts.documents) == ({}, {"impossible": 1})
