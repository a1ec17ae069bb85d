"""The document: pages of PDF files put on the paper of the other side, and judged before they leave.

In: the bytes of a PDF. Out: pages appended to the document, or ``NotFaxable`` with the name of the file. A page is
copied with its lines and letters. When the document is written, each page has to be the same drawing as the one that
was given, or at least the same picture (fields, layers and notes depend on more than the page). Where it is not, the
page becomes a picture of the source, and where that differs, too, the mail is refused.

LIMITS: pages of the whole document.
"""

from __future__ import annotations

import contextlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import pikepdf
import pypdfium2
from PIL import Image
from pypdfium2 import raw

from mailfax.render.compare import LOSS, Place, difference, dots, looks, opened, same
from mailfax.render.extras import UNSEEN, extras
from mailfax.render.fields import written
from mailfax.render.placing import Fit, Shape, as_form, fitted, is_box, near, plain_shape, shape_shown, uncrop
from mailfax.render.repaint import DPI, PAINTERS, Painter
from mailfax.render.sameness import Fingerprints, joined, streams_in
from mailfax.render.streams import damaged
from mailfax.render.whole import Whole, unlocked, whole
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Width and height in points (1/72 inch).
PAPERS = {"letter": (612.0, 792.0), "a4": (595.28, 841.89)}
#: Bytes of streams that came unpacked, from which on they are packed.
MOST_UNPACKED = 50_000
#: Of a page: what is no longer true, or leads to what is not copied.
SHED = ("/Annots", "/AA", "/B", "/Thumb", "/PieceInfo", "/Metadata", "/StructParents", "/Tabs", "/Trans", "/Dur")


#: A file as a viewer shows it, and with all that is drawn over its pages within them.
_AsShown = tuple[pypdfium2.PdfDocument, pikepdf.Pdf]


@dataclass(frozen=True, slots=True)
class _Given:
    """A page that was given: of which file, its number there from 0, how it lies, and what proves it.

    ``fingerprint`` is empty where the page depends on its document; then ``looks`` are its grey dots, deflated.
    """

    name: str
    content: bytes
    number: int
    fit: Fit
    fingerprint: bytes
    looks: bytes

    def seen(self) -> Image.Image:
        if not self.looks:
            with opened(self.content) as source:
                return looks(source[self.number], self.fit.place)
        return Image.frombytes("L", dots(self.fit.place.canvas), zlib.decompress(self.looks))


class Document:
    """The new PDF that all pages go into. An old one would keep claims (PDF/A) that are no longer true."""

    def __init__(self, paper: str, most_pages: int) -> None:
        self._paper, self._most = PAPERS[paper], most_pages
        self._pdf = pikepdf.new()
        self._given: list[_Given] = []
        self._unpacked = 0

    @property
    def pages(self) -> int:
        return len(self._pdf.pages)

    def add(self, content: bytes, name: str) -> list[str]:
        """Append all pages of a PDF; what of it is left out. Raises ``NotFaxable``."""
        pdf, content = unlocked(content, name)
        with pdf:
            count = len(pdf.pages)
            if not count:
                raise NotFaxable(status(Cause.DAMAGED, name=name, why="it has no pages"))
            if self.pages + count > self._most:
                raise NotFaxable(status(Cause.TOO_MANY_PAGES, pages=self.pages + count, limit=self._most))
            found = whole(pdf, content, name)
            left_out = extras(pdf, name)
            shapes = _plain_shapes(found)
            if None not in shapes:
                self._append(found, shapes, None, name)
                return left_out
            if mended := written(pdf, name):
                return self.add(mended, name)
            try:
                with _shown(found, name) as (shown, content), _flattened(content) as flat:
                    self._append(replace(found, content=content), shapes, (shown, flat), name)
            except (pypdfium2.PdfiumError, pikepdf.PdfError) as wrong:
                raise damaged(name, "a page of it can't be shown", str(wrong)) from None
        return left_out

    def save(self) -> bytes:
        """The document as bytes, every page as it was given; raises ``NotFaxable`` where one can't be."""
        if not self.pages:
            raise NotFaxable(status(Cause.RENDER_FAILED, why="no page came of the mail"))
        for painter in PAINTERS:
            content = self._written()
            differing = self._differing(content)
            if not differing:
                return content
            for number in differing:
                self._repaint(number, painter)
        content = self._written()
        for number in self._differing(content):
            given = self._given[number]
            why = f"its page {given.number + 1} comes out differently here. Print it as PDF and send that"
            raise NotFaxable(status(Cause.UNSUPPORTED, name=given.name, why=why))
        return content

    def _written(self) -> bytes:
        file = io.BytesIO()
        # What is packed stays as it is packed: nothing is gained by packing it anew, and pages can be recognized.
        # "compress" packs also what is packed in a way that text can hold, which takes long for little.
        self._pdf.save(
            file,
            object_stream_mode=pikepdf.ObjectStreamMode.generate,
            stream_decode_level=pikepdf.StreamDecodeLevel.none,
            compress_streams=self._unpacked > MOST_UNPACKED,
        )
        return file.getvalue()

    def _differing(self, content: bytes) -> list[int]:
        """The numbers of pages that are not what was given, from 0."""
        with pikepdf.open(io.BytesIO(content)) as made:
            if len(made.pages) != len(self._given):
                why = f"{len(made.pages)} of {len(self._given)} pages came out"
                raise NotFaxable(status(Cause.RENDER_FAILED, why=why))
            prints = Fingerprints()
            doubtful = [
                number for number, given in enumerate(self._given) if not _drawn_as(given, made.pages[number], prints)
            ]
        if not doubtful:
            return []
        try:
            with opened(content) as shown:
                return [number for number in doubtful if not _looks_as(self._given[number], shown[number])]
        except pypdfium2.PdfiumError as wrong:
            first = self._given[doubtful[0]].name
            raise damaged(first, "a page of it can't be shown", str(wrong)) from None

    def _repaint(self, number: int, painter: Painter) -> None:
        """Make a page a picture of its source. It is then judged by the source as finely drawn as it was painted."""
        given = self._given[number]
        with opened(given.content) as source:
            page = painter(source[given.number], given.fit.place)
            fine = looks(source[given.number], given.fit.place, DPI)
        with pikepdf.open(io.BytesIO(page)) as painted:
            self._pdf.pages[number] = painted.pages[0]
        if difference(given.seen(), fine) < 3 * LOSS:
            self._given[number] = replace(given, fingerprint=b"", looks=_packed(fine))

    def _append(self, found: Whole, shapes: list[Shape | None], as_shown: _AsShown | None, name: str) -> None:
        """Put all pages of a file on our paper; those without a plain shape are as shown."""
        self._unpacked += found.unpacked if as_shown is None else len(found.content)
        for number, shape in enumerate(shapes):
            pdf, fingerprint, seen = found.pdf, found.prints[number], b""
            shown = as_shown[0] if as_shown else None
            if shape is None and as_shown is not None:
                shape, fingerprint = shape_shown(pdf.pages[number], as_shown[0][number]), b""
                if "/Annots" in pdf.pages[number]:
                    pdf = as_shown[1]
            assert shape is not None
            fit = fitted(shape, self._paper, name)
            if shown is not None and not fingerprint:
                seen = _packed(looks(shown[number], fit.place))
            self._place(pdf, pdf.pages[number], fit)
            self._given.append(_Given(name, found.content, number, fit, fingerprint, seen))

    def _place(self, pdf: pikepdf.Pdf, page: pikepdf.Page, fit: Fit) -> None:
        """One page on our paper: as it is, or as a form on a new sheet."""
        if not fit.wrapper:
            for key in SHED:
                if key in page.obj:
                    del page.obj[key]
            page.mediabox = page.cropbox = page.trimbox = pikepdf.Array(fit.shape.box)
            page.obj.Rotate = fit.quarters * 90
            self._pdf.pages.append(page)
            return
        form = self._pdf.copy_foreign(as_form(pdf, page, fit.shape.box))
        sheet = self._pdf.add_blank_page(page_size=self._paper)
        sheet.obj.Resources = pikepdf.Dictionary(XObject=pikepdf.Dictionary(P=form))
        sheet.obj.Contents = self._pdf.make_stream(fit.wrapper)


def _plain_shapes(found: Whole) -> list[Shape | None]:
    """The shapes of pages that depend on nothing else of their document; None for the others."""
    if found.warnings or "/OCProperties" in found.pdf.Root:
        return [None] * len(found.pdf.pages)
    return [plain_shape(page) for page in found.pdf.pages]


@contextlib.contextmanager
def _shown(found: Whole, name: str) -> Iterator[tuple[pypdfium2.PdfDocument, bytes]]:
    """The file as a viewer shows it, and its bytes: mended where the viewer can't read it as it came."""
    with contextlib.ExitStack() as stack:
        content = found.content
        try:
            if uncrop(found.pdf):
                raise pypdfium2.PdfiumError("mended")
            shown = stack.enter_context(opened(content))
        except pypdfium2.PdfiumError:
            file = io.BytesIO()
            found.pdf.save(file)
            content = file.getvalue()
            shown = stack.enter_context(opened(content))
        if len(shown) != len(found.pdf.pages):
            counts = f"{len(shown)} or {len(found.pdf.pages)} pages"
            raise damaged(name, "programs do not agree about its pages", counts)
        yield shown, content


@contextlib.contextmanager
def _flattened(content: bytes) -> Iterator[pikepdf.Pdf]:
    """The file with its fields and annotations as part of its pages, drawn by the viewer; ``save`` judges.

    Letters stay letters, also of a field that says nowhere how it looks.
    """
    with opened(content) as shown:
        for page in shown:
            for number in reversed(range(raw.FPDFPage_GetAnnotCount(page))):
                note = raw.FPDFPage_GetAnnot(page, number)
                unseen = raw.FPDFAnnot_GetFlags(note) & UNSEEN
                raw.FPDFPage_CloseAnnot(note)
                if unseen:
                    raw.FPDFPage_RemoveAnnot(page, number)
            raw.FPDFPage_Flatten(page, raw.FLAT_NORMALDISPLAY)
        file = io.BytesIO()
        shown.save(file)
    with pikepdf.open(file) as flat:
        yield flat


def _drawn_as(given: _Given, page: pikepdf.Page, prints: Fingerprints) -> bool:
    """Whether a page of the document is the same drawing as the one that was given."""
    fit, sheet = given.fit, page.obj
    drawing: Any
    if not given.fingerprint:
        return False
    if not fit.wrapper:
        placed = sheet.get("/Rotate", 0) == fit.quarters * 90 and is_box(sheet.get("/MediaBox"), fit.shape.box)
        drawing, operators = sheet, sheet.get("/Contents")
    else:
        drawing = operators = page.resources.get("/XObject", pikepdf.Dictionary()).get("/P")
        contents = sheet.get("/Contents")
        if not isinstance(drawing, pikepdf.Stream) or not isinstance(contents, pikepdf.Stream):
            return False
        placed = contents.read_bytes() == fit.wrapper and is_box(drawing.get("/BBox"), fit.shape.box)
        placed = placed and is_box(sheet.get("/MediaBox"), (0, 0, *fit.place.canvas))
    every = joined(each.read_bytes() for each in streams_in(operators))
    return placed and given.fingerprint == prints.page(every, drawing.get("/Resources"), drawing.get("/Group"))


def _looks_as(given: _Given, page: pypdfium2.PdfPage) -> bool:
    """Whether a page of the document looks like the one that was given."""
    width, height = given.fit.place.canvas
    if not (near(page.get_width(), width) and near(page.get_height(), height)):
        return False
    return same(given.seen(), looks(page, Place((width, height), 0, 0, width, height)))


def _packed(picture: Image.Image) -> bytes:
    return zlib.compress(picture.tobytes(), 1)
