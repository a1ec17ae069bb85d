"""What of a fax goes along with the notification about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """``picture``: its first page as a PNG. ``pdf``: its pages. ``original``: the message as it came. Each may be
    empty; ``too_large``: what the sender's rule wants is larger than a mail should be."""

    picture: bytes = b""
    pdf: bytes = b""
    original: bytes = b""
    too_large: bool = False


NOTHING_SHOWN = Shown()
