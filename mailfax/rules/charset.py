"""Octets become text as browsers read them: by label, by mark, by what they look like; never by luck.

In: octets and the charset that is claimed for them. Out: ``Decoded``: the text, the charset that it was read in, and
whether that was only a guess. An octet that is none in its charset becomes U+FFFD; ``rules/damage.py`` counts those.

STANDARDS: WHATWG Encoding (labels: iso-8859-1 is windows-1252, gb2312 is gb18030, ks_c_5601 is cp949, ...), RFC 1468
(iso-2022-jp; with the half-width kana and the NEC rows that mail programs write into it).
LIMITS: only ``SAMPLE`` octets are looked at for a guess.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass

import webencodings

from mailfax.rules.guess import guess, mistaken
from mailfax.rules.japanese import OWN, is_iso_2022_jp, iso_2022_jp, replaced

#: Octets that a guess is made of: more costs time and tells no more.
SAMPLE = 16_384
#: The codecs of Python that come nearest to what browsers do for an encoding of that name.
CODECS = {
    "big5": "big5hkscs",
    "euc-kr": "cp949",
    "gbk": "gb18030",
    "iso-8859-8-i": "iso8859-8",
    "macintosh": "mac-roman",
    "shift_jis": "cp932",
    "windows-874": "cp874",
    "x-mac-cyrillic": "mac-cyrillic",
}
#: Labels that mail has and the standard of browsers has not, or reads as nothing at all.
LABELS = {
    "cp949": "cp949",
    "windows-949": "cp949",
    "ks_c_5601": "cp949",
    "cp932": "cp932",
    "cp936": "gb18030",
    "cp950": "big5hkscs",
    "cp1250": "cp1250",
    "cp50220": "iso-2022-jp",
    "cp50221": "iso-2022-jp",
    "iso-2022-jp-ms": "iso-2022-jp",
    "iso-2022-jp-1": "iso-2022-jp",
    "iso-2022-jp-2": "iso-2022-jp",
    "iso-2022-jp-3": "iso-2022-jp",
    "iso-2022-kr": "iso2022_kr",
    "hz-gb-2312": "hz",
    "unicode-1-1-utf-7": "utf-7",
    "utf8mb4": "utf-8",
    "eucjp-ms": "euc-jp",
    "cp51932": "euc-jp",
}
#: Codecs of Python that no mail means, whatever its label says.
NO_CHARSETS = frozenset(["idna", "punycode", "unicode-escape", "raw-unicode-escape", "undefined", "mbcs", "oem"])
#: Labels of those who do not know: real ASCII is UTF-8, and the rest must be looked at.
UNKNOWING = frozenset(["", "us-ascii", "ascii", "x-unknown", "unknown-8bit", "unknown", "default", "binary", "8bit"])
#: Labels under which octets of ASCII are ASCII; nearly every header and most texts end here.
PLAIN = frozenset(["", "utf-8", "us-ascii", "iso-8859-1", "windows-1252", "iso-8859-15"])
#: Claimed most often for what is UTF-8 in truth.
LATIN = frozenset(["windows-1252", "windows-1250", "cp1250", "iso-8859-2", "iso-8859-15"])
WIDE = ("utf-16", "utf-32")
MARKS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\x00\x00", "utf-32-le"),
    (b"\x00\x00\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)


@dataclass(frozen=True, slots=True)
class Decoded:
    """``charset`` is the name people know; ``guessed`` means that nothing but its look spoke for it."""

    text: str
    charset: str
    guessed: bool = False


def decode(content: bytes, label: str = "", otherwise: str = "") -> Decoded:
    """The text of ``content``: by a byte order mark, its label, or ``otherwise`` (what the file itself says).

    Octets that are UTF-8 from end to end and are labelled as a charset of one octet a character are UTF-8.
    """
    if content.isascii() and label in PLAIN and b"\x1b" not in content and b"\0" not in content:
        return Decoded(content.decode("ascii"), "ascii")
    for mark, charset in MARKS:
        if content.startswith(mark):
            return Decoded(content[len(mark) :].decode(charset, "replace"), charset)
    claims = [codec for name in (label, otherwise) if (codec := codec_of(name))]
    # Text of UTF-16 has zeros, or octets beyond ASCII: what has neither was recoded, and kept its label.
    claims = [
        codec for codec in claims if not (codec.startswith(WIDE) and content.isascii() and b"\0" not in content)
    ]
    for codec in claims:
        if codec.startswith("utf-16"):
            codec = _order(content, codec)
        text = _strict(content, codec)
        if text is None:
            continue
        if codec not in ("utf-8", "iso-2022-jp", "utf-7") and _is_utf_8(content, 1 if codec in LATIN else 2):
            return Decoded(content.decode("utf-8"), "utf-8")
        if (meant := mistaken(content[:SAMPLE], codec)) and (read := _strict(content, meant)) is not None:
            return Decoded(read, meant, guessed=True)
        return Decoded(text, codec)
    if not claims:
        return _unlabelled(content)
    if _is_utf_8(content, 1):
        return Decoded(content.decode("utf-8"), "utf-8")
    # Not one good character beyond ASCII in what is claimed to be UTF-8: the claim is wrong, not the octets.
    if claims[0] == "utf-8" and not re.search("[^\x00-\x7f\ufffd]", content.decode("utf-8", "replace")):
        return _unlabelled(content)
    codec = _order(content, claims[0]) if claims[0].startswith("utf-16") else claims[0]
    return Decoded(replaced(content, codec), codec)


def codec_of(label: str) -> str:
    """The codec for a charset's label, "" where the label says nothing or names no charset."""
    name = label.strip(" \t\"'").casefold().partition("*")[0]
    if name in UNKNOWING:
        return ""
    if name in LABELS:
        return LABELS[name]
    known = webencodings.lookup(name)
    if known is not None and known.name not in ("replacement", "x-user-defined"):
        return str(CODECS.get(known.name, known.name))
    try:
        info: codecs.CodecInfo = codecs.lookup(name)
    except (LookupError, ValueError):
        return ""
    # rot13 and zlib are codecs and no charsets.
    meant = getattr(info, "_is_text_encoding", True) and info.name.replace("_", "-") not in NO_CHARSETS
    return info.name if meant else ""


def _unlabelled(content: bytes) -> Decoded:
    if content.isascii():
        if is_iso_2022_jp(content):
            return Decoded(iso_2022_jp(content), "iso-2022-jp")
        if _has_zeros_of_utf_16(content):
            codec = _order(content, "utf-16")
            return Decoded(content.decode(codec, "replace"), codec)
        return Decoded(content.decode("ascii"), "ascii")
    text = _strict(content, "utf-8")
    if text is not None:
        return Decoded(text, "utf-8")
    if _has_zeros_of_utf_16(content):
        codec = _order(content, "utf-16")
        return Decoded(content.decode(codec, "replace"), codec)
    # Mostly good UTF-8 with some octets cut off or pasted in: UTF-8.
    read = content.decode("utf-8", "replace")
    bad, good = read.count("\ufffd"), len(re.findall("[\x80-\ufffc]", read))
    if good > 2 * bad:
        return Decoded(read, "utf-8")
    codec = guess(content[:SAMPLE])
    return Decoded(replaced(content, codec), codec, guessed=True)


def _strict(content: bytes, codec: str) -> str | None:
    try:
        if codec not in OWN:
            return content.decode(codec)
        text = OWN[codec](content)
    except (LookupError, ValueError):
        return _of_surrogates(content) if codec == "utf-8" and b"\xed" in content else None
    return None if "\ufffd" in text else text


def _of_surrogates(content: bytes) -> str | None:
    """UTF-8 of pairs of surrogates (CESU-8), as Java writes emoji."""
    try:
        return content.decode("utf-8", "surrogatepass").encode("utf-16", "surrogatepass").decode("utf-16")
    except ValueError:
        return None


def _is_utf_8(content: bytes, least: int) -> bool:
    """Whether octets beyond ASCII are there and all are UTF-8, in at least so many characters."""
    if content.isascii():
        return False
    text = _strict(content, "utf-8")
    return text is not None and sum(not char.isascii() for char in text[:SAMPLE]) >= least


def _has_zeros_of_utf_16(content: bytes) -> bool:
    """Whether every other octet is zero, more or less, and not only where the text was padded."""
    sample = content[:SAMPLE].rstrip(b"\0")
    front, behind = sample[::2].count(b"\0"), sample[1::2].count(b"\0")
    return max(front, behind) * 5 > len(sample) and min(front, behind) * 20 < len(sample) and len(sample) > 1


def _order(content: bytes, codec: str) -> str:
    """UTF-16 without a mark: little-endian (WHATWG), unless the zeros of its ASCII stand in front."""
    if codec not in ("utf-16", "utf-16le", "utf-16-le", "utf-16be", "utf-16-be"):
        return codec
    front, behind = content[:SAMPLE:2].count(b"\0"), content[1:SAMPLE:2].count(b"\0")
    if front == behind:
        return "utf-16-be" if codec in ("utf-16be", "utf-16-be") else "utf-16-le"
    return "utf-16-be" if front > behind else "utf-16-le"
