"""A damaged row is moved aside, said once, and stops nothing else."""

from __future__ import annotations

import logging
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from mailfax.spool import Spool
from tests.spool.conftest import only

if TYPE_CHECKING:
    from tests.spool.conftest import Database, Mails

pytestmark = pytest.mark.anyio


BOTH, SQLITE = ("sqlite", "postgresql"), ("sqlite",)  # a column of numbers takes nothing else on PostgreSQL


@pytest.mark.parametrize(
    ("engine", "damage"),
    [
        (engine, damage)
        for damage, engines in {
            "state = 'aceppted'": BOTH,
            "notify = 'SOMETIMES'": BOTH,
            "status_code = '5.0.0'": BOTH,
            "submit_at = 'soon'": SQLITE,
            "version = 1.5": SQLITE,
        }.items()
        for engine in engines
    ],
    indirect=["engine"],
)
@pytest.mark.needs("pg_ctl")
async def test_a_damaged_job_stops_no_list(
    damage: str, spool: Spool, mails: Mails, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    [bad], [good] = await mails.accept(spool), await mails.accept(spool)
    await database.run(f"UPDATE job SET {damage} WHERE queue_id = ?", bad.queue_id)
    with caplog.at_level(logging.ERROR, "mailfax.spool"):
        for _ in range(2):
            assert [*await spool.jobs.of(bad.message), *await spool.jobs.of(good.message)] == [good]
            assert good in await spool.jobs.listing()
    assert [record.getMessage() for record in caplog.records if bad.queue_id in record.getMessage()] != []
    assert len(caplog.records) == 1
    counts = await spool.counts()
    assert (counts.damaged, counts.jobs) == ({"job": 1}, {"accepted": 1})
    assert (await spool.history.of(bad.queue_id))[-1].event == "moved aside"


async def test_a_claim_passes_over_what_is_damaged(spool: Spool, mails: Mails, database: Database) -> None:
    [bad], [good] = await mails.ready(spool), await mails.ready(spool)
    await database.run("UPDATE job SET notify = 'SOMETIMES' WHERE queue_id = ?", bad.queue_id)
    claimed = await spool.jobs.claim(["main"], 60)
    assert claimed
    assert claimed.job.queue_id == good.queue_id
    assert (await spool.counts()).damaged == {"job": 1}


async def test_a_damaged_document_letter_and_received_fax_too(spool: Spool, mails: Mails, database: Database) -> None:
    await mails.accept(spool)
    [good] = await mails.accept(spool)
    letters = [mails.letter(), mails.letter()]
    await spool.outbox.owe(letters)
    await spool.inbound.listed("main", [mails.received("1"), mails.received("2")])
    await database.run("UPDATE document SET contents = '[' WHERE message <> ?", good.message)
    await database.run("UPDATE letter SET recipients = '{' WHERE letter_id = ?", letters[0].letter_id)
    await database.run("UPDATE inbound SET state = 'lost' WHERE fax_id = '1'")
    claimed = await spool.documents.claim(60)
    assert claimed
    assert claimed[1].message == good.message
    letter = await spool.outbox.claim(60)
    assert letter
    assert letter.letter_id == letters[1].letter_id
    assert [fax.fax_id for fax in await spool.inbound.due("main")] == ["2"]
    assert await spool.inbound.get("main", "1") is None
    assert (await spool.counts()).damaged == {"document": 1, "letter": 1, "inbound": 1}


@only("sqlite")  # where a column takes anything
async def test_a_damaged_message_is_not_worked_on_and_its_sender_is_still_known(
    spool: Spool, mails: Mails, database: Database
) -> None:
    [job] = await mails.accept(spool)
    whole = await spool.intake.message(job.message)
    await database.run("UPDATE message SET received_at = 'then'")
    part = await spool.intake.message(job.message)
    assert whole and part == replace(whole, received_at=0.0)
    assert await spool.documents.claim(60) is None


async def test_every_field_survives(spool: Spool, mails: Mails) -> None:
    job = await mails.submitted(spool, "1")
    full = replace(
        job,
        absences=2,
        cancel_requested=True,
        delay_told=True,
        last_byte_at=7.25,
        pages=4,
        pages_delivered=3,
        recipient_name="Zoë",
    )
    assert await spool.jobs.get(job.queue_id) == job
    stored = await spool.jobs.note(job, full)
    assert await spool.jobs.get(job.queue_id) == stored == replace(full, version=job.version + 1)
