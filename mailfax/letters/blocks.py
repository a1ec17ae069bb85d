"""What a notification says, apart from how it looks: blocks, in the order in which they are read.

In: texts and numbers of any origin. Out: values that ``plain`` writes as text and ``page`` as HTML, both with the
same words. A block without anything in it is None, and left out.
"""

from __future__ import annotations

import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass


class Tone(enum.StrEnum):
    """How a headline is meant."""

    GOOD = "good"
    BAD = "bad"
    OPEN = "open"  #: nobody knows yet, or somebody should look
    PLAIN = "plain"


@dataclass(frozen=True, slots=True)
class Headline:
    text: str
    tone: Tone = Tone.PLAIN
    section: bool = False  #: below another one


@dataclass(frozen=True, slots=True)
class Paragraph:
    """Sentences that are read one after the other."""

    sentences: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.sentences)


@dataclass(frozen=True, slots=True)
class Listing:
    """A heading, and what it announces."""

    heading: str
    entries: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Results:
    """Titles, and what is said of each."""

    rows: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """A page of the fax, as a picture beside the text; programs that show text alone leave it out."""

    caption: str
    content: bytes  #: PNG


Block = Headline | Paragraph | Listing | Facts | Results | Picture


def headline(text: str, tone: Tone = Tone.PLAIN) -> Headline:
    return Headline(text, tone)


def section(text: str, tone: Tone = Tone.PLAIN) -> Headline:
    return Headline(text, tone, section=True)


def paragraph(*sentences: str) -> Paragraph | None:
    """Empty ones are left out."""
    found = tuple(filter(str.strip, sentences))
    return Paragraph(found) if found else None


def listing(heading: str, entries: Iterable[str]) -> Listing | None:
    found = tuple(entries)
    return Listing(heading, found) if found else None


def facts(rows: Sequence[tuple[str, str]]) -> Facts | None:
    """Rows without a value are left out."""
    told = tuple((name, value) for name, value in rows if value)
    return Facts(told) if told else None


def results(rows: Iterable[tuple[str, Sequence[str]]]) -> Results:
    """Empty notes are left out."""
    return Results(tuple((title, tuple(filter(None, notes))) for title, notes in rows))


def picture(caption: str, content: bytes) -> Picture | None:
    return Picture(caption, content) if content else None


def blocks(*found: Block | None) -> tuple[Block, ...]:
    """Those that there are."""
    return tuple(block for block in found if block is not None)
