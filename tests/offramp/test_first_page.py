"""What a notification shows of a fax is what the sender's rule wants, and no answer waits for it."""

from __future__ import annotations

import email
import io
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from PIL import Image

from mailfax.render import CannotRender, Renderer
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, Status, status
from tests.offramp.pipeline import Pipeline

pytestmark = pytest.mark.anyio
FAILED = status(Cause.FAILED_THERE, "x-faxcore; Failed", word="Failed")


async def answer(pipeline: Pipeline, job: FaxJob, told: Status = status(Cause.CANCELLED_HERE)) -> EmailMessage:  # noqa: B008 - a constant
    await pipeline.ending.end(job, JobEvent.CANCEL, told)
    [listed] = await pipeline.letters()
    letter = await pipeline.spool.outbox.get(listed.letter_id)
    assert letter is not None
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    assert isinstance(mail, EmailMessage) and not [defect for part in mail.walk() for defect in part.defects]
    return mail


def pictures(mail: EmailMessage) -> list[EmailMessage]:
    return [part for part in mail.walk() if part.get_content_maintype() == "image"]


def files(mail: EmailMessage) -> dict[str, bytes]:
    return {
        str(part.get_filename()): part.get_content()
        for part in mail.walk()
        if part.get_content_disposition() == "attachment"
    }


async def test_the_first_page_is_shown(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    mail = await answer(pipeline, job)
    assert mail.get_content_type() == "multipart/report" and len(list(mail.iter_parts())) == 3
    [shown] = pictures(mail)
    with Image.open(io.BytesIO(shown.get_content())) as image:
        assert image.format == "PNG" and image.width == 360 and image.height > 400
    page = next(part for part in mail.walk() if part.get_content_type() == "text/html").get_content()
    assert f"cid:{shown['Content-ID'].strip('<>')}" in page
    assert len(shown.get_content()) < 60_000 and not files(mail)


async def test_the_pages_are_attached(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567", notice_content="pdf")
    mail = await answer(pipeline, job)
    assert len(list(mail.iter_parts())) == 3, "a report has three parts, whatever is attached (RFC 6522 3)"
    assert files(mail)["fax.pdf"].startswith(b"%PDF") and len(pictures(mail)) == 1


async def test_the_message_is_attached_as_it_came(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567", notice_content="original")
    original = files(await answer(pipeline, job))["original.eml"]
    assert email.message_from_bytes(original)["Message-ID"] == "<1@example.com>"


async def test_what_is_too_large_is_named_and_not_attached(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailfax.offramp.first_page.LARGEST", 10)
    [job] = await pipeline.mail("15551234567", notice_content="pdf")
    mail = await answer(pipeline, job)
    assert not files(mail)
    assert "too large to be attached" in mail.get_body(("plain",)).get_content()  # type: ignore[union-attr]


async def test_nothing_of_the_fax_is_told(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567", subject="HIV test of Jane Roe", notice_content="none")
    document = await pipeline.spool.documents.get(job.message)
    assert document is not None and document.contents
    named = status(Cause.DAMAGED, name="jane-roe.pdf", why="its end is missing")
    mail = await answer(pipeline, job, named)
    whole = mail.as_string()
    for secret in ("HIV", "Jane", "jane", "15551234567", "123 4567", "1234567", document.contents[0]):
        assert secret not in whole, secret
    assert mail["Subject"] == "[TEST] Fax cancelled, not delivered to the number ending in 567"
    assert mail["In-Reply-To"] == "<1@example.com>" and mail["X-Fax-Queue-ID"] == job.queue_id
    assert not pictures(mail) and mail.get_content_type() == "multipart/alternative"


async def test_an_answer_goes_out_without_a_picture_that_can_not_be_made(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: Renderer, *_: object, **__: object) -> tuple[bytes, int]:
        raise CannotRender(FAILED, later=False)

    monkeypatch.setattr(Renderer, "picture", fails)
    [job] = await pipeline.mail("15551234567")
    assert not pictures(await answer(pipeline, job))


async def test_a_fault_of_ours_in_the_picture_keeps_nobody_from_an_answer(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else that report, the oldest that is due, would hold up all others for ever."""

    async def fails(self: Renderer, *_: object, **__: object) -> bytes:
        raise ValueError("a bug")

    monkeypatch.setattr(Renderer, "thumbnail", fails)
    [job] = await pipeline.mail("15551234567")
    assert not pictures(await answer(pipeline, job))


async def test_a_picture_is_made_once(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> None:
    made = []
    thumbnail = Renderer.thumbnail

    async def counted(self: Renderer, *source: object, **more: object) -> bytes:
        made.append(1)
        return await thumbnail(self, *source, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Renderer, "thumbnail", counted)
    first, second = await pipeline.mail("15551234567", "15557654321")
    await pipeline.ending.end(first, JobEvent.CANCEL, status(Cause.CANCELLED_HERE))
    await pipeline.forward(60)
    assert await pipeline.report.round()
    await pipeline.ending.end(second, JobEvent.CANCEL, status(Cause.CANCELLED_HERE))
    assert await pipeline.report.round() and len(made) == 1
