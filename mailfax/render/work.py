"""What every drawer is given beside its source."""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass
from typing import Protocol

from mailfax.render.converters import ConverterClient
from mailfax.render.pdf import Document
from mailfax.render.terms import Terms
from mailfax.rules.status import Cause, status
from mailfax.rules.submission import NotFaxable, Part

NO_CONVERTER = ConverterClient()


class SayAt(Protocol):
    """Tells which file is drawn now, for the case of death; ``engine``: by the engine that lays out HTML."""

    def __call__(self, name: str, *, engine: bool = False) -> None: ...


def silent(name: str, *, engine: bool = False) -> None:
    """Nobody wants to know."""


@dataclass(frozen=True, slots=True)
class Work:
    """``images`` are the pictures of the mail by Content-ID; pages are appended to ``document``.

    ``converter`` is who gets files that programs draw. ``as_words`` are names of HTML of which only the words
    are drawn: the engine did not come back from it.
    """

    images: Mapping[str, Part]
    document: Document
    terms: Terms
    converter: ConverterClient = NO_CONVERTER
    say_at: SayAt = silent
    as_words: Set[str] = frozenset()

    @property
    def room(self) -> int:
        """How many pages may still be drawn."""
        return self.terms.pages - self.document.pages

    def too_many(self, pages: int) -> NotFaxable:
        """The refusal of a file of so many pages."""
        return NotFaxable(status(Cause.TOO_MANY_PAGES, pages=self.document.pages + pages, limit=self.terms.pages))
