"""Whose shapes Chinese characters get: one code point is written differently in China, Taiwan, Japan and Korea.

In: text. Out: a language tag for the engine, and the face of the font with the shapes of that language. What a mail
says itself (``lang``) goes before; this is for those that say nothing.

The face is told, and not left to the engine: it would take the Japanese one and exchange its shapes, of which the
text layer of a PDF then knows no character.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff]")
#: The face of Noto Sans CJK for each language.
FACES = {"": "JP", "ja": "JP", "ko": "KR", "zh-CN": "SC", "zh-TW": "TC", "zh-HK": "HK"}
#: Language tags of mails (BCP 47), by how they begin.
TAGS = (
    (re.compile(r"zh-(hk|hant-hk|mo)", re.IGNORECASE), "zh-HK"),
    (re.compile(r"zh-(tw|hant)", re.IGNORECASE), "zh-TW"),
    (re.compile(r"zh\b", re.IGNORECASE), "zh-CN"),
    (re.compile(r"ja\b", re.IGNORECASE), "ja"),
    (re.compile(r"ko\b", re.IGNORECASE), "ko"),
)
#: Parts of characters that have a code point of their own (CJK Radicals Supplement), and the characters that look so:
#: a font has one glyph for both, and a PDF then says the first. Those from U+2F00 on are known to Unicode.
PARTS = str.maketrans(
    "⺂⺃⺅⺉⺎⺏⺐⺒⺓⺔⺕⺖⺘⺙⺛⺞⺟⺠⺡⺣⺤⺦⺨⺫⺭⺯⺰⺱⺲⺹⺺⺾⺿⻂⻃⻄⻅⻆⻈⻉⻋⻌⻍⻎⻐⻑⻒⻓⻔⻖⻘⻙⻚⻛⻜⻝⻟⻠⻢⻣⻤⻥⻦⻧⻨⻩⻪⻫⻬⻭⻮⻯⻰⻱⻲⻳",
    "乛乚亻刂兀尣尢巳幺彑彐忄扌攵旡歺母民氵灬爫丬犭罒礻糹纟罓罒耂肀艹艹衤覀西见角讠贝车辶辶辶钅長镸长门阝青韦页风飞食飠饣马骨鬼鱼鸟卤麦黄黾斉齐歯齿竜龙龜亀龟",
) | {number: unicodedata.normalize("NFKC", chr(number)) for number in range(0x2F00, 0x2FD6)}
#: What only one language writes, in the order of asking.
MARKS = (("ja", re.compile("[\u3041-\u30ff\uff66-\uff9d]")), ("ko", re.compile("[\uac00-\ud7a3\u1100-\u11ff]")))
#: Different characters looked at: whether they are simplified shows in the first few dozen.
ENOUGH = 500


def language_of(text: str, said: Iterable[str] = ()) -> str:
    """The language tag of text with Chinese characters, of those that are ``said`` the first; "" for text without."""
    han = set(HAN.findall(text)[:ENOUGH])
    if not han:
        return ""
    for tag in said:
        for pattern, language in TAGS:
            if pattern.match(tag):
                return language
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
