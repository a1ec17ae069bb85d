"""Whether a PDF is whole, and no larger than it may be: its end, its pages, and every stream that they draw.

In: the bytes of a PDF. Out: the PDF with its pages, readable without a password, or ``NotFaxable`` with the name of
the file. A warning alone proves nothing: 136 of 141 real files with one were good, while qpdf "repairs" a truncated
file into blank pages. So a file with a warning has to show that nothing is gone that its pages refer to.

STANDARDS: ISO 32000-2 7.5 (structure of a file), 7.6 (encryption).
LIMITS: those of ``streams``.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

import pikepdf

from mailfax.render.sameness import ASIDE
from mailfax.render.streams import Inspection, damaged
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

NUMBERED = re.compile(rb"(\d+)\s+\d+\s+obj\b(.*?)(?:\bendobj\b|\bstream\b)", re.DOTALL)
#: Warnings of qpdf after which something of an object is gone.
LOSING = re.compile(r"treating stream as empty|giving up on reading|unknown token while reading object")
OBJECT = re.compile(r"\(object (\d+) ")
KEY_OR_REFERENCE = re.compile(rb"/([A-Za-z0-9]+)|\b(\d+)\s+\d+\s+R\b")


@dataclass(frozen=True, slots=True)
class Whole:
    """A PDF that is whole: ``content`` is its bytes without encryption, ``prints`` the fingerprints of its pages,
    ``warnings`` what the parser complained of, ``unpacked`` the bytes of streams that are not packed."""

    pdf: pikepdf.Pdf
    content: bytes
    prints: tuple[bytes, ...]
    warnings: tuple[str, ...]
    unpacked: int


def whole(pdf: pikepdf.Pdf, content: bytes, name: str) -> Whole:
    """Look at all that the pages of an ``unlocked`` PDF draw; raises ``NotFaxable`` where a part of it is missing."""
    inspection = Inspection(pdf, name)
    try:
        prints = inspection.look()
        if not has_its_end(content):
            inspection.damaged("its end is missing, perhaps by an incomplete transfer")
        if inspection.warnings and _gone(content, pdf, inspection):
            inspection.damaged("parts of it are missing or broken, perhaps by an incomplete transfer")
    except (pikepdf.PdfError, RuntimeError, TypeError, ValueError, AttributeError) as wrong:
        raise damaged(name, "its pages can't be read", str(wrong)) from None
    return Whole(pdf, content, tuple(prints), tuple(inspection.warnings), inspection.unpacked)


def unlocked(content: bytes, name: str) -> tuple[pikepdf.Pdf, bytes]:
    """The opened PDF, and its bytes without encryption; raises ``NotFaxable``."""
    try:
        pdf = _opened(content)
    except pikepdf.PasswordError:
        if not _attachments_only(content):
            raise NotFaxable(status(Cause.ENCRYPTED, name=name)) from None
        return unlocked(content.replace(b"/Encrypt", b"/Encrypx"), name)
    except pikepdf.PdfError as wrong:
        raise damaged(name, "it can't be opened as a PDF", str(wrong)) from None
    if not pdf.is_encrypted:
        return pdf, content
    if not has_its_end(content):
        raise damaged(name, "its end is missing, perhaps by an incomplete transfer", "no startxref at the end")
    file = io.BytesIO()
    with pdf:
        pdf.save(file)
    return unlocked(file.getvalue(), name)


def _opened(content: bytes) -> pikepdf.Pdf:
    """The file by its table of objects, or else by looking for all of them."""
    try:
        return pikepdf.open(io.BytesIO(content), suppress_warnings=True)
    except pikepdf.PasswordError:
        raise
    except pikepdf.PdfError:
        # The table may be there and tell nonsense (its first number off by one); qpdf looks only where there is none.
        return pikepdf.open(io.BytesIO(content.replace(b"startxref", b"startx---")), suppress_warnings=True)


def _attachments_only(content: bytes) -> bool:
    """Whether only embedded files are encrypted: the filters of streams and strings are Identity (7.6.6)."""
    filters = re.search(rb"/EFF\s*/(?!Identity)\w+", content)
    pages = re.search(rb"/Stm[Ff]\s*/(?!Identity)\w+|/Str[Ff]\s*/(?!Identity)\w+", content)
    return bool(filters and not pages and b"/Encrypt" in content)


def has_its_end(content: bytes) -> bool:
    """Whether nothing begins after the last mark of an end: else a later version of the pages was cut off."""
    last = content.rfind(b"startxref")
    return last >= 0 and not re.search(rb"\d\s+\d+\s+obj\b", content[last:])


def _gone(content: bytes, pdf: pikepdf.Pdf, inspection: Inspection) -> bool:
    """Whether the pages draw objects that are nowhere in the file, or of which the parser lost something.

    qpdf takes them for null and hides them from its dictionaries, so the text of the file is read.
    """
    bodies: dict[int, bytes] = {}
    for match in NUMBERED.finditer(content):
        number = int(match[1])
        bodies[number] = match[2]
        if b"/ObjStm" in match[2]:
            bodies |= _inside(pdf, number)
    drawn = inspection.reached
    for number in drawn & bodies.keys():
        key = ""
        for name, to in KEY_OR_REFERENCE.findall(bodies[number]):
            if name:
                key = "/" + name.decode()
            elif key not in ASIDE:
                drawn.add(int(to))
    lost = {int(number) for said in inspection.warnings if LOSING.search(said) for number in OBJECT.findall(said)}
    return bool(drawn - bodies.keys() or drawn & lost)


def _inside(pdf: pikepdf.Pdf, number: int) -> dict[int, bytes]:
    """The objects of an object stream (7.5.7); none where it can't be read."""
    stream = pdf.get_object(number, 0)
    if not isinstance(stream, pikepdf.Stream):
        return {}
    try:
        unpacked, first = stream.read_bytes(), int(stream.First)
    except (pikepdf.PdfError, AttributeError):
        return {}
    pairs = [int(value) for value in unpacked[:first].split() if value.isdigit()]
    starts = [first + start for start in pairs[1::2]]
    ends = [*starts[1:], len(unpacked)]
    return {pair: unpacked[start:end] for pair, start, end in zip(pairs[::2], starts, ends, strict=False)}
