"""A mail is stored whole or not at all, and whoever may send it again is told so."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.envelope import Notify
from mailfax.rules.failure import NotSent
from mailfax.spool import QueueIdTaken, ReferenceTaken, Spool
from tests.spool.conftest import only

if TYPE_CHECKING:
    from tests.spool.conftest import Mails, OpenSpool

pytestmark = pytest.mark.anyio


async def test_what_was_accepted_is_there_after_opening_anew(open_spool: OpenSpool, mails: Mails) -> None:
    spool = await open_spool()
    content = spool.content.begin()
    content.write(b"Subject: x\r\n\r\n")
    message = mails.message()
    notify = frozenset({Notify.FAILURE, Notify.DELAY})
    jobs = [mails.job(message, 1, notify=notify, orcpt="rfc822;x@y"), mails.job(message, 2, notify=frozenset())]
    letter = mails.letter(about=message.queue_id, kind="forward", content=b"z" * 100_000)
    stored = await spool.intake.accept(message, jobs, content, [letter])
    await spool.close()

    again = await open_spool()
    assert await again.intake.message(message.queue_id) == stored
    assert await again.jobs.of(message.queue_id) == jobs
    document = await again.documents.get(message.queue_id)
    assert document
    assert (document.state, document.attempts) == ("pending", 0)
    assert await again.content.read(stored.content_id) == b"Subject: x\r\n\r\n"
    owed = await again.outbox.get(letter.letter_id)
    assert owed
    assert replace(owed, content_id="") == letter
    lines = await again.history.of(message.queue_id)
    assert [(line.queue_id, line.event) for line in lines] == [
        (message.queue_id, "accepted"),
        (jobs[0].queue_id, "accepted"),
        (jobs[1].queue_id, "accepted"),
        (message.queue_id, "letter owed"),
    ]


async def test_a_mail_to_the_postmaster_alone_has_no_document(spool: Spool, mails: Mails) -> None:
    message = mails.message()
    await spool.intake.accept(message, (), spool.content.begin(), [mails.letter(kind="forward")])
    assert await spool.documents.get(message.queue_id) is None
    assert await spool.documents.claim(60) is None
    assert (await spool.counts()).letters == {"waiting": 1}


async def test_a_reference_in_use_is_drawn_again_with_the_same_content(spool: Spool, mails: Mails) -> None:
    [first] = await mails.accept(spool, reference="7K3Q2M")
    message = mails.message()
    content = spool.content.begin()
    content.write(b"x" * 100_000)
    job = mails.job(message, reference="7K3Q2M")
    with pytest.raises(ReferenceTaken):
        await spool.intake.accept(message, [job], content, [mails.letter()])
    assert await spool.intake.message(message.queue_id) is None
    assert (await spool.counts()).letters == {}
    stored = await spool.intake.accept(message, [replace(job, reference="8K3Q2M")], content)
    assert await spool.content.read(stored.content_id) == b"x" * 100_000
    assert await spool.jobs.get(first.queue_id) == first


async def test_a_queue_id_in_use_is_drawn_again(spool: Spool, mails: Mails) -> None:
    message = mails.message()
    await spool.intake.accept(message, (), spool.content.begin())
    with pytest.raises(QueueIdTaken):
        await spool.intake.accept(message, (), spool.content.begin())


@only("sqlite")
async def test_a_full_database_is_not_sent_and_nothing_is_stored(spool: Spool, mails: Mails) -> None:
    writing = spool._engine._writing
    [pages] = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(NotSent) as caught:
        await mails.accept(spool, body=b"x" * 60_000)
    assert caught.value.diagnostic == "x-mailfax; disk full"
    writing.execute("PRAGMA max_page_count=1000000")
    assert (await spool.counts()).jobs == {}
    assert len(await mails.accept(spool, body=b"x" * 60_000)) == 1


@only("sqlite")
async def test_a_large_content_goes_when_its_row_surely_did_not_come(
    spool: Spool, mails: Mails, tmp_path: Path
) -> None:
    writing = spool._engine._writing
    [pages] = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(NotSent):
        for _ in range(500):  # small rows fit into pages that are there, for a while
            await mails.accept(spool, body=b"x" * 70_000)
    stored = len(await spool.jobs.listing())
    assert len(list((tmp_path / "content").glob("*/*"))) == stored
