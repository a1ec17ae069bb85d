"""A clock that was wrong keeps nobody silent: what it put too far ahead is due as soon as it is right again."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfax.rules import schedule
from mailfax.rules.states import InboundState, JobEvent, JobState, LetterEvent
from mailfax.spool import Spool
from tests.spool.conftest import Clock, Mails

pytestmark = pytest.mark.anyio

DAY = 86_400.0
LEASE = 540.0


async def test_everything_that_was_put_off_while_the_clock_was_a_day_ahead(
    spool: Spool, clock: Clock, mails: Mails
) -> None:
    clock.now += DAY
    [leased] = await mails.accept(spool)
    assert await spool.documents.claim(60)
    [waiting] = await mails.accept(spool)  # its document is due a day ahead
    letters = [mails.letter(), mails.letter()]
    await spool.outbox.owe(letters)
    claimed = await spool.outbox.claim(60)
    later = claimed.after(LetterEvent.NOT_TAKEN, next_attempt_at=clock.now + 100)
    await spool.outbox.advance(claimed, later, LetterEvent.NOT_TAKEN)
    await spool.outbox.claim(60)  # and its process dies
    await spool.accounts.lease("main", 60)
    await spool.inbound.listed("main", [mails.received("F1")])
    clock.now -= DAY
    assert await spool.documents.claim(60) is None
    assert await spool.mend_moments(LEASE) >= 5
    assert await spool.mend_moments(LEASE) == 0, "and nothing is written where nothing is wrong"
    assert {(await spool.documents.claim(60))[1].message for _ in range(2)} == {waiting.message, leased.message}
    assert await spool.outbox.recover() == 1
    assert await spool.outbox.claim(60) and await spool.outbox.claim(60)
    assert len(await spool.inbound.due("main")) == 1


async def test_jobs_in_every_waiting_state(spool: Spool, clock: Clock, mails: Mails) -> None:
    clock.now += DAY
    deferred = (await mails.submitting(spool)).job
    doubted = (await mails.submitting(spool)).job
    dead = (await mails.submitting(spool)).job
    now = clock.now
    for job, event in ((deferred, JobEvent.NOT_SENT), (doubted, JobEvent.NO_ANSWER)):
        put_off = job.after(event, last_byte_at=now).put_off(now + 15)
        await spool.jobs.advance(job, put_off, event)
    clock.now -= DAY
    await spool.mend_moments(LEASE)
    assert await spool.jobs.make_due() == 1
    assert [job.queue_id for job in await spool.jobs.expired_submissions()] == [dead.queue_id]
    again = await spool.jobs.get(doubted.queue_id)
    assert (again.state, again.reconcile_at, again.last_byte_at) == (JobState.IN_DOUBT, clock.now, clock.now)


async def test_another_process_s_lease_of_an_account_that_a_wrong_clock_wrote(open_spool, clock: Clock) -> None:
    dead, alive = await open_spool(), await open_spool()
    clock.now += DAY
    assert await dead.accounts.lease("main", 60)
    clock.now -= DAY
    assert await alive.accounts.lease("main", 60)


async def test_what_waits_as_long_as_it_may_goes_on_waiting(spool: Spool, clock: Clock, mails: Mails) -> None:
    longest = schedule.submit_attempt(99, clock.now, 0.999, retry_after=10 * DAY)
    job = (await mails.submitting(spool)).job
    await spool.jobs.advance(job, job.after(JobEvent.NOT_SENT, submit_at=longest), JobEvent.NOT_SENT)
    letter = mails.letter()
    await spool.outbox.owe([letter])
    claimed = await spool.outbox.claim(60)
    wait = schedule.letter_attempt(99, clock.now, 0.999, retry_after=10 * DAY)
    await spool.outbox.advance(
        claimed, claimed.after(LetterEvent.NOT_TAKEN, next_attempt_at=wait), LetterEvent.NOT_TAKEN
    )
    fax = replace(mails.received("F1"), state=InboundState.LISTED)
    await spool.inbound.listed("main", [fax])
    assert await spool.mend_moments(LEASE) == 0
