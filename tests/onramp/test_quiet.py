"""One alarm for a silence that the account has not shown before, and one all-clear."""

from __future__ import annotations

import email
from email.policy import SMTP

import pytest

from mailfax.onramp.quiet import Quiet
from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.states import InboundState
from tests.offramp.pipeline import Pipeline

pytestmark = pytest.mark.anyio
HOUR = 3600.0


async def receive(pipeline: Pipeline, name: str) -> None:
    now = pipeline.clock()
    fax = InboundFax("main", name, InboundState.LISTED, now, now + 1e9, queue_id=f"R{name}")
    await pipeline.spool.inbound.listed("main", [fax])


async def told(pipeline: Pipeline) -> list[str]:
    subjects = []
    for listed in reversed(await pipeline.spool.outbox.listing()):
        letter = await pipeline.spool.outbox.get(listed.letter_id)
        assert isinstance(letter, Letter) and letter.recipients == ("postmaster@example.com",)
        subjects.append(str(email.message_from_bytes(letter.content, policy=SMTP)["Subject"]))
    return subjects


@pytest.fixture
def quiet(pipeline: Pipeline) -> Quiet:
    return Quiet(pipeline.context, [pipeline.account], is_sandbox=lambda name: False)


async def hours(pipeline: Pipeline, quiet: Quiet, number: int) -> None:
    for _ in range(number):
        await pipeline.forward(HOUR)
        assert not await quiet.round()


async def test_one_alarm_and_one_all_clear(pipeline: Pipeline, quiet: Quiet) -> None:
    await pipeline.spool.ledger.baseline("main", [])
    for day in range(10):  # two a day, and the longest silence is 16 hours
        for turn, pause in enumerate((8, 16)):
            await receive(pipeline, f"{day}-{turn}")
            await hours(pipeline, quiet, pause)
    assert await told(pipeline) == []
    await hours(pipeline, quiet, 15)  # 31 since the last one
    assert await told(pipeline) == []
    await hours(pipeline, quiet, 72)
    [alarm] = await told(pipeline)
    assert alarm == 'Fax alarm: fax account "main" has received nothing for unusually long'
    await receive(pipeline, "again")
    await hours(pipeline, quiet, 3)
    assert (await told(pipeline))[1:] == ['Fax all-clear: fax account "main" receives faxes again']
    await hours(pipeline, quiet, 100)
    assert len(await told(pipeline)) == 2, "the silence that was told of is usual by now"


@pytest.mark.parametrize("faxes", [0, 1, 10])
async def test_an_account_without_a_habit_is_never_unusual(pipeline: Pipeline, quiet: Quiet, faxes: int) -> None:
    await pipeline.spool.ledger.baseline("main", [])
    for number in range(faxes):
        await receive(pipeline, str(number))
        await pipeline.forward(60)
    await hours(pipeline, quiet, 100)
    assert await told(pipeline) == []


async def test_a_paused_account_has_an_alarm_of_its_own(pipeline: Pipeline, quiet: Quiet) -> None:
    for number in range(50):
        await receive(pipeline, str(number))
        await pipeline.forward(60)
    await pipeline.spool.accounts.pause("main", "The login was refused.")
    await hours(pipeline, quiet, 100)
    assert await told(pipeline) == []
