"""A document is made once, its attempts are counted before they are made, and what is impossible is told."""

from __future__ import annotations

import base64
import tempfile
from collections.abc import AsyncIterator

import pytest

from mailfax.config import Limits
from mailfax.faxcore.values import FaxUpload, fits
from mailfax.offramp.cover import cover_for
from mailfax.offramp.prepare import Prepare
from mailfax.offramp.report import Report
from mailfax.render import Renderer
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobState
from tests.offramp.pipeline import Pipeline, one_page

pytestmark = pytest.mark.anyio


@pytest.fixture
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(paper="letter", limits=Limits(render_seconds=20))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def prepare(pipeline: Pipeline, renderer: Renderer) -> Prepare:
    return Prepare(pipeline.context, pipeline.fax_accounts, pipeline.ending, renderer)


async def accepted(pipeline: Pipeline, mail: bytes, *, name: str = "") -> FaxJob:
    content = pipeline.spool.content.begin()
    content.write(mail)
    recipient = Recipient("15551234567@fax.local", FaxNumber("15551234567", "15551234567"))
    envelope = Envelope("alice@example.com", (recipient,), Client("test", "127.0.0.1"), Grant("main", name, name))
    header = mail.partition(b"\r\n\r\n")[0] + b"\r\n\r\n"
    queue_id = await pipeline.take(envelope, content, header)
    [job] = await pipeline.spool.jobs.of(queue_id)
    return job


PDF_BESIDE = (
    b"Subject: %s\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n"
    b"--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n%s\r\n"
    b"--b\r\nContent-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
    b"%s\r\n--b--\r\n"
)


async def test_text_that_does_not_fit_beside_long_names_gets_a_page(pipeline: Pipeline, prepare: Prepare) -> None:
    """Notes travel in the query beside the names: what the query has no room for must not be cut there silently."""
    name, text = "Ω" * 32, "ö " * 120
    job = await accepted(
        pipeline, PDF_BESIDE % (("Ω" * 78).encode(), text.encode(), base64.encodebytes(one_page())), name=name
    )
    await prepare.round()
    document = await pipeline.spool.documents.get(job.message)
    message = await pipeline.spool.intake.message(job.message)
    assert document is not None and message is not None
    cover = cover_for(pipeline.account, message, document, job)
    assert fits(FaxUpload(job.number, cover, document.filename, 1))
    # The same text beside short names stands on the cover.
    assert not document.notes and document.pages == 2
    other = await accepted(pipeline, PDF_BESIDE % (b"x", text.encode(), base64.encodebytes(one_page())))
    await prepare.round()
    beside = await pipeline.spool.documents.get(other.message)
    assert beside is not None and beside.notes and beside.pages == 1


async def test_what_can_not_be_faxed_ends_every_recipient_with_its_letter(
    pipeline: Pipeline, prepare: Prepare
) -> None:
    job = await accepted(pipeline, b"Subject: nothing\r\n\r\n")
    assert await prepare.round()
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.FAILED and ended.status is not None and ended.status.code == "5.6.0"
    assert [letter.kind for letter in await pipeline.letters(job.queue_id)] == ["failed"]
    assert not await prepare.round()


async def test_more_pages_than_are_left_fail_with_their_letter(pipeline: Pipeline, prepare: Prepare) -> None:
    grant = Grant("main", payer="alice", pages_per_day=3)
    numbers = ("15551230001", "15551230002")
    for n, ended in ((0, JobState.READY), (1, JobState.FAILED)):
        content = pipeline.spool.content.begin()
        content.write(b"Subject: one page\r\n\r\ntext %d\r\n" % n)
        recipients = tuple(Recipient(f"{number}@fax.local", FaxNumber(number, number)) for number in numbers)
        envelope = Envelope("alice@example.com", recipients, Client("test", "127.0.0.1"), grant)
        queue_id = await pipeline.take(envelope, content, b"Subject: one page\r\n\r\n")
        assert await prepare.round()
        jobs = await pipeline.spool.jobs.of(queue_id)
        assert [job.state for job in jobs] == [ended, ended]
    status = jobs[0].status
    assert status is not None and status.code == "5.7.1"
    assert "it needs 2, and of the 3 that alice may send in a day 1 are left" in status.sentence
    assert await Report(pipeline.context, pipeline.ending).round()
    assert [letter.kind for letter in await pipeline.letters(jobs[0].message)] == ["failed"], "one tells of both"
    assert await pipeline.spool.usage.of("alice") == (4, 2)


async def test_a_document_that_kills_its_worker_three_times_is_given_up(pipeline: Pipeline, prepare: Prepare) -> None:
    """Attempts are committed before each rendering: here the process dies each time before it can say anything."""
    job = await accepted(pipeline, b"Subject: poison\r\n\r\ntext\r\n")
    for _ in range(3):
        assert await pipeline.spool.documents.claim(30.0) is not None
        await pipeline.forward(60)
    assert await prepare.round()
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.FAILED and ended.status is not None
    assert "makes our converter fail" in ended.status.sentence


async def test_our_own_disk_says_nothing_against_a_document(
    pipeline: Pipeline, prepare: Prepare, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = await accepted(pipeline, b"Subject: plain\r\n\r\ntext\r\n")
    monkeypatch.setattr(tempfile, "tempdir", "/nowhere")
    for _ in range(5):
        assert await prepare.round()
        await pipeline.forward(600)
    assert (await pipeline.job(job.queue_id)).state is JobState.ACCEPTED
    monkeypatch.undo()
    assert await prepare.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.READY


async def test_the_same_mail_sent_again_within_a_day_is_not_drawn_again(
    pipeline: Pipeline, prepare: Prepare, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []
    render = renderer.render

    async def watched(source, **more):
        drawn.append(source)
        return await render(source, **more)

    monkeypatch.setattr(renderer, "render", watched)
    body = b"Subject: Offer\r\nFrom: a@example.com\r\n\r\nDear Bob\r\n"
    first = await accepted(pipeline, b"Message-ID: <1@x>\r\n" + body)
    assert await prepare.round()
    second = await accepted(pipeline, b"Message-ID: <2@x>\r\n" + body)
    assert await prepare.round()
    one, two = [await pipeline.spool.documents.get(job.message) for job in (first, second)]
    assert len(drawn) == 1 and one is not None and two is not None
    assert (two.content_id, two.pages, two.contents, two.cover) == (
        one.content_id,
        one.pages,
        one.contents,
        one.cover,
    )
    assert (await pipeline.job(second.queue_id)).state is JobState.READY
    await accepted(pipeline, b"Message-ID: <3@x>\r\n" + body.replace(b"Bob", b"Rob"))
    assert await prepare.round() and len(drawn) == 2
    await pipeline.forward(90_000)
    await accepted(pipeline, b"Message-ID: <4@x>\r\n" + body)
    assert await prepare.round() and len(drawn) == 3
