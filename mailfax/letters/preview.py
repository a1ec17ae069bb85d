"""The mail that shows what would be faxed: the pages attached, what is in them, what would be left out.

In: a message, its document, the job that asked for the preview, the PDF. Out: one letter to whoever hears of faxes.

STANDARDS: RFC 3834 3.1 (automatic answers), RFC 2183 (attachment).
"""

from __future__ import annotations

from collections.abc import Sequence

from mailfax.letters import texts
from mailfax.letters.mime import Field, address, date, file_part, mail, text_part, words
from mailfax.letters.outcome import thread
from mailfax.letters.plain import facts, letter_text, listing, moment, one_line, paragraph, phone
from mailfax.letters.site import Marks, Site
from mailfax.rules.job import Document, FaxJob, Letter, Message


def preview(
    site: Site,
    message: Message,
    document: Document,
    job: FaxJob,
    original_header: bytes,
    marks: Marks,
    *,
    content: bytes | None,
    cover: Sequence[tuple[str, str]],
    sandbox: bool,
) -> Letter:
    """The letter. ``content`` is the PDF, or the TIFF of fax pages; None where FaxCore makes the pages. ``cover`` is
    what stands on the service's own cover page, (label, text); without any of it a cover page is ours."""
    text = letter_text(
        paragraph(texts.TEST_TEXT) if sandbox else "",
        paragraph(texts.PREVIEW_HEADLINE),
        paragraph(texts.PREVIEW_ATTACHED if content is not None else texts.PREVIEW_UNTOUCHED),
        facts(
            [
                (texts.ROW_TO, phone(job.number) if job.number else ""),
                (texts.ROW_RECIPIENT, job.recipient_name),
                (texts.ROW_ADDRESS, job.address),
                (texts.ROW_SUBJECT, message.subject),
                (texts.ROW_PAGES, str(job.pages or "")),
                (texts.ROW_RECEIVED, moment(message.received_at, site.zone)),
                (texts.ROW_QUEUE_ID, job.queue_id),
            ]
        ),
        _cover(document, job, cover),
        listing(texts.CONTENTS_HEADING, document.contents),
        listing(texts.SKIPPED_HEADING, document.skipped),
        paragraph(texts.PREVIEW_NEXT),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=job.queue_id)),
    )
    reader = message.hears or site.postmaster
    about = one_line(message.subject)
    subject = f"{texts.PREVIEW_SUBJECT}: {about}" if about else texts.PREVIEW_SUBJECT
    fields: list[Field] = [
        ("From", address("From", texts.GATEWAY_NAME, site.postmaster)),
        ("To", address("To", "", reader)),
        ("Subject", words("Subject", f"{texts.TEST_SUBJECT if sandbox else ''}{subject}")),
        ("Date", date(marks.date)),
        ("Message-ID", marks.message_id),
        *thread(message, original_header),
        ("Auto-Submitted", "auto-replied"),
        ("X-Fax-Outcome", "preview"),
        *([("X-Fax-Number", job.number)] if job.number else []),
        ("X-Fax-Queue-ID", job.queue_id),
    ]
    parts = [text_part(text)]
    if content is not None:
        form = ("preview.pdf", "application/pdf") if content.startswith(b"%PDF") else ("preview.tif", "image/tiff")
        parts.append(file_part(content, *form))
    return Letter(
        letter_id=marks.letter_id,
        kind="preview",
        about=job.queue_id,
        sender="",
        recipients=(reader,),
        message_id=marks.message_id,
        content=mail(fields, parts, kind="multipart/mixed", boundary=marks.letter_id),
        decided_at=marks.date,
        next_attempt_at=marks.date,
    )


def _cover(document: Document, job: FaxJob, cover: Sequence[tuple[str, str]]) -> str:
    if not job.has_cover(document):
        return paragraph(texts.PREVIEW_NO_COVER)
    said = [f"{label}: {text}" for label, text in cover if text]
    return listing(texts.PREVIEW_SERVICE_COVER, said) if said else paragraph(texts.PREVIEW_OWN_COVER)
