"""Where a page lies on our paper: upright, shrunk where it is larger, never enlarged, centred.

In: the boxes of a page, and a paper. Out: a ``Fit``. A landscape page is turned: shrunk to the width of a fax it
would lose a third of its dots.

STANDARDS: ISO 32000-2 14.11.2 (boxes), 7.7.3.4 (inherited attributes), 8.3.4 (matrices).
LIMITS: ``LARGEST`` points a page.
"""

from __future__ import annotations

import contextlib
import zlib
from dataclasses import dataclass
from decimal import Decimal

import pikepdf
import pypdfium2

from mailfax.render.compare import Place, bounds
from mailfax.render.sameness import joined, streams_in
from mailfax.render.streams import inherited
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable

#: A page this near to the paper (in points) is left as it is.
TOLERANCE = 1.0
#: The largest page of a PDF (ISO 32000-2 annex C): 5 metres.
LARGEST = 14_400.0
Box = tuple[float, float, float, float]  #: left, bottom, right, top in the units of a page


@dataclass(frozen=True, slots=True)
class Shape:
    """What of a page is seen, before it is rotated by ``quarters`` clockwise; a unit is ``unit`` points."""

    box: Box
    quarters: int
    unit: float


@dataclass(frozen=True, slots=True)
class Fit:
    """How a page lies: ``quarters`` are those of the page and ours. ``wrapper`` draws it as the form ``/P`` on a new
    sheet; it is empty where the page has the size of the paper, and is a page by itself."""

    shape: Shape
    place: Place
    quarters: int
    wrapper: bytes


def fitted(shape: Shape, paper: tuple[float, float], name: str) -> Fit:
    """How a page of this shape lies on ``paper`` (width and height in points); raises ``NotFaxable``."""
    left, bottom, right, top = shape.box
    width, height = max((right - left) * shape.unit, 1.0), max((top - bottom) * shape.unit, 1.0)
    if shape.quarters % 2:
        width, height = height, width
    if max(width, height) > LARGEST:
        metres = max(width, height) / 72 * 0.0254
        why = f"a page of it is {metres:.0f} metres long. Print it on a paper that exists"
        raise NotFaxable(status(Cause.UNSUPPORTED, name=name, why=why))
    turns = int(width > height * 1.05 and width > paper[0])
    if turns:
        width, height = height, width
    quarters = (shape.quarters + turns) % 4
    if near(width, paper[0]) and near(height, paper[1]) and shape.unit == 1:
        return Fit(shape, Place((width, height), 0, 0, width, height, turns), quarters, b"")
    scale = min(1.0, paper[0] / width, paper[1] / height)
    across, up = width * scale, height * scale
    place = Place(paper, (paper[0] - across) / 2, (paper[1] - up) / 2, across, up, turns)
    return Fit(shape, place, quarters, b"q %b cm /P Do Q" % _matrix(shape.box, quarters, scale * shape.unit, place))


def plain_shape(page: pikepdf.Page) -> Shape | None:
    """The shape of a page that has nothing drawn over it, and whose boxes are as they should be; else None."""
    notes = page.obj.get("/Annots")
    over = list(notes) if isinstance(notes, pikepdf.Array) else []
    if any(not isinstance(note, pikepdf.Dictionary) or note.get("/Subtype") != "/Link" for note in over):
        return None
    crop, unit = inherited(page, "/CropBox"), page.obj.get("/UserUnit", 1)
    try:
        outer = box = four(inherited(page, "/MediaBox"))
        if crop is not None:
            box = four(crop)
        quarters, askew = divmod(int(inherited(page, "/Rotate") or 0), 90)
        within = outer[0] <= box[0] < box[2] <= outer[2] and outer[1] <= box[1] < box[3] <= outer[3]
        if askew or not within or not 0 < float(unit) < 1e6:
            return None
    except (TypeError, ValueError):
        return None
    return Shape(box, quarters % 4, float(unit))


def shape_shown(page: pikepdf.Page, shown: pypdfium2.PdfPage) -> Shape:
    """The shape as a viewer makes it of boxes that may be inverted, empty or beyond each other."""
    unit = page.obj.get("/UserUnit", 1)
    known = isinstance(unit, int | Decimal) and 0 < unit < 1e6
    return Shape(bounds(shown), shown.get_rotation() // 90, float(unit) if known else 1.0)


def uncrop(pdf: pikepdf.Pdf) -> bool:
    """Drop each crop box that has nothing of its page in it, as most viewers do; whether there was one."""
    found = False
    for page in pdf.pages:
        with contextlib.suppress(TypeError, ValueError):
            media, crop = four(inherited(page, "/MediaBox")), four(inherited(page, "/CropBox"))
            across = [sorted(box[0::2]) for box in (media, crop)]
            down = [sorted(box[1::2]) for box in (media, crop)]
            if any(max(one[0], two[0]) >= min(one[1], two[1]) for one, two in (across, down)):
                page.obj.CropBox = page.obj.MediaBox = pikepdf.Array(media)
                found = True
    return found


def as_form(pdf: pikepdf.Pdf, page: pikepdf.Page, box: Box) -> pikepdf.Stream:
    """A page of ``pdf`` as a form with its resources (8.10)."""
    operators = joined(each.read_bytes() for each in streams_in(page.obj.get("/Contents")))
    form = pikepdf.Stream(pdf, zlib.compress(operators), Filter=pikepdf.Name.FlateDecode)
    form.Type, form.Subtype, form.BBox = pikepdf.Name.XObject, pikepdf.Name.Form, pikepdf.Array(box)
    for key, value in (("/Resources", inherited(page, "/Resources")), ("/Group", page.obj.get("/Group"))):
        if value is not None:
            form[key] = value
    return form


def four(box: object) -> Box:
    """The sides of a box; raises ``TypeError`` or ``ValueError`` where it is none."""
    left, bottom, right, top = (float(side) for side in box)  # type: ignore[attr-defined]
    return left, bottom, right, top


def is_box(box: object, other: Box) -> bool:
    """Whether ``box`` is one, and the same as the other."""
    with contextlib.suppress(TypeError, ValueError):
        return all(abs(one - side) < 0.01 for one, side in zip(four(box), other, strict=True))
    return False


def near(one: float, other: float) -> bool:
    return abs(one - other) <= TOLERANCE


def _matrix(box: Box, quarters: int, scale: float, place: Place) -> bytes:
    """The operands that turn, shrink and move what is in ``box`` to its place."""
    left, bottom, right, top = box
    x, y = place.left, place.canvas[1] - place.top - place.height
    return (
        b"%.6f %.6f %.6f %.6f %.4f %.4f"
        % (
            (scale, 0, 0, scale, x - left * scale, y - bottom * scale),
            (0, -scale, scale, 0, x - bottom * scale, y + right * scale),
            (-scale, 0, 0, -scale, x + right * scale, y + top * scale),
            (0, scale, -scale, 0, x + top * scale, y - left * scale),
        )[quarters]
    )
