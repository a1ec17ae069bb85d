"""PDF files are checked, and their pages put on the paper of the other side.

In: the bytes of a PDF. Out: pages appended to the document, or ``NotFaxable`` with the name of the file. A file with
a warning is damaged: qpdf "repairs" a truncated one into blank pages without an exception, and those would be faxed.

LIMITS: pages of the whole document.
"""

from __future__ import annotations

import io

import pikepdf

from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: Width and height in points (1/72 inch).
PAPERS = {"letter": (612.0, 792.0), "a4": (595.28, 841.89)}
#: A page this near to the paper is left as it is.
TOLERANCE = 1.0


class Document:
    """The new PDF that all pages go into. An old one would keep claims (PDF/A) that are no longer true."""

    def __init__(self, paper: str, most_pages: int) -> None:
        self._paper, self._most = PAPERS[paper], most_pages
        self._pdf = pikepdf.new()

    @property
    def pages(self) -> int:
        return len(self._pdf.pages)

    def add(self, content: bytes, name: str, *, ours: bool = False) -> None:
        """Append all pages of a PDF; raises ``NotFaxable``. What our own engine wrote is not judged by warnings."""
        with _opened(content, name, strict=not ours) as pdf:
            count = len(pdf.pages)
            if not count:
                raise NotFaxable(status(Cause.DAMAGED, name=name, why="it has no pages"))
            if self.pages + count > self._most:
                raise NotFaxable(status(Cause.TOO_MANY_PAGES, pages=self.pages + count, limit=self._most))
            _flatten(pdf, name)
            for page in pdf.pages:
                self._place(page)
            if pdf.get_warnings() and not ours:
                raise _damaged(name, pdf)

    def save(self) -> bytes:
        """The document as bytes; raises ``NotFaxable`` where nothing came into it."""
        if not self.pages:
            raise NotFaxable(status(Cause.RENDER_FAILED, why="no page came of the mail"))
        file = io.BytesIO()
        self._pdf.remove_unreferenced_resources()
        self._pdf.save(file, object_stream_mode=pikepdf.ObjectStreamMode.generate, compress_streams=True)
        return file.getvalue()

    def _place(self, page: pikepdf.Page) -> None:
        """One page on our paper: upright, shrunk where it is larger, never enlarged, centred."""
        width, height = _size(page)
        paper_width, paper_height = self._paper
        if width > height * 1.05 and width > paper_width:
            # A landscape page lies on its side on a fax: shrunk to the width it would lose a third of its dots.
            page.rotate(90, relative=True)
            width, height = height, width
        if _near(width, paper_width) and _near(height, paper_height) and "/UserUnit" not in page.obj:
            self._pdf.pages.append(page)
            return
        scale = min(1.0, paper_width / width, paper_height / height)
        across, up = width * scale, height * scale
        left, bottom = (paper_width - across) / 2, (paper_height - up) / 2
        # What people see is the crop box; placing goes by the trim box.
        page.trimbox = page.cropbox
        blank = self._pdf.add_blank_page(page_size=self._paper)
        blank.add_overlay(page, pikepdf.Rectangle(left, bottom, left + across, bottom + up))


def count_pages(content: bytes, name: str) -> int:
    """How many pages a received PDF has; raises ``NotFaxable`` where it had to be pieced together."""
    with _opened(content, name, strict=False) as pdf:
        if not len(pdf.pages):
            raise NotFaxable(status(Cause.DAMAGED, name=name, why="it has no pages"))
        return len(pdf.pages)


def _opened(content: bytes, name: str, *, strict: bool = True) -> pikepdf.Pdf:
    try:
        pdf = pikepdf.open(io.BytesIO(content), suppress_warnings=True)
    except pikepdf.PasswordError:
        raise NotFaxable(status(Cause.ENCRYPTED, name=name)) from None
    except pikepdf.PdfError as wrong:
        diagnostic = f"x-mailfax; damaged PDF: {str(wrong)[:100]}"
        raise NotFaxable(status(Cause.DAMAGED, diagnostic, name=name, why="it can't be opened as a PDF")) from None
    warnings = [str(warning) for warning in pdf.get_warnings()]
    if not strict:
        warnings = [warning for warning in warnings if "reconstruct" in warning]
    if warnings:
        raise _damaged(name, pdf)
    return pdf


def _damaged(name: str, pdf: pikepdf.Pdf) -> NotFaxable:
    first = next((str(warning) for warning in pdf.get_warnings()), "warning")
    why = (
        "parts of it are missing or broken, perhaps by an incomplete transfer. "
        "Open it and save or print it anew as PDF if all its pages are there"
    )
    return NotFaxable(status(Cause.DAMAGED, f"x-mailfax; damaged PDF: {first[:100]}", name=name, why=why))


def _flatten(pdf: pikepdf.Pdf, name: str) -> None:
    """What is filled in or annotated becomes part of the page: merging loses what is not."""
    form = pdf.Root.get("/AcroForm")
    if form is not None:
        if "/XFA" in form and pdf.Root.get("/NeedsRendering", False):
            why = 'it is a dynamic form that only its own program can show. Print it "as PDF" and send that'
            raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
        pdf.generate_appearance_streams()
    pdf.flatten_annotations("all")


def _size(page: pikepdf.Page) -> tuple[float, float]:
    """Width and height in points as people see the page: crop box, UserUnit and rotation applied."""
    box = pikepdf.Rectangle(page.cropbox)
    unit = float(page.obj.get("/UserUnit", 1))
    width, height = max(float(box.width) * unit, 1.0), max(float(box.height) * unit, 1.0)
    return (height, width) if int(page.rotation) % 180 else (width, height)


def _near(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE
