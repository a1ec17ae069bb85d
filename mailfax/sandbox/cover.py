"""The cover page: what SendFax's cover fields look like on paper.

There is one when any of sendername, sendercompany, subject, notes and recpname is not empty (gap A29). A mark at
its foot says that it comes from the sandbox.

LIMITS  Notes that do not fit on the page are cut with a sentence that says so.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from mailfax.sandbox import lettering, raster

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageDraw import ImageDraw

MARGIN = 150
GREY_RULE = 5
MARK = "FaxCore SANDBOX – TEST"


@dataclass(frozen=True, slots=True)
class Cover:
    """What is printed; ``sender`` and ``recipient`` are fax numbers, ``date`` is printed as it is."""

    sendername: str
    sendercompany: str
    sender: str
    recpname: str
    recipient: str
    subject: str
    notes: str
    date: str

    def wanted(self) -> bool:
        return any((self.sendername, self.sendercompany, self.subject, self.notes, self.recpname))

    def to_json(self) -> str:
        """Empty when no cover page is wanted."""
        return json.dumps(asdict(self)) if self.wanted() else ""

    @classmethod
    def from_json(cls, stored: str) -> Cover | None:
        return cls(**json.loads(stored)) if stored else None


def draw(cover: Cover, pages: int) -> Image:
    """The page, grey; ``pages`` counts the cover too."""
    from PIL import Image, ImageDraw

    page = Image.new("L", (raster.WIDTH, raster.LETTER), 255)
    pen = ImageDraw.Draw(page)
    right = raster.WIDTH - MARGIN
    pen.text((MARGIN - 6, 110), "FAX", font=lettering.font(190, lettering.BOLD), fill=0)
    pen.text((right, 206), cover.sendercompany[:60], font=lettering.font(46), fill=0, anchor="rs")
    pen.text((right, 272), cover.date, font=lettering.font(40), fill=0, anchor="rs")
    pen.rectangle((MARGIN, 372, right, 372 + 2 * GREY_RULE), fill=0)

    top = 440
    rows = (
        ("To", cover.recpname),
        ("Fax number", cover.recipient),
        ("From", ", ".join(part for part in (cover.sendername, cover.sendercompany) if part)),
        ("Sent from", cover.sender),
        ("Subject", cover.subject),
        ("Pages", f"{pages}, with this one"),
    )
    for label, text in rows:
        if text:
            top = _row(pen, top, label, text, right)
    if cover.notes:
        pen.rectangle((MARGIN, top + 22, right, top + 22 + GREY_RULE), fill=0)
        pen.text((MARGIN, top + 60), "Notes", font=lettering.font(40, lettering.BOLD), fill=0)
        _notes(pen, top + 130, cover.notes, right)
    _mark(pen, right)
    return page


def _row(pen: ImageDraw, top: int, label: str, text: str, right: int) -> int:
    """One labelled line, wrapped to at most three; returns where the next row begins."""
    face, left = lettering.font(46), MARGIN + 330
    pen.text((MARGIN, top + 4), label, font=lettering.font(40, lettering.BOLD), fill=0)
    wrapped = list(lettering.lines(text, face, right - left))
    if len(wrapped) > 3:
        wrapped = [*wrapped[:2], wrapped[2][:-1] + "…"]
    for line in wrapped:
        pen.text((left, top), line, font=face, fill=0)
        top += 64
    return top + 22


def _notes(pen: ImageDraw, top: int, notes: str, right: int) -> None:
    face, height = lettering.font(42), 60
    wrapped = list(lettering.lines(notes, face, right - MARGIN))
    room = (raster.LETTER - 230 - top) // height
    if len(wrapped) > room:
        wrapped = [*wrapped[: room - 1], f"[{len(wrapped) - room + 1} more lines do not fit on this page]"]
    for line in wrapped:
        pen.text((MARGIN, top), line, font=face, fill=0)
        top += height


def _mark(pen: ImageDraw, right: int) -> None:
    foot = raster.LETTER - 130
    pen.rectangle((MARGIN, foot - 34, right, foot - 34 + 2), fill=0)
    pen.text((MARGIN, foot), MARK, font=lettering.font(34, lettering.BOLD), fill=0)
    pen.text((right, foot), "nothing was dialled", font=lettering.font(34), fill=0, anchor="ra")
