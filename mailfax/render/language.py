"""Whose shapes Chinese characters get: one code point is written differently in China, Taiwan, Japan and Korea.

In: text. Out: a language tag for the engine, which takes the font of that language. What a mail says itself
(``lang``) goes before; this is for those that say nothing.
"""

from __future__ import annotations

import re

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
#: What only one language writes, in the order of asking.
MARKS = (("ja", re.compile("[\u3041-\u30ff\uff66-\uff9d]")), ("ko", re.compile("[\uac00-\ud7a3\u1100-\u11ff]")))
#: Different characters looked at: whether they are simplified shows in the first few dozen.
ENOUGH = 500


def language_of(text: str) -> str:
    """The language tag of text with Chinese characters; "" for text without."""
    han = set(HAN.findall(text)[:ENOUGH])
    if not han:
        return ""
    for language, mark in MARKS:
        if mark.search(text):
            return language
    # Big5 has the traditional characters, GB 2312 the simplified ones.
    simplified = sum(_in(char, "gb2312") and not _in(char, "big5") for char in han)
    traditional = sum(_in(char, "big5") and not _in(char, "gb2312") for char in han)
    return "zh-TW" if traditional > simplified else "zh-CN"


def _in(char: str, charset: str) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True
