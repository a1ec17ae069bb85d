"""Accounts and senders that were taken out of the configuration: their faxes wait, and one alarm tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from mailfax.config import Account, SenderRule
from mailfax.offramp.left_out import set_aside
from mailfax.rules.policy import Policy
from mailfax.rules.states import JobState
from tests.offramp.street import Sandbox, Street, opened

pytestmark = pytest.mark.anyio

DAY = 86_400.0


def policy(*senders: str) -> Policy:
    rules = (SenderRule(senders=senders, account="main"),) if senders else ()
    return Policy(("fax.local",), "US", "postmaster@example.com", rules)


async def alarms(street: Street) -> int:
    return len([letter for letter in await street.letters() if letter.kind == "alarm"])


async def test_the_faxes_of_an_account_that_is_gone_wait_until_it_is_back(
    tmp_path: Path, street: Street, account: Account, sandbox: Sandbox
) -> None:
    [job] = await street.mail("15551234567")
    async with opened(tmp_path, street.clock, replace(account, name="other")) as without:
        for _ in range(3):  # three starts
            await set_aside(without.context, without.desk, policy("@example.com"))
        assert await alarms(without) == 1
        await without.forward(2 * DAY)
        await without.deadlines.round()
        assert not await without.submit.round()
        waiting = await without.job(job.queue_id)
        assert waiting.state is JobState.READY
    street.context.marks()  # the first was drawn by the other
    assert await street.desk.round()
    assert (await street.job(job.queue_id)).expires_at >= street.clock() + DAY - 1, "it got its time back"
    assert await street.submit.round()
    assert await alarms(street) == 2, "the all-clear"


async def test_the_faxes_of_a_sender_whom_no_rule_names_are_held(street: Street) -> None:
    jobs = await street.mail("15551234567", "15557654321")
    await set_aside(street.context, street.desk, policy("@example.com"))
    assert await alarms(street) == 0
    for _ in range(2):
        await set_aside(street.context, street.desk, policy("bob@example.com"))
    assert [(await street.job(job.queue_id)).state for job in jobs] == [JobState.HELD] * 2
    assert await alarms(street) == 1
    assert not await street.submit.round()


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
