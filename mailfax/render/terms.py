"""What a cell is told about its work: the same value for the renderer, the foreman and every cell."""

from __future__ import annotations

from dataclasses import dataclass

#: What notes may cost in a URL, encoded: half of what IIS takes leaves room for names and subject (A30).
NOTES_BYTES = 1200


@dataclass(frozen=True, slots=True)
class Terms:
    """``paper`` is "letter" or "a4"; ``seconds`` is wall time, and bounds the processor time, too."""

    paper: str
    pages: int
    document_bytes: int
    seconds: float
    notes_bytes: int = NOTES_BYTES
