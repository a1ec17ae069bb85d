"""When a fax may go, and that only one at a time goes to a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfax.offramp.steering import Steering
from mailfax.offramp.submit import Submit
from mailfax.rules.job import FaxJob
from mailfax.rules.reason import reason
from mailfax.rules.states import JobState
from tests.offramp.pipeline import Pipeline, Sandbox

pytestmark = pytest.mark.anyio

DAY = 86_400.0


async def asked(pipeline: Pipeline, at: str = "", hours: tuple[str, ...] = ()) -> FaxJob:
    pipeline.hours = hours
    [job] = await pipeline.mail("15551234567", subject=f"#fax:at={at} Invoice" if at else "Invoice")
    return job


def told(pipeline: Pipeline, job: FaxJob) -> str:
    return reason(job, now=pipeline.clock(), document="ready", detail="", paused="")


async def submits(pipeline: Pipeline) -> bool:
    await pipeline.deadlines.round()
    return await pipeline.submit.round()


async def test_a_fax_waits_until_the_time_that_was_asked_for(pipeline: Pipeline) -> None:
    pipeline.clock.now = DAY * 20_000 + 9 * 3600  # 09:00 UTC
    job = await asked(pipeline, "18:00")
    assert (job.not_before, job.expires_at) == (DAY * 20_000 + 18 * 3600, DAY * 20_000 + 18 * 3600 + DAY)
    assert told(pipeline, job) == "waits until 18:00, as asked"
    await pipeline.spool.mend_moments(3600.0)
    assert not await submits(pipeline), "a wanted time is no wrong moment"
    await pipeline.forward(9 * 3600 - 1)
    assert not await submits(pipeline)
    await pipeline.forward(1)
    assert await submits(pipeline)
    assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED


async def test_a_fax_can_be_cancelled_while_it_waits_for_that(pipeline: Pipeline) -> None:
    pipeline.undo_seconds = 60
    first, second = await asked(pipeline), await asked(pipeline)
    await pipeline.forward(59)
    assert not await submits(pipeline)
    assert "so that it can still be cancelled" in told(pipeline, first)
    await Steering(pipeline.spool, expire_seconds=DAY).fax("cancel", first.queue_id)
    await pipeline.forward(1)
    assert await submits(pipeline)
    states = [(await pipeline.job(job.queue_id)).state for job in (first, second)]
    assert states == [JobState.CANCELLED, JobState.SUBMITTED]


async def test_no_delay_is_told_of_a_fax_that_is_wanted_later(pipeline: Pipeline) -> None:
    pipeline.clock.now = DAY * 20_000 + 9 * 3600
    await asked(pipeline, "18:00")
    four_hours = 4 * 3600.0
    await pipeline.forward(5 * 3600)
    assert await pipeline.spool.jobs.untold(pipeline.clock() - four_hours) == []
    await pipeline.forward(9 * 3600)
    assert len(await pipeline.spool.jobs.untold(pipeline.clock() - four_hours)) == 1


async def test_office_hours_that_end_are_followed_by_the_next_and_the_fax_does_not_age_between(
    pipeline: Pipeline,
) -> None:
    friday = DAY * 20_007  # 2024-10-11
    pipeline.clock.now = friday + 17 * 3600
    job = await asked(pipeline, hours=("mon-fri 08:00-18:00",))
    assert (job.not_before, job.not_after) == (0.0, friday + 18 * 3600)
    await pipeline.forward(3600)
    assert not await submits(pipeline)
    waiting = await pipeline.job(job.queue_id)
    assert waiting.not_before == friday + 3 * DAY + 8 * 3600
    assert waiting.expires_at - waiting.not_before == job.expires_at - job.not_after
    assert told(pipeline, waiting) == "waits until Mon 2024-10-14 08:00, in the sender's office hours"
    await pipeline.forward(2 * DAY + 14 * 3600)
    assert await submits(pipeline)


async def test_a_person_s_order_to_try_it_now_counts_before_both(pipeline: Pipeline) -> None:
    pipeline.clock.now = DAY * 20_007 + 17 * 3600
    job = await asked(pipeline, "19:30", ("mon-fri 08:00-18:00",))
    assert not await submits(pipeline)
    answer = await Steering(pipeline.spool, expire_seconds=DAY).fax("requeue", job.queue_id)
    assert answer.done
    assert await submits(pipeline)


async def test_one_fax_at_a_time_goes_to_a_number(pipeline: Pipeline, sandbox: Sandbox) -> None:
    await pipeline.mail("15555550106", subject="for ever in the queue there")
    await pipeline.mail("15555550106", subject="the second")
    [other] = await pipeline.mail("15551234567")
    while await submits(pipeline):
        pass
    assert sorted(fax["number"] for fax in await sandbox.faxes()) == ["15551234567", "15555550106"]
    assert (await pipeline.job(other.queue_id)).state is JobState.SUBMITTED
    await pipeline.forward(3599)
    assert not await submits(pipeline)
    await pipeline.forward(2)
    assert await submits(pipeline), "one that FaxCore never finishes keeps no other from its number for ever"
    assert len(await sandbox.faxes()) == 3


@pytest.mark.parametrize(("per_number", "sent"), [(2, 2), (0, 4)])
async def test_as_many_go_to_a_number_as_the_site_allows(
    pipeline: Pipeline, sandbox: Sandbox, per_number: int, sent: int
) -> None:
    limits = replace(pipeline.context.limits, faxes_per_number=per_number)
    submit = Submit(
        replace(pipeline.context, limits=limits), pipeline.fax_accounts, pipeline.ending, pipeline.compose
    )
    for _ in range(4):
        await pipeline.mail("15551234500")
    while await submit.round():
        pass
    assert len(await sandbox.faxes()) == sent
