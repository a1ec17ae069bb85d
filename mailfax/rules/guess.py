"""The charset of a text that nobody tells, by what it looks like.

In: the beginning of a text that is neither ASCII nor UTF-8. Out: the likeliest charset. It is a guess, and is told.
"""

from __future__ import annotations

import re

import charset_normalizer

from mailfax.rules.japanese import replaced

#: What Western text has beyond ASCII in windows-1252. Superscripts and signs count only where no letter touches them:
#: windows-1250 has the letters of Polish there.
WESTERN = re.compile(
    r"(?:[\x00-\x7fÀ-ÖØ-öø-ÿŒœŸŠšŽž€‘’“”„–—…•‹›«»\xa0§©®™°£¡¿·]|(?<![^\W\d_])[±²³¹¼½¾ªº´µ¥¢](?![^\W\d_])"
    r"|(?<=[mM])[²³]|µ(?=[mlgsAVF]\b)|(?<=\d)[ªº])*"
)
#: Charsets of two octets a character that look alike: (codec, pattern of one character, how the usual ones of its
#: language begin, their least share). The first whose text can be read and is usual in that share is meant.
DOUBLE = (
    ("cp932", rb"[\x81-\x9f\xe0-\xfc][\x40-\x7e\x80-\xfc]|[\xa1-\xdf]", rb"[\x82\x83\x88-\x97]", 0.6),
    ("euc-jp", rb"[\xa1-\xfe]{2}", rb"[\xa4\xa5]", 0.2),
    ("cp949", rb"[\x81-\xfe][\x41-\xfe]", rb"[\xb0-\xc8][\xa1-\xfe]", 0.95),
    ("gb18030", rb"[\xa1-\xf7][\xa1-\xfe]", rb"[\xb0-\xd7]", 0.7),
    ("big5hkscs", rb"[\xa1-\xf9][\x40-\x7e\xa1-\xfe]", rb"[\xa4-\xc6]", 0.7),
)
#: Charsets of one octet a character: the letters of their language, the most frequent first.
SINGLE = (
    ("windows-1251", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ"),
    ("koi8-r", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ"),
    ("cp866", "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфёъ"),
    ("windows-1253", "αοιετσνηυρπκμλωςγδχθφβξζψάέήίόύώ"),
    ("windows-1255", "יוהלאתרבשמנדחקעפםסגכטזןצךףץ"),
    ("windows-1256", "اليمونترسبدعفهكقحةجشأطصخذزضغثى"),
)
#: Charsets of one octet a character under whose label the text of another one is sent.
MISTAKEN = frozenset(["windows-1252", "windows-1251", "koi8-r", "windows-1253", "windows-1255", "windows-1256"])
#: What else is tried, by the detector.
GUESSES = ["cp1250", "cp1254", "cp1257", "cp874", "cp1252", "cp850", "mac_roman"]


def guess(sample: bytes) -> str:
    """The likeliest charset. The detector takes German for Polish and short Japanese for Korean, so it comes last."""
    western = sample.decode("windows-1252", "replace")
    letters = [char for char in western if char.isalpha()]
    foreign = sum(not char.isascii() for char in letters)
    if WESTERN.fullmatch(western) and (foreign * 3 < len(letters) or not re.search(r"[^\x00-\x7f]{4}", western)):
        return "windows-1252"
    alphabet = max(SINGLE, key=lambda each: _usual(sample, *each))
    if _usual(sample, *alphabet) > 0.5:
        return alphabet[0]
    for codec, character, usual, least in DOUBLE:
        found = re.findall(character, sample.replace(b"\xa1\xa1", b""))
        signs = [each for each in found if not re.match(rb"[\xa1-\xa3].|\x81.", each, re.DOTALL)]
        if (
            signs
            and sum(map(len, found)) >= 0.98 * sum(octet > 0x7F for octet in sample.replace(b"\xa1\xa1", b""))
            and sum(bool(re.match(usual, each)) for each in signs) >= least * len(signs)
            and replaced(sample, codec).count("\ufffd") <= 1
        ):
            return codec
    if foreign * 2 > len(letters) and _usual(sample, *alphabet) > 0.4:
        return alphabet[0]
    best = charset_normalizer.from_bytes(sample, cp_isolation=GUESSES, threshold=0.4).best()
    return "windows-1252" if best is None else best.encoding.replace("cp125", "windows-125")


def mistaken(sample: bytes, codec: str) -> str:
    """The charset of Cyrillic, Greek, Hebrew or Arabic text with the label of another one, "" where it may be right.

    No Western text has more letters beyond ASCII than within; of the right charset the letters are usual.
    """
    foreign = sum(octet > 0x7F for octet in sample)
    if codec not in MISTAKEN or foreign < 8 or foreign < 2 * len(re.findall(rb"[A-Za-z]", sample)):
        return ""
    best = max(SINGLE, key=lambda each: _usual(sample, *each))
    claimed = max((_usual(sample, *each) for each in SINGLE if each[0] == codec), default=-1.0)
    return best[0] if best[0] != codec and claimed < 0.2 and _usual(sample, *best) > 0.5 else ""


def _usual(sample: bytes, codec: str, letters: str) -> float:
    """How usual the letters beyond ASCII are in the language, from 0 to 1; a capital within a word is not."""
    text = sample.decode(codec, "replace")
    foreign = [char for char in text if not char.isascii() and not char.isspace()]
    within = len(re.findall(r"(?<=[^\W\d_])[^\W\d_]", text))
    capitals = sum(char.isupper() for char in re.findall(r"(?<=[^\W\d_A-Z])[^\W\d_]", text))
    rank = {letter: 1 - at / len(letters) for at, letter in enumerate(letters)}
    points: float = sum(rank.get(char.lower(), -0.5) for char in foreign) / max(1, len(foreign))
    return float(points - capitals / max(1, within))
