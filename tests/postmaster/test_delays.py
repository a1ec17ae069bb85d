"""Who waits long hears of it once, and only those who want to hear."""

from __future__ import annotations

import contextlib
import email
import sqlite3
from email.policy import SMTP
from pathlib import Path

import pytest

from mailfax.postmaster.delays import Delays
from mailfax.rules.envelope import Notify
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import Spool
from tests.postmaster.conftest import LIMITS

pytestmark = pytest.mark.anyio


async def owed(spool: Spool) -> list[tuple[str, tuple[str, ...]]]:
    letters = await spool.outbox.listing()
    return sorted((letter.kind, letter.recipients) for letter in letters)


@pytest.fixture
def delays(context) -> Delays:
    return Delays(context)


async def test_a_waiting_job_is_told_once_and_not_before_its_time(spool, clock, accepted, delays) -> None:
    job = await accepted()
    clock.now += LIMITS.delay_seconds - 1
    assert not await delays.round()
    clock.now += 1
    assert await delays.round()
    assert not await delays.round()
    assert await owed(spool) == [("delayed", ("alice@example.com",))]
    told = await spool.jobs.get(job.queue_id)
    assert (told.state, told.delay_told) == (JobState.ACCEPTED, True)


async def test_a_clock_that_leaps_delays_nobody(spool, accepted, leaping) -> None:
    """Neither the sender hears of a delay, nor the postmaster of a service that keeps silent."""
    await accepted()
    await accepted(fax_id="4711")
    work = Delays(leaping.context)
    leaping.leap(86_400)
    assert not await work.round()
    leaping.leap(-86_400)
    assert not await work.round()
    assert await owed(spool) == []


async def test_the_report_returns_the_header_and_nothing_of_the_body(spool, clock, accepted, delays) -> None:
    await accepted()
    clock.now += LIMITS.delay_seconds
    await delays.round()
    (listed,) = await spool.outbox.listing()
    letter = await spool.outbox.get(listed.letter_id)
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    _, machine, original = mail.iter_parts()
    assert machine.get_payload()[1]["Action"] == "delayed"
    assert "X-Mark: original" in original.get_payload()
    assert b"the body" not in letter.content


async def test_who_did_not_ask_for_delays_is_not_told_and_not_looked_at_again(spool, clock, accepted, delays) -> None:
    await accepted(notify=frozenset([Notify.FAILURE]))
    clock.now += LIMITS.delay_seconds
    assert await delays.round()
    assert not await delays.round()
    assert await owed(spool) == []


async def test_a_silent_service_gives_each_sender_a_word_and_the_postmaster_one_alarm(
    spool, clock, accepted, delays
) -> None:
    first, _ = await accepted(fax_id="F1"), await accepted(fax_id="F2")
    clock.now += LIMITS.delay_seconds
    assert await delays.round()
    assert await owed(spool) == [
        ("alarm", ("postmaster@example.com",)),
        ("delayed", ("alice@example.com",)),
        ("delayed", ("alice@example.com",)),
    ]
    job = await spool.jobs.get(first.queue_id)
    assert (job.state, job.delay_told) == (JobState.SUBMITTED, True)
    assert JobEvent.SILENT.value in [line.event for line in await spool.history.of(first.queue_id)]
    await accepted(fax_id="F3")
    clock.now += LIMITS.delay_seconds
    assert await delays.round()
    assert [kind for kind, _ in await owed(spool)].count("alarm") == 2


async def test_an_ended_job_is_not_delayed(spool, clock, accepted, delays) -> None:
    job = await accepted(fax_id="F1")
    ended = job.after(JobEvent.COMPLETED, status=status(Cause.DELIVERED), ended_at=clock.now)
    await spool.jobs.advance(job, ended, JobEvent.COMPLETED)
    clock.now += LIMITS.delay_seconds
    assert not await delays.round()


async def test_a_sandbox_says_so(spool, clock, accepted, context) -> None:
    await accepted()
    clock.now += LIMITS.delay_seconds
    sandboxed = Delays(context, is_sandbox=lambda account: account == "main")
    await sandboxed.round()
    (listed,) = await spool.outbox.listing()
    letter = await spool.outbox.get(listed.letter_id)
    assert email.message_from_bytes(letter.content, policy=SMTP)["Subject"].startswith("[TEST] Fax delayed")


async def test_a_lost_original_delays_no_word(spool, clock, accepted, delays, tmp_path: Path) -> None:
    await accepted(body=b"x" * 200_000)
    (stored,) = [path for path in tmp_path.rglob("*") if path.is_file() and path.name[:8] != "spool.db"]
    stored.unlink()
    clock.now += LIMITS.delay_seconds
    assert await delays.round()
    assert await owed(spool) == [("delayed", ("alice@example.com",))]


async def test_the_sender_of_a_damaged_message_is_told_as_any_other(
    spool, clock, accepted, delays, tmp_path: Path
) -> None:
    lost = await accepted()
    kept = await accepted()
    with contextlib.closing(sqlite3.connect(tmp_path / "spool.db")) as database, database:
        database.execute("UPDATE message SET received_at = 'damaged' WHERE queue_id = ?", (lost.message,))
    clock.now += LIMITS.delay_seconds
    assert await delays.round()
    assert not await delays.round(), "looked at once"
    told = {(letter.kind, letter.about, letter.recipients) for letter in await spool.outbox.listing()}
    assert told == {("delayed", job.queue_id, ("alice@example.com",)) for job in (lost, kept)}


async def test_an_unforeseen_failure_with_one_job_stops_no_other(spool, clock, accepted, context) -> None:
    bad, good = await accepted(account="gone"), await accepted()
    clock.now += LIMITS.delay_seconds
    accounts = {"main": False}
    work = Delays(context, is_sandbox=accounts.__getitem__)
    assert await work.round()
    assert not await work.round(), "looked at once"
    assert [(letter.kind, letter.about) for letter in await spool.outbox.listing()] == [("delayed", good.queue_id)]
    assert (await spool.jobs.get(bad.queue_id)).state is JobState.ACCEPTED
    assert "delayed, and not told" in [line.detail for line in await spool.history.of(bad.queue_id)]
