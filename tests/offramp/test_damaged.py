"""Whoever waits for an answer about a damaged row gets one, and it is true; the postmaster hears of each row."""

from __future__ import annotations

import email
from email.policy import SMTP

import pytest

from mailfax.letters import Marks
from mailfax.offramp.damaged import AnswerDamage
from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.states import InboundState, JobState
from tests.offramp.street import Street

pytestmark = pytest.mark.anyio

POSTMASTER = "postmaster@example.com"


def damage(street: Street, table: str, change: str) -> None:
    street.spool._engine._writing.execute(f"UPDATE {table} SET {change}")


async def answered(street: Street) -> list[Letter]:
    """The letters that are owed after a look, with their contents; a second look owes none."""
    before = {letter.letter_id for letter in await street.letters()}
    answers = AnswerDamage(street.context, street.ending)
    assert await answers.round()
    fresh = [letter for letter in await street.letters() if letter.letter_id not in before]
    await street.forward(3600)
    assert not await answers.round()
    return [whole for letter in fresh if (whole := await street.spool.outbox.get(letter.letter_id))]


def text(letter: Letter) -> str:
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    body = mail.get_body(("plain",))
    assert body is not None
    return " ".join(body.get_content().split())


@pytest.mark.parametrize(("submitted", "outcome"), [(False, "failed"), (True, "unconfirmed")])
async def test_the_sender_of_a_damaged_fax_hears_whether_it_may_have_been_sent(
    street: Street, submitted: bool, outcome: str
) -> None:
    [job] = await street.mail("15551234567")
    if submitted:
        await street.submit.round()
    damage(street, "job", "state = 'redy', accepted_at = 'once', notify = 'SOMETIMES'")
    assert await street.spool.jobs.get(job.queue_id) is None
    letters = {letter.recipients[0]: letter for letter in await answered(street)}
    assert letters.keys() == {"alice@example.com", POSTMASTER}
    answer = letters["alice@example.com"]
    assert (answer.kind, answer.about) == (outcome, job.queue_id)
    assert ("may or may not" in text(answer)) is submitted
    assert f"job {job.queue_id}" in text(letters[POSTMASTER])
    lines = await street.spool.history.of(job.queue_id)
    assert [line.state for line in lines if line.event == "damage told"] == [outcome]


async def test_a_fax_whose_end_was_told_is_not_answered_twice(street: Street) -> None:
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await street.forward(30)
    await street.track.round()
    assert (await street.job(job.queue_id)).state is JobState.DELIVERED
    damage(street, "job", "ended_at = 'then'")
    assert await street.spool.jobs.get(job.queue_id) is None
    [told] = await answered(street)
    assert told.recipients == (POSTMASTER,) and "told before: delivered" in text(told)


async def test_a_damaged_fax_is_in_nobody_s_way(street: Street) -> None:
    [job] = await street.mail("15551234567")
    await street.submit.round()
    damage(street, "job", "fax_id = 7, pages = 'many'")
    assert await street.spool.jobs.get(job.queue_id) is None
    await answered(street)
    await street.mail("15551234567")
    assert await street.submit.round()


async def test_the_faxes_of_a_damaged_document_fail_at_once(street: Street) -> None:
    jobs = await street.mail("15551234567", "15557654321")
    damage(street, "document", "contents = '['")
    assert await street.spool.documents.get(jobs[0].message) is None
    letters = await answered(street)
    assert sorted(letter.kind for letter in letters) == ["alarm", "failed", "failed"]
    assert [(await street.job(job.queue_id)).state for job in jobs] == [JobState.FAILED] * 2


@pytest.mark.parametrize("stored", [False, True])
async def test_a_damaged_received_fax_is_fetched_again_unless_it_was_mailed(street: Street, stored: bool) -> None:
    fax = InboundFax("main", "208", InboundState.LISTED, street.clock(), street.clock(), queue_id="CINB1")
    await street.spool.inbound.listed("main", [fax])
    if stored:
        damage(street, "history", "state = 'stored' WHERE queue_id = 'CINB1'")
    damage(street, "inbound", "listed_at = 'then', attempts = 'some'")
    assert await street.spool.inbound.get("main", "208") is None
    [told] = await answered(street)
    assert ("fetched again" in text(told)) is not stored
    assert [each.fax_id for each in await street.spool.inbound.due("main")] == ([] if stored else ["208"])


async def test_the_postmaster_hears_of_a_damaged_letter(street: Street) -> None:
    marks = Marks("L1", "<1@fax.example.com>", street.clock())
    await street.spool.outbox.owe(
        [Letter(marks.letter_id, "delivered", "Q1", "", ("bob@example.com",), marks.message_id, b"x", decided_at=1.0)]
    )
    damage(street, "letter", "attempts = 'some'")
    assert await street.letters() == []
    [told] = await answered(street)
    assert "letter L1" in text(told) and "bob@example.com" in text(told)
