"""The words of RTF, and the HTML that Outlook wraps in it.

In: RTF as octets. Out: text or HTML. Layout, pictures and objects are not read here: ``has_more_than_words`` tells
whether there are any.

STANDARDS: RTF 1.9.1 (characters), MS-OXRTFEX (HTML and plain text encapsulated in RTF).
"""

from __future__ import annotations

import re

from mailfax.rules.charset import codec_of

_TOKEN = re.compile(
    rb"\\'([0-9a-fA-F]{2})|\\([a-zA-Z]+)(-?\d+)? ?|\\([^a-zA-Z])|([{}])|([^\\{}\r\n]+)|[\r\n]+", re.DOTALL
)
#: Groups that hold no words.
_SILENT = frozenset(
    [b"fonttbl", b"colortbl", b"stylesheet", b"info", b"pict", b"object", b"header", b"footer", b"xmlnstbl"]
)
_SIGNS = {
    b"par": "\n", b"line": "\n", b"sect": "\n", b"page": "\f", b"row": "\n", b"cell": "\t", b"tab": "\t",
    b"lquote": "‘", b"rquote": "’", b"ldblquote": "“", b"rdblquote": "”", b"bullet": "•", b"endash": "–",
    b"emdash": "—", b"emspace": " ", b"enspace": " ",
}  # fmt: skip
_ESCAPED = {b"~": "\u00a0", b"_": "\u2011", b"-": "", b"\n": "\n", b"\r": "\n"}


def has_more_than_words(rtf: bytes) -> bool:
    return re.search(rb"\\(?:pict|object|objdata)\b", rtf) is not None


def words_of_rtf(rtf: bytes) -> tuple[str, bool]:
    """What is written in RTF, and whether that is HTML (``\\fromhtml``)."""
    page = rb"\fromhtml" in rtf[:4096]
    named = re.search(rb"\\ansicpg(\d+)", rtf[:4096])
    codec = codec_of(f"cp{named[1].decode()}" if named else "") or "cp1252"
    text: list[str] = []
    octets = bytearray()  # characters of several octets come as several codes
    # Of each group: whether it is silent, whether \htmlrtf hides it, characters to skip after \u.
    state, stack, skip, starred = [False, False, 1], [], 0, False
    for token in _TOKEN.finditer(rtf):
        code, word, number, sign, brace, run = token.groups()
        if code is None and octets:
            text.append(octets.decode(codec, "replace"))
            octets.clear()
        if brace == b"{":
            stack.append(list(state))
        elif brace == b"}":
            state = stack.pop() if stack else state
            starred = False
        elif sign == b"*":
            starred = True
        elif word is not None:
            if starred and not (page and word in (b"htmltag", b"mhtmltag")):
                state[0] = True
            if word in _SILENT or word == b"mhtmltag":
                state[0] = True
            starred = False
            if word == b"htmlrtf":
                state[1] = number != b"0"
            elif word == b"uc":
                state[2] = int(number or 1)
            elif word == b"u" and number and not (state[0] or state[1]):
                text.append(chr(int(number) % 0x10000))
                skip = int(state[2])
            elif word in _SIGNS and not (state[0] or state[1]):
                text.append(_SIGNS[word])
        elif state[0] or state[1]:
            continue
        elif code is not None:
            if skip:
                skip -= 1
            else:
                octets.append(int(code, 16))
        elif sign is not None:
            text.append(_ESCAPED.get(sign, sign.decode("latin-1")))
        elif run is not None:
            text.append(run[skip:].decode(codec, "replace"))
            skip = max(0, skip - len(run))
    text.append(octets.decode(codec, "replace"))
    # Characters beyond the basic plane come as two surrogates.
    return "".join(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace"), page
