"""Accounts, their ledger of fax ids, and the faxes they received."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.states import InboundEvent, InboundState, JobEvent
from mailfax.spool import Outdated, Spool

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Mails, OpenSpool

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("collecting", [False, True])
async def test_one_process_polls_an_account(collecting: bool, open_spool: OpenSpool, clock: Clock) -> None:
    mine, theirs = await open_spool(), await open_spool()
    assert await mine.accounts.lease("main", 60, collecting=collecting)
    assert not await theirs.accounts.lease("main", 60, collecting=collecting)
    assert await theirs.accounts.lease("other", 60)
    assert await theirs.accounts.lease("main", 60, collecting=not collecting), "one follows, another collects"
    clock.now += 59
    assert await mine.accounts.lease("main", 60, collecting=collecting)
    clock.now += 60
    assert await theirs.accounts.lease("main", 60, collecting=collecting)
    assert not await mine.accounts.lease("main", 60, collecting=collecting)
    await mine.close()  # not its own any more: without effect
    third = await open_spool()
    assert not await third.accounts.lease("main", 60, collecting=collecting)
    await theirs.close()
    assert await third.accounts.lease("main", 60, collecting=collecting)


async def test_one_alarm_and_one_all_clear_per_incident(spool: Spool, mails: Mails) -> None:
    assert not await spool.accounts.resume("main", [mails.letter()])
    assert await spool.accounts.pause("main", "401", [mails.letter()])
    assert not await spool.accounts.pause("main", "dns", [mails.letter()])
    state = await spool.accounts.state("main")
    assert (state.paused, state.paused_reason) == (True, "401")
    assert await spool.accounts.resume("main", [mails.letter()])
    assert not await spool.accounts.resume("main", [mails.letter()])
    assert not (await spool.accounts.state("main")).paused
    assert (await spool.counts()).letters == {"waiting": 2}
    assert [line.event for line in await spool.history.of("main")] == ["account paused", "account resumed"]
    assert not (await spool.accounts.state("nobody")).paused


async def test_silence_is_told_once_and_so_is_its_end(spool: Spool, mails: Mails) -> None:
    await spool.accounts.pause("main", "401")  # an account that the spool knows
    assert not await spool.accounts.heard_again("main", mails.letter())
    assert await spool.accounts.quiet("main", 1000.0, mails.letter())
    assert not await spool.accounts.quiet("main", 2000.0, mails.letter())
    assert (await spool.accounts.state("main")).quiet_since == 1000.0
    assert await spool.accounts.heard_again("main", mails.letter())
    assert not await spool.accounts.heard_again("main", mails.letter())
    assert (await spool.accounts.state("main")).quiet_since == 0.0
    assert (await spool.counts()).letters == {"waiting": 2}


async def test_while_paused_time_stands_still_for_waiting_jobs(spool: Spool, mails: Mails, clock: Clock) -> None:
    flying = await mails.submitted(spool, "1")
    [before] = await mails.ready(spool, expires_at=clock.now + 100)
    [other] = await mails.accept(spool, account="other", expires_at=clock.now + 100)
    await spool.accounts.pause("main", "401")
    clock.now += 60
    [during] = await mails.accept(spool, expires_at=clock.now + 100)
    clock.now += 40
    assert [job.queue_id for job in await spool.jobs.overdue()] == [other.queue_id]
    assert await spool.jobs.claim(["main"], 60) is None
    await spool.accounts.resume("main")
    expiry = {job.queue_id: job.expires_at for job in await spool.jobs.listing()}
    assert expiry[before.queue_id] == before.expires_at + 100
    assert expiry[during.queue_id] == during.expires_at + 40
    assert expiry[other.queue_id] == other.expires_at
    assert expiry[flying.queue_id] == flying.expires_at
    with pytest.raises(Outdated):
        await spool.jobs.advance(before, before.after(JobEvent.HOLD), JobEvent.HOLD)
    assert await spool.jobs.claim(["main"], 60)


async def test_a_reference_that_came_back_is_remembered(spool: Spool) -> None:
    assert not (await spool.accounts.state("main")).reference_returned
    await spool.accounts.reference_returned("main")
    assert (await spool.accounts.state("main")).reference_returned
    assert [state.name for state in await spool.accounts.listing()] == ["main"]


async def test_fifty_thousand_ids_are_a_baseline_quickly_and_once(spool: Spool, clock: Clock) -> None:
    ids = [str(number) for number in range(50_000)]
    began = time.process_time()  # of all threads: other work on the machine does not count
    assert await spool.ledger.baseline("main", ids)
    assert await spool.ledger.unknown("main", [*ids, "new", "new"]) == ["new"]
    assert time.process_time() - began < 3
    assert (await spool.accounts.state("main")).baseline_at == clock.now
    assert not await spool.ledger.baseline("main", ["later"])
    assert await spool.ledger.unknown("main", ["later"]) == ["later"]
    assert await spool.ledger.unknown("other", ids[:2]) == ids[:2]


async def test_an_empty_account_is_met_too(spool: Spool) -> None:
    assert await spool.ledger.baseline("main", [])
    assert (await spool.accounts.state("main")).baseline_at
    await spool.ledger.foreign("main", ["1", "2"])
    await spool.ledger.foreign("main", ["1", "2"])
    entry = await spool.ledger.find("main", "2")
    assert entry
    assert entry.kind == "foreign"
    assert await spool.ledger.find("main", "3") is None


async def test_a_received_fax_is_listed_once(spool: Spool, mails: Mails) -> None:
    await spool.ledger.baseline("main", ["1"])
    sent = await mails.submitted(spool, "2")
    faxes = [mails.received(fax_id) for fax_id in ("1", "2", "3", "4")]
    assert await spool.inbound.listed("main", faxes) == 2
    assert await spool.inbound.listed("main", [mails.received("3"), mails.received("5")]) == 1
    assert await spool.inbound.listed("main", faxes) == 0
    assert [fax.fax_id for fax in await spool.inbound.due("main")] == ["3", "4", "5"]
    assert await spool.inbound.get("main", "3") == faxes[2]
    assert [line.event for line in await spool.history.of(faxes[2].queue_id)] == ["listed"]
    entry = await spool.ledger.find("main", "2")
    assert entry
    assert entry.owner == sent.queue_id


@pytest.mark.parametrize("size", [1000, 100_000])
async def test_pages_and_their_letter_are_one_commit(
    size: int, spool: Spool, mails: Mails, database: Database
) -> None:
    await spool.inbound.listed("main", [mails.received("1")])
    [fax] = await spool.inbound.due("main")
    letter = mails.letter(kind="received")
    now_is = fax.after(InboundEvent.FETCHED, pages=3, received_at=1.0)
    stored = await spool.inbound.advance(
        fax, now_is, InboundEvent.FETCHED, content=b"p" * size, letters=[letter], detail="3 pages"
    )
    assert await spool.inbound.get("main", "1") == stored
    assert await spool.content.read(stored.content_id) == b"p" * size
    assert await spool.inbound.due("main") == []
    with pytest.raises(Outdated):
        await spool.inbound.advance(
            fax, now_is, InboundEvent.FETCHED, content=b"p" * 100_001, letters=[mails.letter()]
        )
    assert (await spool.counts()).letters == {"waiting": 1}
    assert await database.large_left(spool) == (size > 65_536)


async def test_what_can_not_be_fetched_waits_is_given_up_or_gone(spool: Spool, mails: Mails, clock: Clock) -> None:
    await spool.inbound.listed("main", [mails.received("1"), mails.received("2")])
    one, two = await spool.inbound.due("main")
    later = one.after(InboundEvent.NOT_NOW, attempts=1, next_attempt_at=clock.now + 60, problem="503")
    later = await spool.inbound.advance(one, later, InboundEvent.NOT_NOW)
    gone = two.after(InboundEvent.GONE)
    await spool.inbound.advance(two, gone, InboundEvent.GONE, letters=[mails.letter(kind="alarm")])
    assert await spool.inbound.due("main") == []
    clock.now += 60
    assert await spool.inbound.due("main") == [later]
    given_up = later.after(InboundEvent.GIVEN_UP, next_attempt_at=clock.now + 86_400)
    await spool.inbound.advance(later, given_up, InboundEvent.GIVEN_UP, letters=[mails.letter(kind="alarm")])
    clock.now += 86_400
    assert [fax.state for fax in await spool.inbound.due("main")] == [InboundState.UNREADABLE]
    counts = await spool.counts()
    assert (counts.inbound, counts.letters) == ({"unreadable": 1, "vanished": 1}, {"waiting": 2})
    assert [fax.fax_id for fax in await spool.inbound.listing(states=[InboundState.VANISHED])] == ["2"]
