"""A mail becomes a document: what the plan decided is drawn, file by file, inside a cell.

In: the bytes of a mail. Out: the document and the facts of ``Rendered`` as JSON values, or ``NotFaxable``.
``DRAWERS`` says who draws what: a drawer appends the pages of its source and returns what it had to leave out of it.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Set
from dataclasses import replace
from typing import Any

from mailfax.render.converted import add_converted
from mailfax.render.converters import ConverterClient
from mailfax.render.html import add_html
from mailfax.render.kinds import AT_FAXCORE, DRAWN, PICTURES, Kind
from mailfax.render.mhtml import add_mhtml
from mailfax.render.pdf import Document
from mailfax.render.picture import draw_picture, more_frames
from mailfax.render.plan import Plan, Source, plan, safe_filename
from mailfax.render.programs import PROGRAM_KINDS, NotConverted
from mailfax.render.raster import fax_tiff
from mailfax.render.smaller import smaller
from mailfax.render.table import add_table
from mailfax.render.terms import Terms, Wishes
from mailfax.render.text import add_text
from mailfax.render.vector import add_svg
from mailfax.render.work import SayAt, Work
from mailfax.render.xml import add_xml
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part, Submission, understand


def _add_pdf(source: Source, work: Work) -> list[str]:
    return work.document.add(source.part.content, source.name)


def _add_picture(source: Source, work: Work) -> list[str]:
    told: list[str] = []
    for page in draw_picture(source.part.content, source.kind, source.name, work.terms.paper, work.terms.pages, told):
        work.document.add(page, source.name)
    return told + more_frames(source.part.content, source.kind, source.name)


DRAWERS: dict[Kind, Callable[[Source, Work], list[str]]] = {
    Kind.PDF: _add_pdf,
    **dict.fromkeys(PICTURES, _add_picture),
    Kind.HTML: add_html,
    Kind.TEXT: add_text,
    Kind.CSV: add_table,
    Kind.XML: add_xml,
    Kind.MHTML: add_mhtml,
    Kind.SVG: add_svg,
    **dict.fromkeys(PROGRAM_KINDS, add_converted),
}


def render(
    raw: bytes,
    terms: Terms,
    wishes: Wishes,
    say_at: SayAt,
    converter: ConverterClient,
    as_words: Set[str] = frozenset(),
) -> tuple[bytes, dict[str, Any]]:
    """The document of one mail, and what is to be known of it. A cell has no folder: nothing is written here.

    ``as_words``: see ``Work``.
    """
    submission, decided = planned(raw, terms, wishes, converter)
    drawn = None
    if decided.untouched is None:
        try:
            drawn = _drawn(decided, submission.images, terms, say_at, converter, as_words)
        except NotConverted as failed:
            # FaxCore may read what our program does not, if it gets the file alone.
            alone = decided.sources[0].kind if len(decided.sources) == 1 else None
            if failed.opened or alone not in AT_FAXCORE:
                raise
            submission, decided = planned(raw, terms, wishes, replace(converter, kinds=converter.kinds - {alone}))
    if decided.untouched is not None:
        content, filename, pages = decided.untouched.part.content, safe_filename(decided.untouched), None
        contents: tuple[str, ...] = (f"{decided.untouched.name}: sent as it is",)
        skipped: tuple[str, ...] = ()
    else:
        assert drawn is not None
        content, pages, contents, skipped = drawn
        filename = "fax.pdf"
        if wishes.document == "tiff":
            say_at("the fax pages")
            content, pages, blank = _fax(content, wishes)
            filename, skipped = "fax.tif", (*skipped, *blank)
        elif len(content) > terms.document_bytes:
            say_at("pages that have to be made smaller")
            content = smaller(content, terms.document_bytes)
    if len(content) > terms.document_bytes:
        raise NotFaxable(status(Cause.DOCUMENT_TOO_BIG, size=len(content), limit=terms.document_bytes))
    return content, {
        "filename": filename,
        "pages": pages,
        "notes": decided.notes,
        "contents": (*(("text of the mail: on the cover page",) if decided.notes else ()), *contents),
        "skipped": (*decided.skipped, *skipped),
        "covered": decided.covered,
        "remarks": decided.remarks,
    }


def _fax(pdf: bytes, wishes: Wishes) -> tuple[bytes, int, list[str]]:
    """The fax pages of a document, how many they are, and what was left out of them."""
    file = io.BytesIO()
    made = fax_tiff(pdf, file, device=wishes.device, down=wishes.down)
    return file.getvalue(), made.pages, [f"page {number}: an empty page at the end" for number in made.blank]


def planned(raw: bytes, terms: Terms, wishes: Wishes, converter: ConverterClient) -> tuple[Submission, Plan]:
    """What will be drawn, and what it is taken from; raises ``NotFaxable``."""
    submission = understand(raw)
    return submission, plan(submission, wishes, DRAWN | converter.kinds, name_unsupported=terms.unsupported == "name")


def _drawn(
    decided: Plan,
    images: dict[str, Part],
    terms: Terms,
    say_at: SayAt,
    converter: ConverterClient,
    as_words: Set[str],
) -> tuple[bytes, int, tuple[str, ...], tuple[str, ...]]:
    document = Document(terms.paper, terms.pages)
    work = Work(images, document, terms, converter, say_at, as_words)
    contents: list[str] = []
    skipped: list[str] = []
    for source in decided.sources:
        say_at(source.name)
        first = document.pages + 1
        told = DRAWERS[source.kind](source, work)
        skipped += told
        last = document.pages
        if last < first:
            if not told:  # a drawer that draws nothing says why
                raise NotFaxable(status(Cause.RENDER_FAILED, why=f'no page came of "{source.name}"'))
            continue
        contents.append(f"{source.name}: page {first}" if first == last else f"{source.name}: pages {first}-{last}")
    if not document.pages:
        why = f"nothing in the mail gives a page ({', '.join(skipped)})"
        raise NotFaxable(status(Cause.RENDER_FAILED, why=why))
    return document.save(), document.pages, tuple(contents), tuple(skipped)
