"""A person's orders, and the truth about what can still be stopped, in every state of a fax."""

from __future__ import annotations

from typing import Any

import pytest

from mailfax.faxcore.errors import AccountTrouble, Trouble
from mailfax.offramp.steering import Steering
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.job import FaxJob
from mailfax.rules.reason import reason
from mailfax.rules.states import JobEvent, JobState, LetterEvent, LetterState
from mailfax.rules.status import Cause, status
from mailfax.spool import Wanted
from tests.offramp.pipeline import Pipeline, Sandbox

pytestmark = pytest.mark.anyio
VERBS = ("hold", "release", "cancel", "requeue", "resend")


@pytest.fixture
def steering(pipeline: Pipeline) -> Steering:
    return Steering(pipeline.spool, expire_seconds=86_400.0)


async def unmade(pipeline: Pipeline) -> FaxJob:
    """A fax whose pages are not made yet."""
    header = b"Subject: Invoice 12\r\n\r\n"
    content = pipeline.spool.content.begin()
    content.write(header)
    recipient = Recipient("15551234567@fax.local", FaxNumber("15551234567", "15551234567"))
    envelope = Envelope("alice@example.com", (recipient,), Client("test", "127.0.0.1"), Grant("main", "Alice"))
    queue_id = await pipeline.take(envelope, content, header)
    return (await pipeline.spool.jobs.of(queue_id))[0]


async def standing(pipeline: Pipeline, state: JobState, cancelled: str = "") -> FaxJob:
    """A fax that stands in a state."""
    if state is JobState.ACCEPTED:
        return await unmade(pipeline)
    [job] = await pipeline.mail("15551234567")
    if state is JobState.READY:
        return job
    if state is JobState.HELD:
        return await pipeline.spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD)
    if state is JobState.CANCELLED:
        return await pipeline.ending.end(job, JobEvent.CANCEL, status(Cause.CANCELLED_HERE))
    if state is JobState.FAILED:
        return await pipeline.ending.end(job, JobEvent.EXPIRED, status(Cause.EXPIRED, why="no attempt got through"))
    claimed = await pipeline.spool.jobs.claim(["main"], 60)
    assert claimed is not None
    job = claimed.job
    if state is JobState.SUBMITTING:
        return job
    if state is JobState.DEFERRED:
        later = job.after(JobEvent.NOT_SENT, submit_at=pipeline.clock() + 900)
        return await pipeline.spool.jobs.advance(job, later, JobEvent.NOT_SENT, detail="HTTP 503")
    if state is JobState.IN_DOUBT:
        doubted = job.after(JobEvent.NO_ANSWER, last_byte_at=pipeline.clock(), reconcile_at=pipeline.clock() + 300)
        return await pipeline.spool.jobs.advance(job, doubted, JobEvent.NO_ANSWER)
    if state is JobState.UNCONFIRMED:
        doubted = job.after(JobEvent.NO_ANSWER, last_byte_at=pipeline.clock(), reconcile_at=pipeline.clock() + 300)
        job = await pipeline.spool.jobs.advance(job, doubted, JobEvent.NO_ANSWER)
        return await pipeline.ending.end(job, JobEvent.DEADLINE, status(Cause.UNCONFIRMED))
    sent = job.after(JobEvent.ID_GIVEN, fax_id="F1", submitted_at=pipeline.clock())
    job = await pipeline.spool.jobs.advance(job, sent, JobEvent.ID_GIVEN)
    if state is JobState.DELIVERED:
        return await pipeline.ending.end(job, JobEvent.COMPLETED, status(Cause.DELIVERED))
    return job


#: State -> what each verb makes of it: whether it is done, and the state after it. "+1": a new fax beside it.
TRUTH = {
    "accepted": {"hold": "held", "release": "no", "cancel": "cancelled", "requeue": "accepted", "resend": "no"},
    "ready": {"hold": "held", "release": "no", "cancel": "cancelled", "requeue": "ready", "resend": "no"},
    "deferred": {"hold": "held", "release": "no", "cancel": "cancelled", "requeue": "ready", "resend": "no"},
    "held": {"hold": "held", "release": "ready", "cancel": "cancelled", "requeue": "no", "resend": "no"},
    "submitting": {"hold": "no", "release": "no", "cancel": "noted", "requeue": "no", "resend": "no"},
    "in-doubt": {"hold": "no", "release": "no", "cancel": "noted", "requeue": "in-doubt", "resend": "no"},
    "submitted": {"hold": "no", "release": "no", "cancel": "noted", "requeue": "submitted", "resend": "no"},
    "delivered": {"hold": "no", "release": "no", "cancel": "no", "requeue": "no", "resend": "no"},
    "unconfirmed": {"hold": "no", "release": "no", "cancel": "no", "requeue": "no", "resend": "no"},
    "failed": {"hold": "no", "release": "no", "cancel": "no", "requeue": "no", "resend": "+1"},
    "cancelled": {"hold": "no", "release": "no", "cancel": "no", "requeue": "no", "resend": "+1"},
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("state", [state for state in JobState if state is not JobState.PREVIEWED])
async def test_every_order_in_every_state(pipeline: Pipeline, steering: Steering, state: JobState, verb: str) -> None:
    job = await standing(pipeline, state)
    assert job.state is state
    told = await steering.fax(verb, job.queue_id)
    expected = TRUTH[state.value][verb]
    await pipeline.deadlines.round()
    after = await pipeline.job(job.queue_id)
    if expected in ("no", "noted"):
        assert not told.done
        assert after.state is state
        assert after.cancel_requested is (expected == "noted")
        return
    assert told.done, told
    others = [each for each in await pipeline.spool.jobs.of(job.message) if each.queue_id != job.queue_id]
    if expected == "+1":
        [again] = others
        assert (again.queue_id, again.state, again.number) == (f"{job.message}-2", JobState.READY, job.number)
        assert again.reference != job.reference
        assert not (await steering.fax(verb, job.queue_id)).done, "sent again once, not twice"
    else:
        assert after.state.value == expected and not others


async def test_a_noted_cancel_is_honoured_once_nothing_was_surely_sent(
    pipeline: Pipeline, steering: Steering
) -> None:
    job = await standing(pipeline, JobState.SUBMITTING)
    told = await steering.fax("cancel", job.queue_id)
    assert "only if it proves that nothing was sent" in told.sentence
    current = await pipeline.job(job.queue_id)
    await pipeline.spool.jobs.advance(
        current, current.after(JobEvent.NOT_SENT, submit_at=pipeline.clock()), JobEvent.NOT_SENT
    )
    await pipeline.deadlines.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.CANCELLED


async def test_what_was_sent_goes_twice_only_when_that_was_said(pipeline: Pipeline) -> None:
    job = await standing(pipeline, JobState.DELIVERED)
    assert (
        "--even-if-sent" in (await Steering(pipeline.spool, expire_seconds=60.0).fax("resend", job.queue_id)).sentence
    )
    meant = Steering(pipeline.spool, expire_seconds=60.0, even_if_sent=True)
    assert (await meant.fax("resend", job.queue_id)).done


async def test_a_fax_whose_pages_were_never_made_is_made_when_it_is_sent_again(
    pipeline: Pipeline, steering: Steering
) -> None:
    job = await unmade(pipeline)
    await pipeline.ending.end(job, JobEvent.CANCEL, status(Cause.CANCELLED_HERE))
    assert (await steering.fax("resend", job.queue_id)).done
    assert (await pipeline.job(f"{job.message}-2")).state is JobState.ACCEPTED
    claimed = await pipeline.spool.documents.claim(60)
    assert claimed is not None and claimed[1].message == job.message


async def test_a_resend_reaches_faxcore_with_a_reference_of_its_own(
    pipeline: Pipeline, steering: Steering, sandbox: Sandbox
) -> None:
    job = await standing(pipeline, JobState.FAILED)
    await steering.fax("resend", job.queue_id)
    await pipeline.submit.round()
    again = await pipeline.job(f"{job.message}-2")
    assert again.state is JobState.SUBMITTED
    [fax] = await sandbox.faxes()
    assert again.reference in fax["subject"]


async def test_letters_are_sent_again_or_given_up(pipeline: Pipeline, steering: Steering) -> None:
    await standing(pipeline, JobState.FAILED)
    assert await pipeline.report.round()
    letter = await pipeline.spool.outbox.claim(60)
    assert letter is not None
    lost = await pipeline.spool.outbox.advance(letter, letter.after(LetterEvent.REFUSED), LetterEvent.REFUSED)
    assert (await steering.letter("resend", lost)).done
    waiting = await pipeline.spool.outbox.get(letter.letter_id)
    assert waiting is not None and (waiting.state, waiting.attempts) == (LetterState.WAITING, 0)
    assert not (await steering.letter("hold", waiting)).done
    assert (await steering.letter("cancel", waiting)).done
    assert await pipeline.spool.outbox.claim(60) is None


async def test_the_queue_tells_sender_subject_and_reason_also_while_the_account_is_paused(pipeline: Pipeline) -> None:
    job = await standing(pipeline, JobState.DEFERRED)
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.NO_CONNECTION))
    [queued] = await pipeline.spool.queue.listing(Wanted((JobState.DEFERRED,)))
    assert (queued.job, queued.sender, queued.subject) == (job, "alice@example.com", "Invoice 12")
    facts: Any = {"now": pipeline.clock(), "document": queued.document, "detail": queued.detail}
    told = reason(queued.job, **facts, paused="account main paused: no answer")
    assert told == "account main paused: no answer; not taken: HTTP 503"


@pytest.mark.parametrize(
    "text",
    ["5551234567", "+1 (555) 123-45", "alice@", "ALICE", "invoice 12", "<1@example.com>", "F1", "reference", "queue"],
)
async def test_a_fax_is_found_by_whatever_is_known_of_it(pipeline: Pipeline, text: str) -> None:
    job = await standing(pipeline, JobState.SUBMITTED)
    known = {"reference": job.reference.lower(), "queue": job.queue_id[:8]}
    faxes, _, _ = await pipeline.spool.queue.find(known.get(text, text))
    assert [queued.job.queue_id for queued in faxes] == [job.queue_id]


@pytest.mark.parametrize("text", ["%", "nobody", "_", "19998887777"])
async def test_and_by_nothing_else(pipeline: Pipeline, text: str) -> None:
    await standing(pipeline, JobState.SUBMITTED)
    assert (await pipeline.spool.queue.find(text))[0] == []
