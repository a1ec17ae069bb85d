"""Encoded words of headers become text, the broken ones, too: no ``=?...?=`` ever reaches a page.

In: a header's value as octets, unfolded or not. Out: its text, and the charsets that had to be guessed for it.

STANDARDS: RFC 2047 (read leniently: inside quotes, with blanks inside, a character divided between two words, without
its end), RFC 2231 5 (a language after the charset).
"""

from __future__ import annotations

import binascii
import re

from mailfax.rules.charset import decode

_WORD = re.compile(
    rb"=\?([^?\s]*)\?[ \t]*([BbQq])[ \t]*\?(.{0,2000}?)\?=(?=[^0-9A-Fa-f]|$|[0-9A-Fa-f](?![0-9A-Fa-f]))", re.DOTALL
)
#: Neighbours with nothing but blanks between them are one text.
_NEIGHBOURS = re.compile(rb"(\?=)\s+(?==\?[^?\s]*\?[ \t]*[BbQq])")
#: A word whose end is missing goes to the next blank; one without an encoding has text inside.
_UNENDED = re.compile(rb"=\?([^?\s]+)\?[ \t]*([BbQq])[ \t]*\?(\S*)")
_WRAPPER = re.compile(rb"=\?[A-Za-z][\w.:*-]*\?(?:[A-Za-z]\?)?|\?=(?=\s|\"|$)")
#: No value worth reading is longer, and the patterns look ahead.
LONGEST = 65_536
#: How often a value may have been encoded.
MOST_LAYERS = 3
_PART = tuple[str, bytes, bytes]


def decoded_header(value: bytes, guesses: set[str] | None = None) -> str:
    """The text of a header's value. Raw 8-bit (copiers write it) is read as text without a label.

    What was encoded twice (programs that pass on what they did not read) is decoded twice. Charsets that had to be
    guessed are added to ``guesses``.
    """
    guesses = set() if guesses is None else guesses
    text = _decoded_once(value[:LONGEST], guesses)
    for _ in range(MOST_LAYERS - 1):
        if "=?" not in text or not _WORD.search(octets := text.encode("utf-8", "replace")):
            break
        text = _decoded_once(octets, guesses)
    return text


def _read(octets: bytes, guesses: set[str], charset: str = "") -> str:
    found = decode(octets, charset)
    if found.guessed:
        guesses.add(found.charset)
    return found.text


def _decoded_once(value: bytes, guesses: set[str]) -> str:
    if b"\n" in value:
        value = re.sub(rb"\r?\n(?=[ \t])", b"", value)
    if b"=?" not in value:
        return _read(value, guesses)
    value = _NEIGHBOURS.sub(rb"\1", value)
    text: list[str] = []
    run: list[_PART] = []
    at = 0
    for word in _WORD.finditer(value):
        if word.start() > at:
            text += [_joined(run, guesses), _between(value[at : word.start()], guesses)]
            run = []
        charset, coding, inside = word.groups()
        run.append((charset.decode("ascii", "replace").casefold(), coding.upper(), inside))
        at = word.end()
    text += [_joined(run, guesses), _between(value[at:], guesses)]
    return "".join(text)


def _between(value: bytes, guesses: set[str]) -> str:
    """Text between the words, and words that are broken."""
    text: list[str] = []
    at = 0
    for word in _UNENDED.finditer(value):
        charset, coding, inside = word.groups()
        text.append(_read(_WRAPPER.sub(b"", value[at : word.start()]), guesses))
        broken = charset.decode("ascii", "replace").casefold(), coding.upper(), inside.rstrip(b"?=")
        text.append(_joined([broken], guesses))
        at = word.end()
    return "".join(text) + _read(_WRAPPER.sub(b"", value[at:]), guesses)


def _joined(words: list[_PART], guesses: set[str]) -> str:
    """Neighbours of one charset are joined as octets, so that a character divided between them is whole again."""
    text: list[str] = []
    octets, charset_before = b"", ""
    pending = b""  # base64 that goes on in the next word
    for at, (charset, coding, inside) in enumerate(words):
        if charset != charset_before and octets:
            text.append(_read(octets, guesses, charset_before))
            octets = b""
        charset_before = charset
        if coding == b"Q":
            octets += _q(inside)
            continue
        pending += re.sub(rb"[^A-Za-z0-9+/=]", b"", inside.translate(bytes.maketrans(b"-_", b"+/")))
        follows = at + 1 < len(words) and words[at + 1][:2] == (charset, coding)
        if not (follows and len(pending) % 4 and not pending.endswith(b"=")):
            octets += _b(pending)
            pending = b""
    return "".join(text) + (_read(octets, guesses, charset_before) if octets else "")


def _q(inside: bytes) -> bytes:
    # A blank within a character of UTF-8 came from folding.
    inside = re.sub(rb"(=[89A-Fa-f][0-9A-Fa-f])[ \t]+(?==[89ABab][0-9A-Fa-f])", rb"\1", inside)
    return re.sub(rb"=([0-9A-Fa-f]{2})", lambda code: bytes([int(code[1], 16)]), inside.replace(b"_", b" "))


def _b(inside: bytes) -> bytes:
    """Base64 as far as it can be read."""
    bare = inside.rstrip(b"=")
    if b"=" in bare:
        return b"".join(_b(piece) for piece in bare.split(b"=") if piece)
    if len(bare) % 4 == 1:
        bare = bare[:-1]
    return binascii.a2b_base64(bare + b"=" * (-len(bare) % 4))
