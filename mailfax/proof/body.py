"""The body of a mail, canonicalized and hashed as it streams by: DKIM without the mail in memory.

In: blocks of the body. Out: SHA-256 and length of its canonical form. ``dkimpy`` wants the whole mail, and holds it
several times (a 50 MB mail: 250 MB and more); its patterns are quadratic in runs of blanks, too.

STANDARDS: RFC 6376 3.4.3 (simple), 3.4.4 (relaxed), 3.7 (bh=).
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

_BLANKS = re.compile(rb"[ \t]+")
_CRLF: Final = b"\r\n"
#: Empty lines are hashed in pieces, however many there are.
_MANY: Final = 16_384


class BodyUnreadable(Exception):
    """The body can't be read now, which says nothing about its signatures."""


class BodyHash:
    """One canonical form of one body. ``update`` takes blocks cut anywhere; ``finish`` ends it, once."""

    def __init__(self, *, relaxed: bool) -> None:
        self._relaxed = relaxed
        self._sha256 = hashlib.sha256()
        self._held = b""  # blanks and a CR, whose meaning the next block decides
        self._empty_lines = 0  # CRLFs that count only if something follows
        self.length = 0

    def update(self, block: bytes) -> None:
        block = self._held + block
        if self._relaxed:
            # Runs first, line ends second: the other way round costs the square of a run's length.
            block = _BLANKS.sub(b" ", block).replace(b" \r\n", _CRLF)
        self._held = self._undecided(block)
        self._take(block[: len(block) - len(self._held)])

    def finish(self) -> bytes:
        """The digest; ``length`` is then the octets of the whole canonical body."""
        self._take(self._held)
        if self.length or not self._relaxed:
            self._count(_CRLF)
        return self._sha256.digest()

    def _undecided(self, block: bytes) -> bytes:
        end = b"\r" if block.endswith(b"\r") else b""
        if self._relaxed and block[: len(block) - len(end)].endswith(b" "):
            return b" " + end
        return end

    def _take(self, block: bytes) -> None:
        """Octets that are surely part of the body, but for the empty lines at their end."""
        text = block.rstrip(_CRLF)
        tail = block[len(text) :]
        lines = len(tail) // 2
        if tail != _CRLF * lines:  # a CR or LF alone is text
            lines = 0
            while tail.endswith(_CRLF):
                tail, lines = tail[:-2], lines + 1
            text += tail
        if text:
            for start in range(0, self._empty_lines, _MANY):
                self._count(_CRLF * min(_MANY, self._empty_lines - start))
            self._count(text)
            self._empty_lines = 0
        self._empty_lines += lines

    def _count(self, block: bytes) -> None:
        self._sha256.update(block)
        self.length += len(block)
