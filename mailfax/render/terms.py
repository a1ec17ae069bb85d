"""What a cell is told about its work: terms, the same for all; the wishes of one mail; the order of one recipient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Terms:
    """``paper`` is "letter" or "a4"; ``seconds`` is wall time, and bounds the processor time, too."""

    paper: str
    pages: int
    document_bytes: int
    seconds: float
    unsupported: str = "refuse"  #: or "name": what can't be faxed is left out and named


#: A thumbnail has twice as many dots as it is shown with, so that it is sharp on every screen: of text about 15 kB.
THUMBNAIL_WIDTH = 360
#: What notes may cost in a URL, encoded: half of what IIS takes leaves room for names and subject (A30).
NOTES_BYTES = 1200


@dataclass(frozen=True, slots=True)
class Wishes:
    """What its sender's rule and its recipients want of one mail.

    ``cover_page`` is one of ``rules.cover.MODES``, ``cover`` who makes it: "service" or "ours". ``notes_bytes`` is
    what notes on the service's may cost in a URL, encoded: a longer text gets a page of its own. With 0 every
    text does, whoever makes the cover page. ``body`` "ignore" leaves the text of a mail out where it has files.
    ``strip`` is what is taken from the end of the text: "signature", "quote".
    ``document`` is "pdf", or "tiff" for fax pages of black and white, with ``down`` lines an inch (196 or 98).
    ``device``: the mail comes from a copier.
    """

    cover_page: str = "always"
    notes_bytes: int = NOTES_BYTES
    body: str = "fax"
    strip: tuple[str, ...] = ()
    cover: str = "service"
    document: str = "pdf"
    down: int = 196
    device: bool = False


ORDINARY = Wishes()


@dataclass(frozen=True, slots=True)
class Front:
    """A cover page of ours, to be drawn: ``pictures`` are base64 by name; ``PAGES`` in ``html`` is their number."""

    html: str
    pictures: dict[str, str]


#: Stands for the number of pages until the cover page is drawn, which may be two: a sign that no text has.
PAGES = "\ue000"
#: Pictures of a cover page by their extension.
PICTURES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".gif": "image/gif"}


@dataclass(frozen=True, slots=True)
class Order:
    """What one recipient gets beside the document. ``paper`` is "letter" or "a4"; ``header`` stands at the left of
    the header line, whose right tells the page; "" is no header line. ``document`` and ``down``: see ``Wishes``."""

    paper: str
    front: Front | None = None
    header: str = ""
    document: str = "pdf"
    down: int = 196

    @classmethod
    def of(cls, told: dict[str, Any]) -> Order:
        """An order as JSON brings it."""
        front = told["front"]
        return cls(**(told | {"front": Front(**front) if front else None}))
