"""An outage never puts a queue in doubt: after three unclear answers in a row one fax at a time tries the account."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailfax.config import Account
from mailfax.rules.states import JobState
from tests.offramp.pipeline import Pipeline, Sandbox, opened

pytestmark = pytest.mark.anyio


async def closes_every_connection(sandbox: Sandbox) -> None:
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": None})


async def queued(pipeline: Pipeline, number: int) -> None:
    await pipeline.mail(*(f"1555123{n:04d}" for n in range(number)))


async def in_state(pipeline: Pipeline, state: JobState) -> int:
    return len(await pipeline.spool.jobs.listing(states=[state]))


async def alarms(pipeline: Pipeline) -> int:
    return len([letter for letter in await pipeline.letters() if letter.kind == "alarm"])


async def test_three_in_a_row_pause_the_account_and_one_fax_tries_it(pipeline: Pipeline, sandbox: Sandbox) -> None:
    await queued(pipeline, 6)
    await closes_every_connection(sandbox)
    while await pipeline.submit.round():
        pass
    assert await in_state(pipeline, JobState.IN_DOUBT) == 3
    state = await pipeline.spool.accounts.state("main")
    assert state.paused and state.can_be_asked, "what became of its faxes is still asked"
    assert await alarms(pipeline) == 1
    for doubts in (4, 5):
        await pipeline.forward(601)
        assert await pipeline.fax_accounts.round()
        while await pipeline.submit.round():
            pass
        assert await in_state(pipeline, JobState.IN_DOUBT) == doubts
    assert await alarms(pipeline) == 1, "one alarm for the whole incident"
    await sandbox.control("faults", method="DELETE")
    await pipeline.forward(601)
    await pipeline.fax_accounts.round()
    assert await alarms(pipeline) == 1, "it answers, but whether it takes faxes nobody knows yet"
    await pipeline.submit.round()
    assert await in_state(pipeline, JobState.SUBMITTED) == 1
    assert await alarms(pipeline) == 2, "the all-clear"
    assert not (await pipeline.spool.accounts.state("main")).braked


async def test_several_submitters_at_once_put_no_more_in_doubt_than_are_under_way(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    await queued(pipeline, 20)
    await closes_every_connection(sandbox)
    for _ in range(20):
        await asyncio.gather(*(pipeline.submit.round() for _ in range(4)))
    assert await in_state(pipeline, JobState.IN_DOUBT) <= 3 + 3
    assert await alarms(pipeline) == 1
    await pipeline.forward(601)
    await pipeline.fax_accounts.round()
    before = await in_state(pipeline, JobState.IN_DOUBT)
    await asyncio.gather(*(pipeline.submit.round() for _ in range(4)))
    assert await in_state(pipeline, JobState.IN_DOUBT) == before + 1


async def test_a_fax_that_is_taken_in_between_begins_the_count_anew(pipeline: Pipeline, sandbox: Sandbox) -> None:
    await queued(pipeline, 9)
    for _ in range(3):
        await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 2})
        for _ in range(3):
            assert await pipeline.submit.round()
    assert await in_state(pipeline, JobState.IN_DOUBT) == 6
    assert await in_state(pipeline, JobState.SUBMITTED) == 3
    assert await alarms(pipeline) == 0


async def test_a_restart_forgets_no_brake(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    await queued(pipeline, 8)
    await closes_every_connection(sandbox)
    while await pipeline.submit.round():
        pass
    async with opened(tmp_path, pipeline.clock, account) as born:
        await born.forward(601)
        await born.fax_accounts.round()
        while await born.submit.round():
            pass
        assert await in_state(born, JobState.IN_DOUBT) == 4
        assert await alarms(born) == 1
