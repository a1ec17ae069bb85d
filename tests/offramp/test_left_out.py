"""Accounts and senders that were taken out of the configuration: their faxes wait, and one alarm tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailfax.config import Account, SenderRule
from mailfax.offramp.left_out import set_aside
from mailfax.rules.policy import Policy
from mailfax.rules.states import JobState
from tests.offramp.pipeline import Pipeline, Sandbox, opened

pytestmark = pytest.mark.anyio

DAY = 86_400.0


def policy(*senders: str) -> Policy:
    rules = (SenderRule(senders=senders, account="main"),) if senders else ()
    return Policy(("fax.local",), "US", "postmaster@example.com", rules)


async def alarms(pipeline: Pipeline) -> int:
    return len([letter for letter in await pipeline.letters() if letter.kind == "alarm"])


async def test_the_faxes_of_an_account_that_is_gone_wait_until_it_is_back(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    [job] = await pipeline.mail("15551234567")
    async with opened(tmp_path, pipeline.clock, replace(account, name="other")) as without:
        for _ in range(3):  # three starts
            await set_aside(without.context, without.fax_accounts, policy("@example.com"))
        assert await alarms(without) == 1
        await without.forward(2 * DAY)
        await without.deadlines.round()
        assert not await without.submit.round()
        waiting = await without.job(job.queue_id)
        assert waiting.state is JobState.READY
    pipeline.context.marks()  # the first was drawn by the other
    assert await pipeline.fax_accounts.round()
    assert (await pipeline.job(job.queue_id)).expires_at >= pipeline.clock() + DAY - 1, "it got its time back"
    assert await pipeline.submit.round()
    assert await alarms(pipeline) == 2, "the all-clear"


async def test_the_faxes_of_a_sender_whom_no_rule_names_are_held(pipeline: Pipeline) -> None:
    jobs = await pipeline.mail("15551234567", "15557654321")
    await set_aside(pipeline.context, pipeline.fax_accounts, policy("@example.com"))
    assert await alarms(pipeline) == 0
    for _ in range(2):
        await set_aside(pipeline.context, pipeline.fax_accounts, policy("bob@example.com"))
    assert [(await pipeline.job(job.queue_id)).state for job in jobs] == [JobState.HELD] * 2
    assert await alarms(pipeline) == 1
    assert not await pipeline.submit.round()


@pytest.mark.parametrize(
    ("rule", "sender", "login", "named"),
    [
        (SenderRule(senders=("@example.com",)), "alice@example.com", "", True),
        (SenderRule(senders=("@example.com",)), "alice@example.net", "", False),
        (SenderRule(login=("alice",)), "anybody@example.net", "Alice", True),
        (SenderRule(login=("alice",)), "alice@example.com", "", False),
        (SenderRule(network=()), "alice@example.com", "", True),
    ],
)
def test_a_rule_names_a_sender_by_address_and_login(rule: SenderRule, sender: str, login: str, named: bool) -> None:
    rules = (replace(rule, account="main"),)
    assert replace(policy("@example.org"), senders=rules).names(sender, login) is named
