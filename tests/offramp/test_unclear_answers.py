"""An outage never puts a queue in doubt: after three unclear answers in a row one fax at a time tries the account."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from mailfax.config import Account
from mailfax.rules.states import JobState
from tests.offramp.street import Sandbox, Street, opened

pytestmark = pytest.mark.anyio


async def closes_every_connection(sandbox: Sandbox) -> None:
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": None})


async def queued(street: Street, number: int) -> None:
    await street.mail(*(f"1555123{n:04d}" for n in range(number)))


async def in_state(street: Street, state: JobState) -> int:
    return len(await street.spool.jobs.listing(states=[state]))


async def alarms(street: Street) -> int:
    return len([letter for letter in await street.letters() if letter.kind == "alarm"])


async def test_three_in_a_row_pause_the_account_and_one_fax_tries_it(street: Street, sandbox: Sandbox) -> None:
    await queued(street, 6)
    await closes_every_connection(sandbox)
    while await street.submit.round():
        pass
    assert await in_state(street, JobState.IN_DOUBT) == 3
    state = await street.spool.accounts.state("main")
    assert state.paused and state.can_be_asked, "what became of its faxes is still asked"
    assert await alarms(street) == 1
    for doubts in (4, 5):
        await street.forward(601)
        assert await street.desk.round()
        while await street.submit.round():
            pass
        assert await in_state(street, JobState.IN_DOUBT) == doubts
    assert await alarms(street) == 1, "one alarm for the whole incident"
    await sandbox.control("faults", method="DELETE")
    await street.forward(601)
    await street.desk.round()
    assert await alarms(street) == 1, "it answers, but whether it takes faxes nobody knows yet"
    await street.submit.round()
    assert await in_state(street, JobState.SUBMITTED) == 1
    assert await alarms(street) == 2, "the all-clear"
    assert not (await street.spool.accounts.state("main")).braked


async def test_several_submitters_at_once_put_no_more_in_doubt_than_are_under_way(
    street: Street, sandbox: Sandbox
) -> None:
    await queued(street, 20)
    await closes_every_connection(sandbox)
    for _ in range(20):
        await asyncio.gather(*(street.submit.round() for _ in range(4)))
    assert await in_state(street, JobState.IN_DOUBT) <= 3 + 3
    assert await alarms(street) == 1
    await street.forward(601)
    await street.desk.round()
    before = await in_state(street, JobState.IN_DOUBT)
    await asyncio.gather(*(street.submit.round() for _ in range(4)))
    assert await in_state(street, JobState.IN_DOUBT) == before + 1


async def test_a_fax_that_is_taken_in_between_begins_the_count_anew(street: Street, sandbox: Sandbox) -> None:
    await queued(street, 9)
    for _ in range(3):
        await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 2})
        for _ in range(3):
            assert await street.submit.round()
    assert await in_state(street, JobState.IN_DOUBT) == 6
    assert await in_state(street, JobState.SUBMITTED) == 3
    assert await alarms(street) == 0


async def test_a_restart_forgets_no_brake(tmp_path: Path, street: Street, account: Account, sandbox: Sandbox) -> None:
    await queued(street, 8)
    await closes_every_connection(sandbox)
    while await street.submit.round():
        pass
    async with opened(tmp_path, street.clock, account) as born:
        await born.forward(601)
        await born.desk.round()
        while await born.submit.round():
            pass
        assert await in_state(born, JobState.IN_DOUBT) == 4
        assert await alarms(born) == 1
