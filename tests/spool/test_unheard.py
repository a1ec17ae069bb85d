"""A key is there once: whoever comes second reads what is known, and what it then decides is guarded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent
from mailfax.spool import Found, NotCommitted, SentBefore, Spool, Unheard
from mailfax.spool.unheard import AHEAD_SECONDS, KEPT_SECONDS

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Groups, Mails, OpenSpool

pytestmark = pytest.mark.anyio


async def arrive(spool: Spool, mails: Mails, key: str, instead_of: str = "", **more: str) -> FaxJob:
    """A mail of one fax with this key; its job."""
    message = mails.message()
    job = mails.job(message, **more)
    await spool.intake.accept(message, [job], spool.content.begin(), unheard=[Unheard(key, job.queue_id, instead_of)])
    return job


async def settle(spool: Spool) -> None:
    """Whatever comes next takes along what rides."""
    await spool.outbox.owe([])
    await spool.accounts.reference_returned("main")


async def test_a_key_is_there_once(spool: Spool, mails: Mails) -> None:
    job = await arrive(spool, mails, "k1")
    assert await spool.unheard.find(["k1", "k2"]) == {"k1": Found("k1", job.queue_id, failed=False, heard=False)}
    with pytest.raises(SentBefore):
        await arrive(spool, mails, "k1")
    await arrive(spool, mails, "k2")
    assert (await spool.counts()).jobs == {"accepted": 2}


async def test_a_clash_stores_nothing_and_leaves_the_content_for_the_next_try(spool: Spool, mails: Mails) -> None:
    await arrive(spool, mails, "k1")
    content = spool.content.begin()
    content.write(b"x" * 100_000)
    message = mails.message()
    job = mails.job(message)
    with pytest.raises(SentBefore):
        await spool.intake.accept(message, [job], content, unheard=[Unheard("k1", job.queue_id)])
    assert await spool.intake.message(message.queue_id) is None
    stored = await spool.intake.accept(message, [job], content, unheard=[Unheard("k2", job.queue_id)])
    assert await spool.content.read(stored.content_id) == b"x" * 100_000


async def test_only_one_takes_a_key_over(spool: Spool, mails: Mails) -> None:
    first = await arrive(spool, mails, "k1")
    tries = [arrive(spool, mails, "k1", first.queue_id) for _ in range(5)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in ended].count(SentBefore) == 4
    [second] = [one for one in ended if isinstance(one, FaxJob)]
    assert (await spool.unheard.find(["k1"]))["k1"].job == second.queue_id


async def test_what_came_again_is_a_line_of_the_first_job(spool: Spool, mails: Mails) -> None:
    job = await arrive(spool, mails, "k1")
    await spool.unheard.same((await spool.unheard.find(["k1"])).values())
    last = (await spool.history.of(job.queue_id))[-1]
    assert (last.event, last.state) == ("came again", "accepted")
    assert last.detail.startswith(f"same as {job.queue_id}")


async def test_a_job_that_failed_meanwhile_is_not_the_same(spool: Spool, mails: Mails) -> None:
    job = await arrive(spool, mails, "k1")
    found = await spool.unheard.find(["k1"])
    failed = job.after(JobEvent.EXPIRED, ended_at=1.0)
    await spool.jobs.advance(job, failed, JobEvent.EXPIRED)
    with pytest.raises(SentBefore):
        await spool.unheard.same(found.values())
    assert (await spool.unheard.find(["k1"]))["k1"].failed


async def test_forgetting_rides_along_and_costs_no_commit_of_its_own(
    spool: Spool, mails: Mails, groups: Groups
) -> None:
    jobs = [await arrive(spool, mails, f"k{n}") for n in range(20)]
    groups.after.clear()
    for n, job in enumerate(jobs):
        spool.unheard.forget([Unheard(f"k{n}", job.queue_id)])
        found = (await spool.unheard.find([f"k{n}"]))[f"k{n}"]
        assert found.heard, "known to be heard before it is durable"
    assert groups.after == [], "nothing was committed for it"
    await settle(spool)
    await settle(spool)
    assert groups.after == [("reference-returned", "heard")] * 2, "the first alone, and all that came meanwhile"
    assert await spool.unheard.find([f"k{n}" for n in range(20)]) == {}


async def test_forgetting_takes_nothing_from_who_took_the_key_over(spool: Spool, mails: Mails) -> None:
    first = await arrive(spool, mails, "k1")
    spool.unheard.forget([Unheard("k1", first.queue_id)])
    # Its own group takes the ride along, after it.
    second = await arrive(spool, mails, "k1", first.queue_id)
    await settle(spool)
    assert (await spool.unheard.find(["k1"]))["k1"].job == second.queue_id


async def test_what_was_heard_survives_a_stop(open_spool: OpenSpool, mails: Mails) -> None:
    spool = await open_spool()
    job = await arrive(spool, mails, "k1")
    other = await arrive(spool, mails, "k2")
    spool.unheard.forget([Unheard("k1", job.queue_id)])
    spool.unheard.forget([Unheard("k2", other.queue_id)])
    await spool.close()
    again = await open_spool()
    assert await again.unheard.find(["k1", "k2"]) == {}


async def test_a_disk_that_is_full_forgets_later(open_spool: OpenSpool, mails: Mails) -> None:
    import sqlite3

    full = False

    def fill(names: tuple[str, ...]) -> None:
        if full:
            trouble = sqlite3.OperationalError("database or disk is full")
            trouble.sqlite_errorcode = sqlite3.SQLITE_FULL
            raise trouble

    spool = await open_spool(before_commit=fill)
    job = await arrive(spool, mails, "k1")
    spool.unheard.forget([Unheard("k1", job.queue_id)])
    full = True
    with pytest.raises(NotCommitted):
        await settle(spool)
    full = False
    assert (await spool.unheard.find(["k1"]))["k1"].heard
    await settle(spool)
    assert await spool.unheard.find(["k1"]) == {}


@pytest.mark.parametrize(
    ("seconds", "stays"),
    [
        (0.0, True),
        (KEPT_SECONDS, True),
        (KEPT_SECONDS + 1, False),
        (-AHEAD_SECONDS, True),
        (-AHEAD_SECONDS - 1, False),
    ],
)
async def test_keys_are_kept_for_five_days(
    seconds: float, stays: bool, spool: Spool, mails: Mails, clock: Clock
) -> None:
    await arrive(spool, mails, "k1")
    clock.now += seconds
    await spool.sweep()
    assert ("k1" in await spool.unheard.find(["k1"])) == stays
