"""The end of data, the doubled dots and the ends of lines, found in blocks as they come from the network.

In: blocks cut anywhere. Out: the content, and what came after the end mark. Only CRLF.CRLF ends a mail: every other
ending that some server takes for one (LF.LF, CR.CR, LF.CRLF …) is content here, so no second mail hides in a first.

STANDARDS: RFC 5321 4.5.2 (transparency), 4.1.1.4 (end of data), 2.3.8 (line ends).
LIMITS: a dot that a copier doubled after a bare LF stays doubled, for others do not double it there.
"""

from __future__ import annotations

import io
import re

END = b"\r\n.\r\n"
#: A dot at the beginning of a line: doubled, or the end mark. Base64, of which large mails are made, has no dots; in
#: other blocks this finds the first one twice as fast as ``find`` does (Python 3.11: 3 ms for 13.5 MB).
_DOT_FIRST = re.compile(rb"\r\n\.")
_BEGINNINGS_OF_END = tuple(END[:length] for length in range(len(END) - 1, 0, -1))
#: A line end as copiers write it: LF, CR, CRLF, and the CRCRLF of those that mend one too many times. Bounded, so
#: that a million CRs are read once.
_ANY_LINE_END = re.compile(rb"\r{0,2}\n|\r")


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
        dotted = b"." in seen and _DOT_FIRST.search(seen) is not None
        if dotted and (end := seen.find(END)) >= 0:
            return self._decode(seen[: end + 2], dotted), seen[end + len(END) :]
        self._kept = next((start for start in _BEGINNINGS_OF_END if seen.endswith(start)), b"")
        return self._decode(seen[: len(seen) - len(self._kept)], dotted), None

    def _decode(self, decided: bytes, dotted: bool) -> bytes:
        text = decided.replace(b"\r\n.", b"\r\n") if dotted else decided
        virtual = min(self._virtual, len(text))
        self._virtual -= virtual
        return text[virtual:]


class LineEnds:
    """Tells whether every line ends in CRLF, and for copiers (``mends``) makes it so and drops NULs.

    Between blocks it keeps the CRs at the end (at most 2), which may be half a line end: blocks of BDAT are cut
    anywhere. ``wrong`` is true once something was not as it should be.
    """

    def __init__(self, *, mends: bool) -> None:
        self._mends = mends
        self._kept = b""
        self.wrong = False

    def feed(self, block: bytes) -> bytes:
        """What of the content is decided now."""
        if self._mends and b"\0" in block:
            block, self.wrong = block.replace(b"\0", b""), True
        if self._kept:
            block, self._kept = self._kept + block, b""
        if block.endswith(b"\r"):
            length = 2 if block.endswith(b"\r\r") else 1
            block, self._kept = block[:-length], block[-length:]
        return self._read(block)

    def end(self) -> bytes:
        """What was kept, now that nothing follows."""
        kept, self._kept = self._kept, b""
        return self._read(kept)

    def _read(self, block: bytes) -> bytes:
        if line_ends_are_crlf(block):
            return block
        self.wrong = True
        if not self._mends:
            return block
        # Most copiers know no CR at all (measured: 500 MB/s, and 70 with the expression).
        return _ANY_LINE_END.sub(b"\r\n", block) if b"\r" in block else block.replace(b"\n", b"\r\n")


def line_ends_are_crlf(block: bytes) -> bool:
    """Whether every CR and LF in ``block`` is part of a CRLF."""
    # Python's reader of text files tells in one pass what kinds of line ends there are: a third of the time that it
    # takes to count them (3.11: 3.7 ms for 13.5 MB).
    reader = io.IncrementalNewlineDecoder(None, translate=False)
    reader.decode(block.decode("latin-1"), final=True)
    return reader.newlines in (None, "\r\n")
