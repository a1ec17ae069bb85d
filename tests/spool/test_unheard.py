"""A fax whose client is gone keeps others with its keys out; what is then decided is guarded."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent
from mailfax.spool import Found, Keys, NotCommitted, SentBefore, Spool, Unheard
from mailfax.spool.unheard import AHEAD_SECONDS, KEPT_SECONDS, Row
from tests.spool.conftest import full

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Groups, Mails, OpenSpool

pytestmark = pytest.mark.anyio
K1, K2 = Keys("k1", "copier"), Keys("k2", "copier")


async def arrive(spool: Spool, mails: Mails, keys: Keys = K1, *instead_of: Found, gone: bool = False) -> FaxJob:
    """A mail of one fax with these keys; its job."""
    message = mails.message()
    job = mails.job(message)
    fax = Unheard(keys, job.queue_id, instead_of, gone)
    await spool.intake.accept(message, [job], spool.content.begin(), unheard=[fax])
    return job


async def settle(spool: Spool) -> None:
    """Whatever comes next takes along what rides."""
    await spool.outbox.owe([])
    await spool.accounts.reference_returned("main")


async def test_a_client_that_is_there_keeps_nobody_out(spool: Spool, mails: Mails) -> None:
    jobs = [await arrive(spool, mails), await arrive(spool, mails)]
    assert await spool.unheard.find([K1, K2]) == [
        Found(K1, job.queue_id, failed=False, heard=False, gone=False) for job in jobs
    ]


@pytest.mark.parametrize("keys", [K1, K2, Keys("k1"), Keys("k1", "another")])
async def test_one_that_is_gone_keeps_out_what_has_one_of_its_keys(keys: Keys, spool: Spool, mails: Mails) -> None:
    job = await arrive(spool, mails)
    spool.unheard.gone([Row("k1", job.queue_id)])
    with pytest.raises(SentBefore):
        await arrive(spool, mails, keys)
    assert [one.gone for one in await spool.unheard.find([keys])] == [True]
    await arrive(spool, mails, Keys("k3", ""))
    await arrive(spool, mails, Keys("k4", "another"))


async def test_what_has_no_second_key_has_none_in_common(spool: Spool, mails: Mails) -> None:
    for key in ("k1", "k2"):
        job = await arrive(spool, mails, Keys(key))
        spool.unheard.gone([Row(key, job.queue_id)])
    assert len(await spool.unheard.find([Keys("k1")])) == 1


async def test_another_process_is_gone_as_far_as_this_one_knows(open_spool: OpenSpool, mails: Mails) -> None:
    spool = await open_spool()
    other = await open_spool()
    await arrive(other, mails)
    with pytest.raises(SentBefore):
        await arrive(spool, mails)
    await arrive(spool, mails, K2)
    third = await open_spool()  # one of them may have died
    for keys in (K1, K2):
        with pytest.raises(SentBefore):
            await arrive(third, mails, keys)


async def test_a_clash_stores_nothing_and_leaves_the_content_for_the_next_try(spool: Spool, mails: Mails) -> None:
    await arrive(spool, mails, gone=True)
    content = spool.content.begin()
    content.write(b"x" * 100_000)
    message = mails.message()
    job = mails.job(message)
    with pytest.raises(SentBefore):
        await spool.intake.accept(message, [job], content, unheard=[Unheard(K1, job.queue_id)])
    assert await spool.intake.message(message.queue_id) is None
    stored = await spool.intake.accept(message, [job], content, unheard=[Unheard(Keys("k3"), job.queue_id)])
    assert await spool.content.read(stored.content_id) == b"x" * 100_000


async def test_only_one_takes_a_key_over(spool: Spool, mails: Mails) -> None:
    await arrive(spool, mails, gone=True)
    [found] = await spool.unheard.find([K1])
    tries = [arrive(spool, mails, K1, found, gone=True) for _ in range(5)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in ended].count(SentBefore) == 4
    [second] = [one for one in ended if isinstance(one, FaxJob)]
    assert [one.job for one in await spool.unheard.find([K1])] == [second.queue_id]


async def test_what_came_again_is_a_line_of_the_first_job(spool: Spool, mails: Mails) -> None:
    job = await arrive(spool, mails)
    await spool.unheard.same(await spool.unheard.find([K1]))
    last = (await spool.history.of(job.queue_id))[-1]
    assert (last.event, last.state) == ("came again", "accepted")
    assert last.detail.startswith(f"same as {job.queue_id}")


async def test_a_job_that_failed_meanwhile_is_not_the_same(spool: Spool, mails: Mails) -> None:
    job = await arrive(spool, mails)
    found = await spool.unheard.find([K1])
    failed = job.after(JobEvent.EXPIRED, ended_at=1.0)
    await spool.jobs.advance(job, failed, JobEvent.EXPIRED)
    with pytest.raises(SentBefore):
        await spool.unheard.same(found)
    assert [one.failed for one in await spool.unheard.find([K1])] == [True]


async def test_forgetting_rides_along_and_costs_no_commit_of_its_own(
    monkeypatch: pytest.MonkeyPatch, spool: Spool, mails: Mails, groups: Groups
) -> None:
    monkeypatch.setattr("mailfax.spool.engine.RIDE_SECONDS", 600.0)
    jobs = [await arrive(spool, mails, Keys(f"k{n}")) for n in range(20)]
    groups.after.clear()
    for n, job in enumerate(jobs):
        spool.unheard.forget([Row(f"k{n}", job.queue_id)])
        [found] = await spool.unheard.find([Keys(f"k{n}")])
        assert found.heard, "known to be heard before it is durable"
    assert groups.after == [], "nothing was committed for it"
    await settle(spool)
    await settle(spool)
    assert groups.after == [("heard", "reference-returned")] * 2, "the first alone, and all that came meanwhile"
    assert await spool.unheard.find([Keys(f"k{n}") for n in range(20)]) == []


async def test_where_nothing_else_is_stored_others_soon_know_what_was_heard(
    monkeypatch: pytest.MonkeyPatch, open_spool: OpenSpool, mails: Mails
) -> None:
    monkeypatch.setattr("mailfax.spool.engine.RIDE_SECONDS", 0.01)
    spool, other = await open_spool(), await open_spool()
    job = await arrive(spool, mails)
    spool.unheard.forget([Row("k1", job.queue_id)])
    async with asyncio.timeout(30):
        while await other.unheard.find([K1]):
            await asyncio.sleep(0.01)
    await arrive(other, mails)


async def test_forgetting_takes_nothing_from_who_took_the_key_over(spool: Spool, mails: Mails) -> None:
    first = await arrive(spool, mails, gone=True)
    [found] = await spool.unheard.find([K1])
    second = await arrive(spool, mails, K1, found)
    spool.unheard.forget([Row("k1", first.queue_id)])
    await settle(spool)
    assert [one.job for one in await spool.unheard.find([K1])] == [second.queue_id]


async def test_what_was_heard_survives_a_stop(open_spool: OpenSpool, mails: Mails) -> None:
    spool = await open_spool()
    for key in ("k1", "k2"):
        job = await arrive(spool, mails, Keys(key))
        spool.unheard.forget([Row(key, job.queue_id)])
    await spool.close()
    again = await open_spool()
    assert await again.unheard.find([Keys("k1"), Keys("k2")]) == []


async def test_a_disk_that_is_full_forgets_and_marks_later(engine: str, open_spool: OpenSpool, mails: Mails) -> None:
    is_full = False

    def fill(names: tuple[str, ...]) -> None:
        if is_full:
            raise full(engine)

    spool = await open_spool(before_commit=fill)
    job, other = await arrive(spool, mails), await arrive(spool, mails, Keys("k3"))
    spool.unheard.forget([Row("k1", job.queue_id)])
    spool.unheard.gone([Row("k3", other.queue_id)])
    is_full = True
    with pytest.raises(NotCommitted):
        await settle(spool)
    is_full = False
    assert [one.heard for one in await spool.unheard.find([K1])] == [True]
    with pytest.raises(SentBefore):
        await arrive(spool, mails, Keys("k3"))
    await settle(spool)
    assert await spool.unheard.find([K1]) == []


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
    await arrive(spool, mails)
    clock.now += seconds
    await spool.sweep()
    assert bool(await spool.unheard.find([K1])) == stays
