"""When a fax may go, and that only one at a time goes to a number."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfax.offramp.steering import Steering
from mailfax.offramp.submit import Submit
from mailfax.rules.job import FaxJob
from mailfax.rules.reason import reason
from mailfax.rules.states import JobState
from tests.offramp.street import Sandbox, Street

pytestmark = pytest.mark.anyio

DAY = 86_400.0


async def asked(street: Street, at: str = "", hours: tuple[str, ...] = ()) -> FaxJob:
    street.hours = hours
    [job] = await street.mail("15551234567", subject=f"#fax:at={at} Invoice" if at else "Invoice")
    return job


def told(street: Street, job: FaxJob) -> str:
    return reason(job, now=street.clock(), document="ready", detail="", paused="")


async def submits(street: Street) -> bool:
    await street.deadlines.round()
    return await street.submit.round()


async def test_a_fax_waits_until_the_time_that_was_asked_for(street: Street) -> None:
    street.clock.now = DAY * 20_000 + 9 * 3600  # 09:00 UTC
    job = await asked(street, "18:00")
    assert (job.not_before, job.expires_at) == (DAY * 20_000 + 18 * 3600, DAY * 20_000 + 18 * 3600 + DAY)
    assert told(street, job) == "waits until 18:00, as asked"
    await street.spool.mend_moments(3600.0)
    assert not await submits(street), "a wanted time is no wrong moment"
    await street.forward(9 * 3600 - 1)
    assert not await submits(street)
    await street.forward(1)
    assert await submits(street)
    assert (await street.job(job.queue_id)).state is JobState.SUBMITTED


async def test_no_delay_is_told_of_a_fax_that_is_wanted_later(street: Street) -> None:
    street.clock.now = DAY * 20_000 + 9 * 3600
    await asked(street, "18:00")
    four_hours = 4 * 3600.0
    await street.forward(5 * 3600)
    assert await street.spool.jobs.untold(street.clock() - four_hours) == []
    await street.forward(9 * 3600)
    assert len(await street.spool.jobs.untold(street.clock() - four_hours)) == 1


async def test_office_hours_that_end_are_followed_by_the_next_and_the_fax_does_not_age_between(
    street: Street,
) -> None:
    friday = DAY * 20_007  # 2024-10-11
    street.clock.now = friday + 17 * 3600
    job = await asked(street, hours=("mon-fri 08:00-18:00",))
    assert (job.not_before, job.not_after) == (0.0, friday + 18 * 3600)
    await street.forward(3600)
    assert not await submits(street)
    waiting = await street.job(job.queue_id)
    assert waiting.not_before == friday + 3 * DAY + 8 * 3600
    assert waiting.expires_at - waiting.not_before == job.expires_at - job.not_after
    assert told(street, waiting) == "waits until Mon 2024-10-14 08:00, in the sender's office hours"
    await street.forward(2 * DAY + 14 * 3600)
    assert await submits(street)


async def test_a_person_s_order_to_try_it_now_counts_before_both(street: Street) -> None:
    street.clock.now = DAY * 20_007 + 17 * 3600
    job = await asked(street, "19:30", ("mon-fri 08:00-18:00",))
    assert not await submits(street)
    answer = await Steering(street.spool, expire_seconds=DAY).fax("requeue", job.queue_id)
    assert answer.done
    assert await submits(street)


async def test_one_fax_at_a_time_goes_to_a_number(street: Street, sandbox: Sandbox) -> None:
    await street.mail("15555550106", subject="for ever in the queue there")
    await street.mail("15555550106", subject="the second")
    [other] = await street.mail("15551234567")
    while await submits(street):
        pass
    assert sorted(fax["number"] for fax in await sandbox.faxes()) == ["15551234567", "15555550106"]
    assert (await street.job(other.queue_id)).state is JobState.SUBMITTED
    await street.forward(3599)
    assert not await submits(street)
    await street.forward(2)
    assert await submits(street), "one that FaxCore never finishes keeps no other from its number for ever"
    assert len(await sandbox.faxes()) == 3


@pytest.mark.parametrize(("per_number", "sent"), [(2, 2), (0, 4)])
async def test_as_many_go_to_a_number_as_the_site_allows(
    street: Street, sandbox: Sandbox, per_number: int, sent: int
) -> None:
    limits = replace(street.context.limits, faxes_per_number=per_number)
    submit = Submit(replace(street.context, limits=limits), street.desk, street.ending, street.compose)
    for _ in range(4):
        await street.mail("15551234500")
    while await submit.round():
        pass
    assert len(await sandbox.faxes()) == sent
