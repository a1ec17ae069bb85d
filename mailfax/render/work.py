"""What every drawer is given beside its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailfax.render.converters import Desk
from mailfax.render.pdf import Document
from mailfax.render.terms import Terms
from mailfax.rules.submission import Part

NO_DESK = Desk()


@dataclass(frozen=True, slots=True)
class Work:
    """``images`` are the pictures of the mail by Content-ID; pages are appended to ``document``.

    ``desk`` is where files are handed over that programs draw.
    """

    images: Mapping[str, Part]
    document: Document
    terms: Terms
    desk: Desk = NO_DESK
