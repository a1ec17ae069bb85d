"""The mail that shows what would be faxed: the pages attached, what is in them, what would be left out.

In: a message, its document, the job that asked for the preview, the PDF. Out: one letter to whoever hears of faxes.

STANDARDS: RFC 3834 3.1 (automatic answers), RFC 2183 (attachment).
"""

from __future__ import annotations

from collections.abc import Sequence

from mailfax.letters import texts
from mailfax.letters.blocks import Block, blocks, headline, listing, paragraph
from mailfax.letters.mime import Part, file_part
from mailfax.letters.outcome import thread
from mailfax.letters.site import Marks, Site
from mailfax.letters.writing import fax_facts, language_of, with_subject, written, zone_of
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
    reader = message.hears or site.postmaster
    language = language_of(site, message, reader)
    said = blocks(
        paragraph(texts.TEST_TEXT) if sandbox else None,
        headline(texts.PREVIEW_HEADLINE),
        paragraph(texts.PREVIEW_ATTACHED if content is not None else texts.PREVIEW_UNTOUCHED),
        fax_facts(zone_of(site, message, reader), message, job, pages=str(job.pages or "")),
        _cover(document, job, cover),
        listing(texts.CONTENTS_HEADING, document.contents),
        listing(texts.SKIPPED_HEADING, document.skipped),
        paragraph(texts.PREVIEW_NEXT),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=job.queue_id)),
    )
    files: tuple[Part, ...] = ()
    if content is not None:
        form = ("preview.pdf", "application/pdf") if content.startswith(b"%PDF") else ("preview.tif", "image/tiff")
        files = (file_part(content, *form),)
    return written(
        site,
        marks,
        said,
        files=files,
        to=reader,
        subject=with_subject(language, texts.PREVIEW_SUBJECT, message),
        kind="preview",
        about=job.queue_id,
        numbers=(job.number,) if job.number else (),
        answers=thread(message, original_header),
        sandbox=sandbox,
        language=language,
    )


def _cover(document: Document, job: FaxJob, cover: Sequence[tuple[str, str]]) -> Block | None:
    if not job.has_cover(document):
        return paragraph(texts.PREVIEW_NO_COVER)
    said = [f"{label}: {text}" for label, text in cover if text]
    return listing(texts.PREVIEW_SERVICE_COVER, said) if said else paragraph(texts.PREVIEW_OWN_COVER)
