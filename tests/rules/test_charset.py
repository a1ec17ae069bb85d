"""Octets become text as browsers read them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.charset import Decoded, codec_of, decode


@pytest.mark.parametrize(
    ("label", "content", "text"),
    [
        ("iso-8859-1", b"20 \x80 \x96 \x93now\x94", "20 € – “now”"),
        ("ISO-8859-1", b"Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        ("gb2312", "朱镕基€".encode("gb18030"), "朱镕基€"),
        ("ks_c_5601-1987", "뢔".encode("cp949"), "뢔"),
        ("ks_c_5601", "안녕".encode("cp949"), "안녕"),
        ("euc-kr", "뢔".encode("cp949"), "뢔"),
        ("shift_jis", "①㈱".encode("cp932"), "①㈱"),
        ("iso-2022-jp", b"\x1b$B-!-j\x1b(B \x1b(I1\x1b(B \x1b$B8+\x1b(J", "①㈱ ｱ 見"),
        ("iso-2022-jp", b"\x1b$(D0!\x1b(B", "丂"),
        ("euc-jp", b"\xad\xa1 \xb8\xab", "① 見"),
        ("big5", "測試".encode("big5"), "測試"),
        ("iso-8859-8-i", "שלום".encode("iso8859-8"), "שלום"),
        ("x-mac-roman", "Größe".encode("mac-roman"), "Größe"),
        ("koi8-u", "Привіт".encode("koi8-u"), "Привіт"),
        ("utf-7", b"Gr+APw-", "Grü"),
        ("utf-8", b"\xff\xfeG\x00r\x00\xfc\x00", "Grü"),
        ("utf-16", b"G\x00r\x00\xfc\x00", "Grü"),
        ("utf-16", b"\x00G\x00r\x00\xfc", "Grü"),
        ('"utf-8"', "ü".encode(), "ü"),
        ("cp850", "Größe".encode("cp850"), "Größe"),
        ("utf-8", b"Gr\xc3\xbc\xc3\x9fe \xe9", "Grüße \ufffd"),
        ("zlib_codec", b"Hello", "Hello"),
        ("utf-8", b"Gr\xfc\xdfe", "Grüße"),  # no good character: the label is wrong
    ],
)
def test_a_label_means_what_browsers_mean(label: str, content: bytes, text: str) -> None:
    assert decode(content, label).text == text


@pytest.mark.parametrize(
    "label", ["zlib_codec", "rot13", "idna", "punycode", "unicode_escape", "hex", "x", "", "a\0b"]
)
def test_a_codec_is_no_charset(label: str) -> None:
    assert codec_of(label) == ""


@pytest.mark.parametrize(
    ("charset", "text"),
    [
        ("cp1252", "Grüß Gott, Äpfel kosten 5 € – „heute“"),
        ("cp1252", "10 m², 5 µm, ½ Ä"),
        ("cp1251", "Аренда и продажа квартир"),
        ("koi8-r", "Привет мир, как дела"),
        ("cp932", "こんにちは世界。見積書"),
        ("cp932", "見積書"),
        ("euc_jp", "見積書を送ります"),
        ("gb18030", "你好，世界。请看报价"),
        ("big5", "繁體中文報價單請查收"),
        ("cp949", "안녕하세요 세계"),
        ("cp1250", "Zażółć gęślą jaźń, proszę"),
        ("cp1253", "Γειά σου Κόσμε"),
        ("cp1256", "مرحبا بكم في الشركة"),
        ("iso2022_jp", "見積書"),
    ],
)
def test_text_without_a_label_is_read_by_its_look(charset: str, text: str) -> None:
    read = decode(text.encode(charset))
    assert read.text == text
    assert read.guessed is (charset != "iso2022_jp")


def test_utf_8_and_ascii_are_no_guess() -> None:
    assert decode("Grüße".encode()) == Decoded("Grüße", "utf-8", guessed=False)
    assert decode(b"Hello") == Decoded("Hello", "ascii", guessed=False)
    assert decode("Grü".encode("utf-16")) == Decoded("Grü", "utf-16-le", guessed=False)


@given(
    st.binary(max_size=300), st.sampled_from(["", "utf-8", "iso-2022-jp", "euc-jp", "big5", "utf-16", "utf-7", "hz"])
)
def test_any_octets_give_a_text(content: bytes, label: str) -> None:
    assert isinstance(decode(content, label).text, str)
