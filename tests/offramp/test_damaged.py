"""Whoever waits for an answer about a damaged row gets one, and it is true; the postmaster hears of each row."""

from __future__ import annotations

import email
from email.policy import SMTP

import pytest

from mailfax.letters import Marks
from mailfax.offramp.damaged import AnswerDamage
from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.states import InboundState, JobState
from tests.offramp.pipeline import Pipeline

pytestmark = pytest.mark.anyio

POSTMASTER = "postmaster@example.com"


def damage(pipeline: Pipeline, table: str, change: str) -> None:
    pipeline.spool._engine._writing.execute(f"UPDATE {table} SET {change}")


async def answered(pipeline: Pipeline) -> list[Letter]:
    """The letters that are owed after a look, with their contents; a second look owes none."""
    before = {letter.letter_id for letter in await pipeline.letters()}
    answers = AnswerDamage(pipeline.context, pipeline.ending)
    assert await answers.round()
    fresh = [letter for letter in await pipeline.letters() if letter.letter_id not in before]
    await pipeline.forward(3600)
    assert not await answers.round()
    return [whole for letter in fresh if (whole := await pipeline.spool.outbox.get(letter.letter_id))]


def text(letter: Letter) -> str:
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


@pytest.mark.parametrize(("submitted", "outcome"), [(False, "failed"), (True, "unconfirmed")])
async def test_the_sender_of_a_damaged_fax_hears_whether_it_may_have_been_sent(
    pipeline: Pipeline, submitted: bool, outcome: str
) -> None:
    [job] = await pipeline.mail("15551234567")
    if submitted:
        await pipeline.submit.round()
    damage(pipeline, "job", "state = 'redy', accepted_at = 'once', notify = 'SOMETIMES'")
    assert await pipeline.spool.jobs.get(job.queue_id) is None
    letters = {letter.recipients[0]: letter for letter in await answered(pipeline)}
    assert letters.keys() == {"alice@example.com", POSTMASTER}
    answer = letters["alice@example.com"]
    assert (answer.kind, answer.about) == (outcome, job.queue_id)
    assert ("may or may not" in text(answer)) is submitted
    assert f"job {job.queue_id}" in text(letters[POSTMASTER])
    lines = await pipeline.spool.history.of(job.queue_id)
    assert [line.state for line in lines if line.event == "damage told"] == [outcome]


async def test_a_fax_whose_end_was_told_is_not_answered_twice(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await pipeline.forward(30)
    await pipeline.track.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.DELIVERED
    assert await pipeline.report.round()
    damage(pipeline, "job", "ended_at = 'then'")
    assert await pipeline.spool.jobs.get(job.queue_id) is None
    [told] = await answered(pipeline)
    assert told.recipients == (POSTMASTER,) and "told before: delivered" in text(told)


async def test_a_damaged_fax_is_in_nobody_s_way(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    damage(pipeline, "job", "fax_id = 7, pages = 'many'")
    assert await pipeline.spool.jobs.get(job.queue_id) is None
    await answered(pipeline)
    await pipeline.mail("15551234567")
    assert await pipeline.submit.round()


async def test_the_faxes_of_a_damaged_document_fail_at_once(pipeline: Pipeline) -> None:
    jobs = await pipeline.mail("15551234567", "15557654321")
    damage(pipeline, "document", "contents = '['")
    assert await pipeline.spool.documents.get(jobs[0].message) is None
    letters = await answered(pipeline)
    assert sorted(letter.kind for letter in letters) == ["alarm", "failed"], "one tells of both"
    assert [(await pipeline.job(job.queue_id)).state for job in jobs] == [JobState.FAILED] * 2


@pytest.mark.parametrize("stored", [False, True])
async def test_a_damaged_received_fax_is_fetched_again_unless_it_was_mailed(pipeline: Pipeline, stored: bool) -> None:
    fax = InboundFax("main", "208", InboundState.LISTED, pipeline.clock(), pipeline.clock(), queue_id="CINB1")
    await pipeline.spool.inbound.listed("main", [fax])
    if stored:
        damage(pipeline, "history", "state = 'stored' WHERE queue_id = 'CINB1'")
    damage(pipeline, "inbound", "listed_at = 'then', attempts = 'some'")
    assert await pipeline.spool.inbound.get("main", "208") is None
    [told] = await answered(pipeline)
    assert ("fetched again" in text(told)) is not stored
    assert [each.fax_id for each in await pipeline.spool.inbound.due("main")] == ([] if stored else ["208"])


async def test_the_postmaster_hears_of_a_damaged_letter(pipeline: Pipeline) -> None:
    marks = Marks("L1", "<1@fax.example.com>", pipeline.clock())
    await pipeline.spool.outbox.owe(
        [Letter(marks.letter_id, "delivered", "Q1", "", ("bob@example.com",), marks.message_id, b"x", decided_at=1.0)]
    )
    damage(pipeline, "letter", "attempts = 'some'")
    assert await pipeline.letters() == []
    [told] = await answered(pipeline)
    assert "letter L1" in text(told) and "bob@example.com" in text(told)
