"""The end of data and the doubled dots, found in blocks as they come from the network.

In: blocks cut anywhere. Out: the content, and what came after the end mark. Only CRLF.CRLF ends a mail: every other
ending that some server takes for one (LF.LF, CR.CR, LF.CRLF …) is content here, so no second mail hides in a first.

STANDARDS: RFC 5321 4.5.2 (transparency), 4.1.1.4 (end of data), 2.3.8 (line ends).
"""

from __future__ import annotations

END = b"\r\n.\r\n"
_BEGINNINGS_OF_END = tuple(END[:length] for length in range(len(END) - 1, 0, -1))


class DotReader:
    """Takes blocks, gives content.

    Between blocks it keeps the longest end of what it has seen that could become the end mark (at most 4 bytes).
    Nothing shorter is safe, and nothing longer is needed: whatever was given out is decided.
    """

    def __init__(self) -> None:
        # The CRLF of the DATA command counts as the line end before the first line (RFC 5321 4.1.1.4).
        self._kept = b"\r\n"
        self._virtual = 2

    def feed(self, block: bytes) -> tuple[bytes, bytes | None]:
        """(content so far decided, None), or at the end (the rest of the content, the bytes after the end mark)."""
        seen = self._kept + block
        end = seen.find(END)
        if end >= 0:
            return self._decode(seen[: end + 2]), seen[end + len(END) :]
        self._kept = next((start for start in _BEGINNINGS_OF_END if seen.endswith(start)), b"")
        return self._decode(seen[: len(seen) - len(self._kept)]), None

    def _decode(self, decided: bytes) -> bytes:
        text = decided.replace(b"\r\n.", b"\r\n")
        virtual = min(self._virtual, len(text))
        self._virtual -= virtual
        return text[virtual:]


def line_ends_are_crlf(block: bytes) -> bool:
    """Whether every CR and LF in ``block`` is part of a CRLF. ``DotReader`` never cuts a CRLF in two."""
    pairs = block.count(b"\r\n")
    return block.count(b"\n") == pairs == block.count(b"\r")
