"""The body of a mail: pieces of text and HTML, in their order, joined to one.

In: pieces. Out: the whole body as text, or as HTML.

STANDARDS: RFC 3676 (flowed text).
"""

from __future__ import annotations

import html
from dataclasses import dataclass


@dataclass(slots=True)
class Piece:
    """A piece of the body: as text, as HTML, or as both (multipart/alternative)."""

    text: str | None = None
    html: str | None = None


def joined_text(pieces: list[Piece]) -> str:
    """The whole body as text, or "" where a piece of it exists as HTML only."""
    if any(piece.text is None for piece in pieces):
        return ""
    return "\n\n".join(piece.text.strip("\n") for piece in pieces if piece.text and piece.text.strip())


def joined_html(pieces: list[Piece]) -> str:
    """The whole body as HTML, or "" where no piece of it is."""
    if all(piece.html is None for piece in pieces):
        return ""
    return "\n".join(piece.html if piece.html is not None else _as_html(piece.text or "") for piece in pieces)


def unflowed(text: str, delete_space: bool) -> str:
    """Lines that end in a blank go on in the next one of the same quote depth (RFC 3676 4)."""
    joined: list[list[str]] = []
    depth_before, flows = 0, False
    for line in text.split("\n"):
        depth = len(line) - len(line.lstrip(">"))
        body = line[depth:].removeprefix(" ")
        if flows and depth == depth_before and body != "-- ":
            joined[-1].append(body)
        else:
            joined.append([("> " * depth) + body])
        flows, depth_before = body.endswith(" ") and body != "-- ", depth
        if flows and delete_space:
            joined[-1][-1] = joined[-1][-1][:-1]
    return "\n".join("".join(line) for line in joined)


def _as_html(text: str) -> str:
    return f"<div style='white-space: pre-wrap'>{html.escape(text)}</div>"
