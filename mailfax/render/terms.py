"""What a cell is told about its work: terms, which are the same for every mail, and the wishes of one mail."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """``paper`` is "letter" or "a4"; ``seconds`` is wall time, and bounds the processor time, too."""

    paper: str
    pages: int
    document_bytes: int
    seconds: float


#: What notes may cost in a URL, encoded: half of what IIS takes leaves room for names and subject (A30).
NOTES_BYTES = 1200


@dataclass(frozen=True, slots=True)
class Wishes:
    """What its sender's rule and its recipients want of one mail.

    ``cover_page`` is one of ``rules.cover.MODES``; ``notes_bytes`` is what notes on the cover page may cost in a URL,
    encoded: a longer text gets a page of its own, and with 0 every text does. ``body`` "ignore" leaves the text of a
    mail out where it has files.
    """

    cover_page: str = "always"
    notes_bytes: int = NOTES_BYTES
    body: str = "fax"


ORDINARY = Wishes()
