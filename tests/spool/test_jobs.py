"""No job is claimed twice, none changes behind its owner's back, and every arrow leaves its line and its letter."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.job import Status
from mailfax.rules.states import JobEvent, JobState, NotAllowed
from mailfax.spool import FaxIdTaken, Outdated, Spool

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Groups, Mails, OpenSpool

pytestmark = pytest.mark.anyio
DELIVERED = Status("2.0.0", "All pages were received.", "x-faxcore; Completed")


async def test_a_claimed_job_is_written_down_before_it_is_handed_out(
    spool: Spool, mails: Mails, clock: Clock
) -> None:
    claimed = await mails.submitting(spool, lease=60)
    job = claimed.job
    assert (job.state, job.attempts, job.epoch) == (JobState.SUBMITTING, 1, spool.epoch)
    assert (job.submitting_at, job.lease_until) == (clock.now, clock.now + 60)
    assert await spool.jobs.get(job.queue_id) == job
    assert (claimed.message.queue_id, claimed.document.state, claimed.document.pages) == (job.message, "ready", 1)
    assert (await spool.history.of(job.queue_id))[-1].event == "claimed for submission"
    assert await spool.jobs.claim(["main"], 60) is None


async def test_a_virtual_clock_that_stands_still_gives_each_claim_its_own_line(spool: Spool, mails: Mails) -> None:
    await mails.ready(spool, jobs=3)
    claimed = [await spool.jobs.claim(["main"], 60) for _ in range(3)]
    for one in claimed:
        assert one
        events = [line.event for line in await spool.history.of(one.job.queue_id)]
        assert events == ["accepted", "document ready", "claimed for submission"]


async def test_two_processes_never_claim_the_same_job(open_spool: OpenSpool, mails: Mails) -> None:
    spools = [await open_spool() for _ in range(3)]
    for _ in range(10):
        await mails.ready(spools[0], jobs=3)

    async def take_all(spool: Spool) -> list[str]:
        taken = []
        while claimed := await spool.jobs.claim(["main"], 60):
            assert claimed.job.epoch == spool.epoch
            taken.append(claimed.job.queue_id)
        return taken

    parts = await asyncio.gather(*(take_all(spool) for spool in spools for _ in range(4)))
    taken = [queue_id for part in parts for queue_id in part]
    assert len(taken) == len(set(taken)) == 30


async def test_senders_take_turns(spool: Spool, mails: Mails, clock: Clock) -> None:
    """Whoever sends many keeps nobody waiting who sends one; once they are out, their next is as good as any."""
    campaign = await mails.ready(spool, 20, payer="campaign@example.com")
    clock.now += 2
    [single] = await mails.ready(spool, payer="alice@example.com")
    pair = await mails.ready(spool, 2, payer="bob@example.com")
    order = []
    while claimed := await spool.jobs.claim(["main"], 60):
        order.append(claimed.job.queue_id)
    names = sorted((job.queue_id for job in campaign), key=lambda name: int(name.rpartition("-")[2]))
    assert order.index(single.queue_id) <= 4 and order.index(pair[1].queue_id) <= 6
    assert [name for name in order if name in names] == names, "one sender's own go as they came"
    clock.now += 1
    [again] = await mails.ready(spool, payer="campaign@example.com")
    [other] = await mails.ready(spool, payer="alice@example.com")
    taken = [(await spool.jobs.claim(["main"], 60)).job.queue_id for _ in range(2)]
    assert taken == [again.queue_id, other.queue_id]


async def test_claims_go_in_turn_and_leave_out_what_must_wait(spool: Spool, mails: Mails, clock: Clock) -> None:
    [later] = await mails.ready(spool, submit_at=clock.now + 10)
    [first] = await mails.ready(spool, submit_at=clock.now - 5)
    [second] = await mails.ready(spool, submit_at=clock.now - 9)
    [unwanted] = await mails.ready(spool, cancel_requested=True)
    [other] = await mails.ready(spool, account="other")
    await mails.ready(spool, expires_at=clock.now)
    order = []
    while claimed := await spool.jobs.claim(["main", "third"], 60):
        order.append(claimed.job.queue_id)
    assert order == [first.queue_id, second.queue_id]
    assert [job.queue_id for job in await spool.jobs.cancel_wanted()] == [unwanted.queue_id]
    clock.now += 11
    for account, job in (("main", later), ("other", other)):
        claimed = await spool.jobs.claim([account], 60)
        assert claimed
        assert claimed.job.queue_id == job.queue_id
    assert await spool.jobs.claim([], 60) is None


async def test_an_outcome_and_its_letter_are_one_commit(spool: Spool, mails: Mails, groups: Groups) -> None:
    job = await mails.submitted(spool, "4711")
    letter = mails.letter(about=job.queue_id)
    final = job.after(JobEvent.COMPLETED, status=DELIVERED, pages=1, pages_delivered=1, ended_at=spool.now())
    groups.after.clear()
    stored = await spool.jobs.advance(job, final, JobEvent.COMPLETED, detail="1 page", letters=[letter])
    assert groups.after == [("completed",)]
    assert await spool.jobs.get(job.queue_id) == stored == replace(final, version=job.version + 1)
    assert [one.letter_id for one in await spool.outbox.listing(about=job.queue_id)] == [letter.letter_id]
    assert [(line.event, line.state, line.detail) for line in await spool.history.of(job.queue_id)][-2:] == [
        ("completed, all pages", "delivered", "1 page"),
        ("letter owed", "waiting", f"delivered {letter.letter_id}"),
    ]


async def test_who_comes_second_stores_neither_outcome_nor_letter(
    spool: Spool, mails: Mails, database: Database
) -> None:
    job = await mails.submitted(spool, "4711")
    final = job.after(JobEvent.COMPLETED, status=DELIVERED)
    stored = await spool.jobs.advance(job, final, JobEvent.COMPLETED, letters=[mails.letter()])
    failed = job.after(JobEvent.DEADLINE, status=DELIVERED)
    with pytest.raises(Outdated):
        await spool.jobs.advance(job, failed, JobEvent.DEADLINE, letters=[mails.letter(content=b"x" * 100_000)])
    assert await spool.jobs.get(job.queue_id) == stored
    assert (await spool.counts()).letters == {"waiting": 1}
    assert await database.large_left(spool) == 0


async def test_one_fax_never_belongs_to_two_jobs(spool: Spool, mails: Mails) -> None:
    first = await mails.submitted(spool, "4711")
    second = (await mails.submitting(spool)).job
    taken = second.after(JobEvent.ID_GIVEN, fax_id="4711")
    with pytest.raises(FaxIdTaken):
        await spool.jobs.advance(second, taken, JobEvent.ID_GIVEN, letters=[mails.letter()])
    assert await spool.jobs.get(second.queue_id) == second
    assert (await spool.counts()).letters == {}
    found = await spool.ledger.find("main", "4711")
    assert found
    assert (found.kind, found.owner) == ("job", first.queue_id)


async def test_an_id_that_a_listing_showed_before_the_reply_came_becomes_ours(spool: Spool, mails: Mails) -> None:
    await spool.ledger.foreign("main", ["4711"])
    job = await mails.submitted(spool, "4711")
    found = await spool.ledger.find("main", "4711")
    assert found
    assert (found.kind, found.owner) == ("job", job.queue_id)


async def test_a_baseline_id_is_never_a_job(spool: Spool, mails: Mails) -> None:
    await spool.ledger.baseline("main", ["4711"])
    with pytest.raises(FaxIdTaken):
        await mails.submitted(spool, "4711")


async def test_an_expired_lease_passes_on_and_a_living_one_does_not(
    open_spool: OpenSpool, mails: Mails, clock: Clock
) -> None:
    mine, theirs = await open_spool(), await open_spool()
    job = (await mails.submitting(mine, lease=60)).job
    assert await theirs.jobs.expired_submissions() == []
    in_doubt = job.after(JobEvent.LEASE_EXPIRED)
    with pytest.raises(Outdated):
        await theirs.jobs.advance(job, in_doubt, JobEvent.LEASE_EXPIRED)
    clock.now += 59
    assert await theirs.jobs.expired_submissions() == []
    clock.now += 1
    assert await theirs.jobs.expired_submissions() == [job]
    await theirs.jobs.advance(job, in_doubt, JobEvent.LEASE_EXPIRED)
    with pytest.raises(Outdated):
        await mine.jobs.advance(job, job.after(JobEvent.ID_GIVEN, fax_id="1"), JobEvent.ID_GIVEN)
    assert await mine.jobs.claim(["main"], 60) is None


async def test_deferred_jobs_become_ready_when_due_with_their_line(spool: Spool, mails: Mails, clock: Clock) -> None:
    deferred = []
    for wait in (10, 20):
        job = (await mails.submitting(spool)).job
        now_is = job.after(JobEvent.NOT_SENT, submit_at=clock.now + wait)
        deferred.append(await spool.jobs.advance(job, now_is, JobEvent.NOT_SENT))
    assert await spool.jobs.make_due() == 0
    clock.now += 10
    assert await spool.jobs.make_due() == 1
    states = [(await spool.jobs.get(job.queue_id)) for job in deferred]
    assert [job.state for job in states if job] == [JobState.READY, JobState.DEFERRED]
    assert (await spool.history.of(deferred[0].queue_id))[-1].event == "due again"


@pytest.mark.parametrize("made", [False, True])
async def test_a_released_job_waits_for_its_document_only_while_there_is_none(
    made: bool, spool: Spool, mails: Mails
) -> None:
    [job] = await mails.accept(spool)
    claimed = await spool.documents.claim(60)
    held = await spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD)
    if made:
        assert claimed
        await spool.documents.ready(claimed[1], claimed[1], b"%PDF")
    right, wrong = JobEvent.RELEASE_WITHOUT_DOCUMENT, JobEvent.RELEASE
    if made:
        right, wrong = wrong, right
    with pytest.raises(Outdated):
        await spool.jobs.advance(held, held.after(wrong), wrong)
    released = await spool.jobs.advance(held, held.after(right), right)
    assert released.state is (JobState.READY if made else JobState.ACCEPTED)


async def test_a_note_keeps_the_state(spool: Spool, mails: Mails) -> None:
    job = await mails.submitted(spool, "1")
    told = await spool.jobs.note(job, replace(job, delay_told=True, absences=2), letters=[mails.letter()])
    assert await spool.jobs.get(job.queue_id) == told
    with pytest.raises(ValueError, match="does not change"):
        await spool.jobs.note(told, told.after(JobEvent.COMPLETED))
    with pytest.raises(NotAllowed):
        told.after(JobEvent.DUE)


async def test_lists_show_what_was_asked_for(spool: Spool, mails: Mails, clock: Clock) -> None:
    old = await mails.submitted(spool, "1")
    clock.now += 100
    flying = (await mails.submitting(spool)).job
    [other] = await mails.ready(spool, account="other", expires_at=clock.now + 1)
    listing = spool.jobs.listing
    assert [job.queue_id for job in await listing()] == [other.queue_id, flying.queue_id, old.queue_id]
    assert await listing(limit=1, offset=1) == [flying]
    assert await listing(account="other") == [other]
    assert await listing(states=[JobState.SUBMITTED]) == [old]
    assert await listing(states=[]) == []
    assert await spool.jobs.tracked("main") == [old]
    assert await spool.jobs.by_reference("main", old.reference) == [old]
    assert await spool.jobs.by_reference("other", old.reference) == []
    assert await spool.jobs.untold(clock.now - 1) == [old]
    assert await spool.jobs.overdue() == []
    clock.now += 1
    assert await spool.jobs.overdue() == [other]


async def test_a_question_put_off_leaves_no_line(spool: Spool, mails: Mails, clock: Clock) -> None:
    job = await mails.submitted(spool, "1")
    lines = len(await spool.history.of(job.queue_id))
    await spool.jobs.postpone(job, clock.now + 60)
    later = await spool.jobs.get(job.queue_id)
    assert later is not None and later.track_at == clock.now + 60 and later.state is job.state
    assert len(await spool.history.of(job.queue_id)) == lines
    with pytest.raises(Outdated):
        await spool.jobs.postpone(job, clock.now + 90)


async def test_without_a_reference_one_fax_is_in_flight_per_number(spool: Spool, mails: Mails) -> None:
    await mails.ready(spool)
    await mails.ready(spool)
    assert await spool.jobs.claim(["main"], 60.0, one_by_one=["main"]) is not None
    assert await spool.jobs.claim(["main"], 60.0, one_by_one=["main"]) is None
    assert await spool.jobs.claim(["main"], 60.0) is not None
