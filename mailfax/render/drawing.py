"""A mail becomes a document: what the plan decided is drawn, file by file, inside a cell.

In: the bytes of a mail. Out: the document and the facts of ``Rendered`` as JSON values, or ``NotFaxable``.
``DRAWERS`` says who draws what: a drawer appends the pages of its source and returns what it had to leave out of it.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from mailfax.render.html import add_html
from mailfax.render.kinds import PICTURES, Kind
from mailfax.render.pdf import Document
from mailfax.render.picture import draw_picture, more_frames
from mailfax.render.plan import Plan, Source, plan, safe_filename
from mailfax.render.raster import fax_tiff
from mailfax.render.terms import Terms, Wishes
from mailfax.render.text import add_text
from mailfax.render.work import Work
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part, understand


def _add_pdf(source: Source, work: Work) -> list[str]:
    return work.document.add(source.part.content, source.name)


def _add_picture(source: Source, work: Work) -> list[str]:
    for page in draw_picture(source.part.content, source.kind, source.name, work.terms.paper, work.terms.pages):
        work.document.add(page, source.name)
    return more_frames(source.part.content, source.kind, source.name)


DRAWERS: dict[Kind, Callable[[Source, Work], list[str]]] = {
    Kind.PDF: _add_pdf,
    **dict.fromkeys(PICTURES, _add_picture),
    Kind.HTML: add_html,
    Kind.TEXT: add_text,
}


def render(raw: bytes, terms: Terms, wishes: Wishes, say_at: Callable[[str], None]) -> tuple[bytes, dict[str, Any]]:
    """The document of one mail, and what is to be known of it. A cell has no folder: nothing is written here."""
    submission = understand(raw)
    decided = plan(submission, wishes)
    if decided.untouched is not None:
        content, filename, pages = decided.untouched.part.content, safe_filename(decided.untouched), None
        contents: tuple[str, ...] = (f"{decided.untouched.name}: sent as it is",)
        skipped: tuple[str, ...] = ()
    else:
        content, pages, contents, skipped = _drawn(decided, submission.images, terms, say_at)
        filename = "fax.pdf"
        if wishes.document == "tiff":
            say_at("the fax pages")
            content, pages, blank = _fax(content, wishes)
            filename, skipped = "fax.tif", (*skipped, *blank)
    if len(content) > terms.document_bytes:
        raise NotFaxable(status(Cause.DOCUMENT_TOO_BIG, size=len(content), limit=terms.document_bytes))
    return content, {
        "filename": filename,
        "pages": pages,
        "notes": decided.notes,
        "contents": (*(("text of the mail: on the cover page",) if decided.notes else ()), *contents),
        "skipped": (*decided.skipped, *skipped),
        "covered": decided.covered,
    }


def _fax(pdf: bytes, wishes: Wishes) -> tuple[bytes, int, list[str]]:
    """The fax pages of a document, how many they are, and what was left out of them."""
    file = io.BytesIO()
    made = fax_tiff(pdf, file, device=wishes.device, down=wishes.down)
    return file.getvalue(), made.pages, [f"page {number}: an empty page at the end" for number in made.blank]


def _drawn(
    decided: Plan, images: dict[str, Part], terms: Terms, say_at: Callable[[str], None]
) -> tuple[bytes, int, tuple[str, ...], tuple[str, ...]]:
    document = Document(terms.paper, terms.pages)
    work = Work(images, document, terms)
    contents: list[str] = []
    skipped: list[str] = []
    for source in decided.sources:
        say_at(source.name)
        first = document.pages + 1
        skipped += DRAWERS[source.kind](source, work)
        last = document.pages
        contents.append(f"{source.name}: page {first}" if first == last else f"{source.name}: pages {first}-{last}")
    return document.save(), document.pages, tuple(contents), tuple(skipped)
