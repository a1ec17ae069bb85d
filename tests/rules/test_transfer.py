"""Transfer encodings are undone, or the part is refused; nothing else."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.transfer import Broken, undone, uublocks

LETTER = b"%PDF-1.4\n% a letter\n"
CODED = base64.b64encode(LETTER)


@pytest.mark.parametrize(
    "coding", [b"base64", b"BASE64;", b'"base64"', b"base64 (coded)", b" Base64 , x", b"(x) base64"]
)
def test_the_first_token_counts(coding: bytes) -> None:
    assert undone(CODED, coding, False).content == LETTER


@pytest.mark.parametrize(
    "body",
    [
        CODED.rstrip(b"="),
        CODED + b"==",
        CODED[:5] + b"\r\n " + CODED[5:7] + b"\t\n" + CODED[7:],
        base64.b64encode(LETTER[:7]) + b"\n" + base64.b64encode(LETTER[7:]),
        CODED.replace(b"+", b"-").replace(b"/", b"_"),
        CODED + b"!!",
        LETTER,
    ],
)
def test_base64_as_it_is_written(body: bytes) -> None:
    assert undone(body, b"base64", False).content == LETTER


@pytest.mark.parametrize("body", [CODED[:-7], CODED[:-4] + b"c", CODED[:9] + b"!#" + CODED[9:], b"hello!"])
def test_base64_that_is_broken_is_refused(body: bytes) -> None:
    with pytest.raises(Broken):
        undone(body, b"base64", False)


def test_words_behind_base64_are_no_part_of_it() -> None:
    found = undone(CODED + b"\r\n-- \r\nScanned by nobody\r\n", b"base64", False)
    assert (found.content, found.after.split()) == (LETTER, [b"--", b"Scanned", b"by", b"nobody"])


def test_an_unknown_coding_is_refused_by_its_name() -> None:
    with pytest.raises(Broken, match="x-gzip64"):
        undone(CODED, b"x-gzip64", False)


def test_quoted_printable_keeps_what_is_no_code() -> None:
    body = b"a =ZZ b = c =\r\nd=C3=BC =3d x="
    assert undone(body, b"quoted-printable", True).content == "a =ZZ b = c dü = x".encode()


@given(st.binary(max_size=200), st.integers(1, 80), st.sampled_from([b"\r\n", b"\n", b" \n", b"\r\r\n"]))
def test_base64_of_any_line_length(content: bytes, length: int, end: bytes) -> None:
    coded = base64.b64encode(content)
    lines = end.join(coded[at : at + length] for at in range(0, len(coded), length))
    assert undone(lines, b"base64", False).content == content


def test_uuencoded_files_in_a_text() -> None:
    text = "ä\nbegin 644 cat.txt\n#0V%T\n`\nend\nBye"
    ((start, end, name, content),) = uublocks(text)
    assert (text[:start] + text[end:], name, content) == ("ä\nBye", "cat.txt", b"Cat")
    assert uublocks("begin 644 x\nand so on, at length\nend\n") == []
    with pytest.raises(Broken, match="no end"):
        uublocks("begin 644 cat.txt\nM" + "A" * 60 + "\n")
