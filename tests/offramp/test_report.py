"""One notification for the faxes of one message, in time, and exactly one for each outcome."""

from __future__ import annotations

import email
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from mailfax.offramp.report import Report
from mailfax.postmaster.delays import Delays
from mailfax.rules import schedule
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import Outdated
from tests.offramp.pipeline import Pipeline
from tests.offramp.test_damaged import answered, damage

pytestmark = pytest.mark.anyio
NUMBERS = ("15550000001", "15550000002", "15550000003")


@pytest.fixture
def report(pipeline: Pipeline) -> Report:
    return pipeline.report


async def cancel(pipeline: Pipeline, queue_id: str) -> None:
    await pipeline.ending.end(await pipeline.job(queue_id), JobEvent.CANCEL, status(Cause.CANCELLED_HERE))


async def mails(pipeline: Pipeline) -> list[EmailMessage]:
    """Oldest first."""
    letters = [await pipeline.spool.outbox.get(letter.letter_id) for letter in await pipeline.letters()]
    found = [email.message_from_bytes(letter.content, policy=SMTP) for letter in letters if letter]
    return sorted(found, key=lambda mail: str(mail["Date"]))  # type: ignore[arg-type]


def results(mail: EmailMessage) -> list[str]:
    return [result.partition(";")[0][-2:] for result in mail.get_all("X-Fax-Result")]


async def test_the_last_end_brings_the_report_at_once(pipeline: Pipeline, report: Report) -> None:
    jobs = await pipeline.mail(*NUMBERS)
    for number, job in enumerate(jobs):
        assert not await report.round() and await mails(pipeline) == []
        await cancel(pipeline, job.queue_id)
        assert (await pipeline.spool.reports.next_at() > pipeline.clock()) == (number < 2)
    assert await report.round() and not await report.round()
    [mail] = await mails(pipeline)
    assert results(mail) == ["-1", "-2", "-3"]


async def test_one_that_waits_keeps_the_others_for_a_minute(pipeline: Pipeline, report: Report) -> None:
    first, second, third = await pipeline.mail(*NUMBERS)
    await cancel(pipeline, first.queue_id)
    await pipeline.forward(30)
    await cancel(pipeline, second.queue_id)
    assert not await report.round()
    assert report.next_at == pipeline.clock() + schedule.REPORT_FAILED - 30
    await pipeline.forward(30)
    assert await report.round() and not await report.round()
    [mail] = await mails(pipeline)
    assert results(mail) == ["-1", "-2"]
    assert "1 fax of this message has no outcome yet" in str(mail.get_body(("plain",)).get_content())  # type: ignore[union-attr]
    await pipeline.forward(5)
    await cancel(pipeline, third.queue_id)
    assert await report.round()
    _, last = await mails(pipeline)
    assert (last["X-Fax-Queue-ID"], last["X-Fax-Result"]) == (third.queue_id, None), "told as one, since it is one"


async def test_what_was_delivered_waits_longer(pipeline: Pipeline, report: Report) -> None:
    first, *_ = await pipeline.mail(*NUMBERS)
    await pipeline.submit.round()
    await pipeline.forward(30)
    await pipeline.track.round()
    assert (await pipeline.job(first.queue_id)).state is JobState.DELIVERED
    await report.round()
    assert report.next_at == pipeline.clock() + schedule.REPORT_DELIVERED


async def test_a_fax_alone_and_a_preview_are_told_at_once(pipeline: Pipeline, report: Report) -> None:
    [alone] = await pipeline.mail("15550000001")
    await cancel(pipeline, alone.queue_id)
    assert await report.round() and not await report.round()
    [one] = await mails(pipeline)
    assert one["X-Fax-Queue-ID"] == alone.queue_id
    [shown] = await pipeline.mail("15550000001", preview=True)
    failed = status(Cause.DAMAGED, name="a.pdf", why="its end is missing")
    await pipeline.ending.end(shown, JobEvent.DOCUMENT_IMPOSSIBLE, failed)
    assert await report.round() and not await report.round()
    assert {mail["X-Fax-Queue-ID"] for mail in await mails(pipeline)} == {alone.queue_id, shown.queue_id}


async def test_of_two_processes_one_tells(pipeline: Pipeline, report: Report) -> None:
    jobs = await pipeline.mail(*NUMBERS)
    for job in jobs:
        await cancel(pipeline, job.queue_id)
    [owed] = (await pipeline.spool.reports.due(8)).values()
    ended = await pipeline.spool.jobs.of(jobs[0].message)
    assert await report.round()
    with pytest.raises(Outdated):
        await pipeline.spool.reports.told(ended, await pipeline.ending.letters(ended))
    assert len(await pipeline.letters()) == 1 and owed == {job.queue_id for job in jobs}


async def test_an_answer_that_can_not_be_written_is_told_to_the_postmaster(
    pipeline: Pipeline, report: Report, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await pipeline.mail(*NUMBERS)
    for job in jobs:
        await cancel(pipeline, job.queue_id)

    def fail(*_: object, **__: object) -> None:
        raise RuntimeError

    monkeypatch.setattr("mailfax.letters.owed", fail)
    assert await report.round() and not await report.round()
    assert [mail["To"] for mail in await mails(pipeline)] == ["postmaster@example.com"] * 3


async def test_a_row_that_is_damaged_before_it_was_told_of_is_told_as_it_ended(
    pipeline: Pipeline, report: Report
) -> None:
    first, second, _ = await pipeline.mail(*NUMBERS)
    await cancel(pipeline, first.queue_id)
    await cancel(pipeline, second.queue_id)
    damage(pipeline, "job", f"ended_at = 'then' WHERE queue_id = '{first.queue_id}'")
    await pipeline.forward(60)
    assert await report.round()
    letters = await answered(pipeline)
    assert {letter.kind for letter in letters} == {"cancelled", "alarm"}
    about = {letter.about for letter in await pipeline.letters() if letter.kind == "cancelled"}
    assert about == {first.queue_id, second.queue_id}
    assert not await report.round()


async def test_a_fax_that_is_sent_again_is_told_of_by_itself(pipeline: Pipeline, report: Report) -> None:
    from mailfax.offramp.steering import Steering

    [job] = await pipeline.mail("15550000001")
    await cancel(pipeline, job.queue_id)
    assert await report.round()
    told = await Steering(pipeline.spool, expire_seconds=3600).fax("resend", job.queue_id)
    assert told.done
    await cancel(pipeline, f"{job.message}-2")
    assert await report.round()
    assert {mail["X-Fax-Queue-ID"] for mail in await mails(pipeline)} == {job.queue_id, f"{job.message}-2"}


async def test_a_delay_of_several_is_one_letter(pipeline: Pipeline) -> None:
    jobs = await pipeline.mail(*NUMBERS)
    await pipeline.submit.round()
    await pipeline.forward(pipeline.context.limits.delay_seconds)
    delays = Delays(pipeline.context)
    assert await delays.round() and not await delays.round()
    letters = await pipeline.letters()
    assert sorted(letter.kind for letter in letters) == ["alarm", "delayed"], "FaxCore is silent about one of them"
    assert all(job.delay_told for job in await pipeline.spool.jobs.of(jobs[0].message))
