"""The account of a mail's octets: each is on the fax, or named as left out, or structure; none vanishes.

In: spans of the source and what became of them. Out: what is left over, and the sums.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field


class Use(enum.Enum):
    """What became of octets."""

    FAXED = "on the fax"
    NAMED = "left out and named"
    AGAIN = "the same text once more, in another form"
    STRUCTURE = "headings, boundaries, blank lines, the customary words before the first part"


@dataclass(frozen=True, slots=True)
class Entry:
    """``source[start:end]`` became ``use``; ``name`` is that of the part, where it is one."""

    start: int
    end: int
    use: Use
    name: str = ""


@dataclass(slots=True)
class Ledger:
    """The account of one source: a mail, or a mail that was enclosed in coded form in another."""

    raw: bytes
    entries: list[Entry] = field(default_factory=list)

    def enter(self, start: int, end: int, use: Use, name: str = "") -> None:
        if end > start:
            self.entries.append(Entry(start, end, use, name))

    def missing(self) -> list[tuple[int, int]]:
        """The spans that nobody accounted for and that are more than blank."""
        found, at = [], 0
        for entry in [*sorted(self.entries, key=lambda entry: entry.start), Entry(len(self.raw), 0, Use.STRUCTURE)]:
            if entry.start > at and self.raw[at : entry.start].strip():
                found.append((at, entry.start))
            at = max(at, entry.end)
        return found


def sums(entries: tuple[Entry, ...]) -> dict[Use, int]:
    """Octets by what became of them."""
    return {use: sum(entry.end - entry.start for entry in entries if entry.use is use) for use in Use}
