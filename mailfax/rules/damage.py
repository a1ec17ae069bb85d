"""Damage in decoded text: characters that are none. Few are named, more are a reason to refuse.

In: a text. Out: how many of its characters are damage.

STANDARDS: U+FFFD stands for octets that are no character of their charset; C0 and C1 controls are no characters of a
text, but for line ends, tabs, form feeds (a new page), vertical tabs, NEL and the end mark of DOS (^Z).
"""

from __future__ import annotations

import re

#: More than so many, and more than this share of the text, and nobody knows what the text says.
FEW, SHARE = 3, 0.01
_DAMAGE = re.compile("[\ufffd\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ufffe\uffff\ud800-\udfff]")


def damaged_in(text: str) -> int:
    """How many characters of ``text`` are damage."""
    return len(_DAMAGE.findall(text))


def is_more_than_a_few(damaged: int, text: str) -> bool:
    return damaged > FEW and damaged > SHARE * len(text.strip())


def tidied(text: str) -> str:
    """Line ends as "\\n"; without the zeros that pad a text at its end, and the end mark of DOS."""
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x0b", "\n").replace("\x85", "\n")
    return re.sub(r"[\0\x1a\s]*[\0\x1a]\s*\Z", "\n", text) if text.rstrip()[-1:] in ("\0", "\x1a") else text
