"""What every drawer is given beside its source."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mailfax.render.converters import Desk
from mailfax.render.pdf import Document
from mailfax.render.terms import Terms
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part

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

    @property
    def room(self) -> int:
        """How many pages may still be drawn."""
        return self.terms.pages - self.document.pages

    def too_many(self, pages: int) -> NotFaxable:
        """The refusal of a file of so many pages."""
        return NotFaxable(status(Cause.TOO_MANY_PAGES, pages=self.document.pages + pages, limit=self.terms.pages))
