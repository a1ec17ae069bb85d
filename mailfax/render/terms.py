"""What a cell is told about its work: the same value for the renderer, the foreman and every cell."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Terms:
    """``paper`` is "letter" or "a4"; ``seconds`` is wall time, and bounds the processor time, too."""

    paper: str
    pages: int
    document_bytes: int
    seconds: float
