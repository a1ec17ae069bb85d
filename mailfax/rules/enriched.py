"""text/enriched as plain text: the words without their commands.

In: decoded text. Out: the same without commands, its lines joined to paragraphs.

STANDARDS: RFC 1896; text/richtext (RFC 1341) is its forerunner, read the same way.
LIMITS: how words should look (bold, colour, indentation) is lost.
"""

from __future__ import annotations

import re

_COMMAND = re.compile(r"<<|<param>.*?</param>|</?[a-z][a-z0-9-]*>", re.IGNORECASE | re.DOTALL)
_NOT_FILLED = re.compile(r"<nofill>(.*?)(?:</nofill>|\Z)", re.IGNORECASE | re.DOTALL)
_LINE_ENDS = re.compile(r"\n+")


def plain(text: str) -> str:
    """One line end joins two lines, several are one fewer (RFC 1896, section 2); in ``nofill`` they are kept."""
    pieces = _NOT_FILLED.split(text)  # every second one stood in nofill
    pieces[::2] = [_LINE_ENDS.sub(lambda ends: ends[0][1:] or " ", piece) for piece in pieces[::2]]
    return _COMMAND.sub(lambda command: "<" if command[0] == "<<" else "", "".join(pieces))
