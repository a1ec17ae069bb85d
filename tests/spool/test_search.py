"""What a person looks for is found by any part of it, behind any number of faxes, and gone with its fax."""

from __future__ import annotations

import string
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mailfax.rules.job import FaxJob
from mailfax.rules.states import InboundEvent, JobEvent
from mailfax.spool import Spool
from mailfax.spool.connection import give_back
from tests.spool.conftest import Clock, Mails, OpenSpool, only
from tests.support.database import Database

pytestmark = pytest.mark.anyio


async def fax(
    spool: Spool, mails: Mails, number: str = "15551234567", ready: bool = True, **of_message: str
) -> FaxJob:
    """An accepted fax of its own message."""
    message = replace(mails.message(), **of_message)
    content = spool.content.begin()
    content.write(b"Subject: x\r\n\r\n")
    job = mails.job(message, number=number, address=f"{number}@fax.local")
    await spool.intake.accept(message, [job], content)
    if ready:
        claimed = await spool.documents.claim(60)
        assert claimed
        _, document = claimed
        await spool.documents.ready(document, replace(document, filename="a.pdf", pages=1), b"%PDF-1.7")
    return job


async def found(spool: Spool, text: str) -> list[str]:
    jobs, faxes, letters = await spool.queue.find(text)
    return (
        [each.job.queue_id for each in jobs]
        + [each.queue_id for each in faxes]
        + [each.letter_id for each in letters]
    )


@pytest.mark.parametrize("ready", [False, True])
async def test_a_fax_is_found_by_any_part_of_what_is_known_of_it(spool: Spool, mails: Mails, ready: bool) -> None:
    known = dict(sender="Bob@Example.org", subject="Contract 7 (100 %)", header_message_id="<A1b2@mx.example.org>")
    job = await fax(spool, mails, "15557770123", ready, **known)
    other = await fax(spool, mails, ready=ready)
    for text in (
        "7770123", "+1 (555) 777-0123", "bob@", "EXAMPLE.ORG", "tract 7", "100 %", "a1B2@mx", job.queue_id.lower(),
        job.reference.lower(),
    ):  # fmt: skip
        assert await found(spool, text) == [job.queue_id], text
    assert await found(spool, "fax.local") == [other.queue_id, job.queue_id], "the newest first"
    for text in ("1557770123", "7_70123", "%", "tract_7", "nothing like it"):
        assert await found(spool, text) == ([job.queue_id] if text == "%" else []), text


async def test_an_id_of_the_fax_service_is_found_whole(spool: Spool, mails: Mails) -> None:
    job = await mails.submitted(spool, "90210")
    await spool.inbound.listed("main", [received := mails.received("47110815")])
    assert await found(spool, "90210") == [job.queue_id]
    assert await found(spool, "47110815") == [received.queue_id]


async def test_a_received_fax_is_found_by_its_caller_as_soon_as_that_is_known(spool: Spool, mails: Mails) -> None:
    listed = replace(mails.received("11"), caller="")
    await spool.inbound.listed("main", [listed])
    assert await found(spool, "5554443") == []
    [fax_] = await spool.inbound.due("main")
    after = replace(fax_.after(InboundEvent.FETCHED), caller="15554443322")
    await spool.inbound.advance(fax_, after, InboundEvent.FETCHED, content=b"%PDF-1.7")
    assert await found(spool, "555-444-3322") == [listed.queue_id]


async def test_a_letter_is_found_while_it_waits_and_by_its_id(spool: Spool, mails: Mails) -> None:
    letter = mails.letter(recipients=("carol@example.net",))
    await spool.outbox.owe([letter])
    assert await found(spool, "carol@") == [letter.letter_id] == await found(spool, letter.letter_id.lower())


async def test_no_more_than_asked_for_and_the_newest(spool: Spool, mails: Mails) -> None:
    made = [(await fax(spool, mails)).queue_id for _ in range(5)]
    jobs, _, _ = await spool.queue.find("15551234567", 2)
    assert [each.job.queue_id for each in jobs] == made[:2:-1]


async def test_with_a_fax_goes_what_could_be_found_of_it(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    [job] = await mails.ready(spool)
    over = job.after(JobEvent.CANCEL, ended_at=spool.now(), status=None)
    await spool.jobs.advance(job, over, JobEvent.CANCEL)
    assert await database.run("SELECT COUNT(*) FROM searchable") == [(1,)]
    await database.run("DELETE FROM history")
    await database.run("DELETE FROM unheard")
    await database.run("DELETE FROM job")
    assert await database.run("SELECT COUNT(*) FROM searchable") == [(0,)]
    assert await found(spool, "Invoice 12") == []


@only("sqlite")
async def test_the_index_agrees_with_what_it_is_of(spool: Spool, mails: Mails, database: Database) -> None:
    for number in range(30):
        await mails.ready(spool, number=f"1555{number:07d}")
    await database.run("DELETE FROM job WHERE number LIKE '%7'")
    await database.run(
        "INSERT INTO searched (searched, rank) VALUES ('integrity-check', 1)"
    )  # raises where it does not


@only("sqlite")
async def test_the_index_forgets_what_was_deleted(
    spool: Spool, mails: Mails, database: Database, tmp_path: Path
) -> None:
    job = await fax(spool, mails, subject="\u265e\u265c\u265d\u265b", ready=True)
    await fax(spool, mails, ready=True)
    await database.run("DELETE FROM job WHERE queue_id = ?", job.queue_id)
    await database.run("UPDATE message SET subject = ''")
    give_back(tmp_path / "spool.db")
    assert not any("\u265b".encode() in path.read_bytes() for path in tmp_path.glob("spool.db*"))


TEXTS = st.text(string.ascii_letters + string.digits + " %_!.@-'\"*()", min_size=3, max_size=12)


@only("sqlite")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(subjects=st.lists(TEXTS, min_size=1, max_size=4), asked=TEXTS)
async def test_whatever_the_text_is_exactly_its_faxes_are_found(
    subjects: list[str], asked: str, open_spool: OpenSpool, mails: Mails, tmp_path: Path
) -> None:
    """Invariant: a fax is found where its subject has the text, in whatever case, and nowhere else."""
    spool = await open_spool()
    made = {(await fax(spool, mails, subject=subject)).queue_id: subject for subject in subjects}
    mine = {name for name in await found(spool, asked) if name in made}
    having = {name for name, subject in made.items() if asked.lower() in subject.lower()}
    elsewhere = f"15551234567 15551234567@fax.local alice@example.com <1@example.com> {' '.join(made)}".lower()
    assert having <= mine and (mine == having or asked.lower() in elsewhere or asked.strip(" %_!.@-'\"*()").isdigit())
