"""What was filled into a form is written, where the form does not say how it looks and the viewer can't write it.

In: a PDF. Out: the same with those fields written, or ``NotFaxable``. A field without an appearance is written by the
viewer, with fonts of the machine, letter by letter from left to right. So Arabic or Hebrew comes out wrong or not at
all, and other writing does where no font has it: each such character is tried in a field of its own. What the viewer
can't write is laid out here (``writing``).

STANDARDS: ISO 32000-2 12.7.4 (fields), UAX 9 (writing from right to left).
LIMITS: ``MOST_TRIED`` different characters.
"""

from __future__ import annotations

import io
import unicodedata
from collections.abc import Iterator

import pikepdf
from pikepdf import Array, Dictionary, Name
from PIL import Image, ImageChops

from mailfax.render.compare import Place, opened, view
from mailfax.render.writing import write
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

MOST_TRIED = 400
#: Side of the square that a character is tried in, in points, and how many stand in a row.
SIDE, ROW = 20, 20
#: The bit of a field whose letters are not shown (table 228).
PASSWORD = 1 << 13
#: A character that no font has.
NOBODY = "\U0010fff0"
#: From here on letters join, stack or move (Devanagari to Sinhala; Thai stays in its place; Myanmar, Khmer).
JOINING = (range(0x0900, 0x0E00), range(0x1000, 0x10A0), range(0x1780, 0x1800))


def written(pdf: pikepdf.Pdf, name: str) -> bytes | None:
    """The file with what the viewer can't write; None where it can write all. Raises ``NotFaxable``."""
    values = list(_values(pdf))
    strange = {char for _, value in values for char in value if ord(char) > 0xFF and not char.isspace()}
    if not strange:
        return None
    missing = {char for char in strange if _moves(char)} | _undrawn(sorted(strange)[:MOST_TRIED])
    missing |= set(sorted(strange)[MOST_TRIED:])
    if not missing:
        return None
    for field, value in values:
        # What has a look that is to be made anew must not keep the old one, once the others are written.
        if "/AP" in field:
            del field["/AP"]
        if missing.isdisjoint(value):
            continue
        told = (_of_field(field, key) for key in ("/Ff", "/Q"))
        flags, aligned = (each if isinstance(each, int) else 0 for each in told)
        plain = _of_field(field, "/FT") == "/Tx" and not flags & PASSWORD
        if not (plain and write(pdf, field, value, str(_of_field(field, "/DA") or ""), flags, aligned)):
            strange = missing & set(value)
            words = sorted({unicodedata.name(char, "unknown").split()[0].capitalize() for char in strange})
            why = f"a field of its form is filled in with writing that can't be drawn here ({', '.join(words[:5])})"
            raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=f'{why}. Print it "as PDF" and send that'))
    pdf.Root.AcroForm.NeedAppearances = False
    file = io.BytesIO()
    pdf.save(file)
    return file.getvalue()


def _values(pdf: pikepdf.Pdf) -> Iterator[tuple[pikepdf.Object, str]]:
    """Text fields and lists whose look is left to the viewer, and what is in them."""
    form = pdf.Root.get("/AcroForm")
    if not isinstance(form, pikepdf.Dictionary):
        return
    anew = bool(form.get("/NeedAppearances", False))
    for page in pdf.pages:
        notes = page.obj.get("/Annots")
        for note in list(notes) if isinstance(notes, pikepdf.Array) else []:
            if isinstance(note, pikepdf.Dictionary) and (anew or "/AP" not in note):
                value = _of_field(note, "/V") if _of_field(note, "/FT") in ("/Tx", "/Ch") else None
                every = list(value) if isinstance(value, pikepdf.Array) else [value]
                yield from ((note, str(each)) for each in every if isinstance(each, pikepdf.String))


def _of_field(node: pikepdf.Object, key: str) -> object:
    """What a field says, or one above it."""
    for _ in range(50):
        if key in node or not isinstance(node.get("/Parent"), pikepdf.Dictionary):
            break
        node = node.Parent
    return node.get(key)


def _moves(char: str) -> bool:
    return unicodedata.bidirectional(char) in ("R", "AL") or any(ord(char) in part for part in JOINING)


def _undrawn(chars: list[str]) -> set[str]:
    """Those that the viewer draws as it draws a character that no font has."""
    tried = [NOBODY, *chars]
    pdf = pikepdf.new()
    height = (len(tried) // ROW + 1) * SIDE
    sheet = pdf.add_blank_page(page_size=(ROW * SIDE, height))
    corners = [(number % ROW * SIDE, number // ROW * SIDE) for number in range(len(tried))]
    boxes = [(left, top, left + SIDE, top + SIDE) for left, top in corners]
    fields = []
    for char, (left, top, right, bottom) in zip(tried, boxes, strict=True):
        field = Dictionary(
            Type=Name.Annot, Subtype=Name.Widget, FT=Name.Tx, T=f"{left} {top}", V=char, DA="/F1 12 Tf 0 g", F=4
        )
        field.Rect = Array([left, height - bottom, right, height - top])
        fields.append(pdf.make_indirect(field))
    helvetica = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
    sheet.obj.Annots = Array(fields)
    pdf.Root.AcroForm = Dictionary(
        Fields=Array(fields), DA="/F1 12 Tf 0 g", DR=Dictionary(Font=Dictionary(F1=pdf.make_indirect(helvetica)))
    )
    file = io.BytesIO()
    pdf.save(file)
    with opened(file.getvalue()) as shown:
        size = (float(ROW * SIDE), float(height))
        picture = view(shown[0], Place(size, 0, 0, *size), 72)
    nobody, *drawn = [picture.crop(box) for box in boxes]
    blank = Image.new("L", (SIDE, SIDE), 255)
    return {
        char
        for char, seen in zip(chars, drawn, strict=True)
        if any(ImageChops.difference(seen, other).getbbox() is None for other in (nobody, blank))
    }
