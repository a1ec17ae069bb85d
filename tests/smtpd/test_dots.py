"""The block reader finds what a plain reader of lines finds, wherever the network cuts."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.smtpd.dots import DotReader, LineEnds, line_ends_are_crlf


def plain_reference(data: bytes) -> tuple[bytes, bytes | None]:
    """RFC 5321 4.5.2 line by line: (content, what follows the end mark, None without one)."""
    content, at = b"", 0
    while True:
        end = data.find(b"\r\n", at)
        line = data[at : end + 2] if end >= 0 else data[at:]
        if line == b".\r\n":
            return content, data[end + 2 :]
        if end < 0:
            return content + line.removeprefix(b"."), None
        content += line.removeprefix(b".")
        at = end + 2


def read(blocks: list[bytes]) -> tuple[bytes, bytes | None, list[bytes]]:
    reader, texts, rest = DotReader(), [], None
    for number, block in enumerate(blocks):
        text, rest = reader.feed(block)
        texts.append(text)
        if rest is not None:
            return b"".join(texts), rest + b"".join(blocks[number + 1 :]), texts
    return b"".join(texts), None, texts


def test_200_000_random_cuts_agree_with_the_plain_reference() -> None:
    chance = random.Random(200_000)
    pieces = [b"\r\n", b".", b"\r", b"\n", b"a", b"\r\n.", b"\r\n.\r\n", b"\0", b".."]
    for _ in range(200_000):
        data = b"".join(chance.choices(pieces, k=chance.randrange(12))) + b"\r\n.\r\n" + chance.choice(pieces)
        blocks, at = [], 0
        while at < len(data):
            step = chance.randint(1, 6)
            blocks.append(data[at : at + step])
            at += step
        content, rest, texts = read(blocks)
        assert (content, rest) == plain_reference(data)
        # A CRLF is never cut, so bare CR and LF can be told block by block.
        assert all(map(line_ends_are_crlf, texts)) == line_ends_are_crlf(content)


@given(st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"x", b"\0"]), max_size=20), st.data())
def test_any_bytes_at_any_cut(parts: list[bytes], data: st.DataObject) -> None:
    """However it is cut, the same bytes come out as from one block."""
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    assert read([whole[:cut], whole[cut:]])[:2] == read([whole])[:2]


@pytest.mark.parametrize(
    ("block", "clean"),
    [(b"a\r\nb\r\n", True), (b"", True), (b"a\nb", False), (b"a\rb", False), (b"\n\r", False), (b"\r\r\n", False)],
)
def test_bare_line_ends_are_seen(block: bytes, clean: bool) -> None:
    assert line_ends_are_crlf(block) is clean


def test_the_reference_knows_the_textbook_case() -> None:
    assert plain_reference(b"..a\r\n.\r\nNOOP") == (b".a\r\n", b"NOOP")
    assert re.fullmatch(rb"\.a\r\n", read([b"..a\r\n.\r\nNOOP"])[0])


def mended(blocks: list[bytes], *, mends: bool = True) -> tuple[bytes, bool]:
    ends = LineEnds(mends=mends)
    text = b"".join(map(ends.feed, blocks)) + ends.end()
    return text, ends.wrong


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        (b"a\r\nb\r\n", b"a\r\nb\r\n"),
        (b"a\nb\n", b"a\r\nb\r\n"),
        (b"a\rb\r", b"a\r\nb\r\n"),
        (b"a\r\r\nb", b"a\r\nb"),
        (b"a\r\r\r\nb", b"a\r\n\r\nb"),
        (b"a\n\rb", b"a\r\n\r\nb"),
        (b"a\0b\r\0\nc", b"ab\r\nc"),
        (b"\0", b""),
    ],
)
def test_a_copiers_lines_are_mended_wherever_they_are_cut(came: bytes, kept: bytes) -> None:
    for cut in range(len(came) + 1):
        for second in range(cut, len(came) + 1):
            assert mended([came[:cut], came[cut:second], came[second:]]) == (kept, came != kept)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"x"]), max_size=20), st.data())
def test_mending_is_the_same_at_any_cut_and_leaves_nothing_to_mend(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    once, wrong = mended([whole])
    assert mended([whole[:cut], whole[cut:]]) == (once, wrong)
    assert mended([once]) == (once, False) and wrong is (once != whole)


@given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"\0", b"x"]), max_size=20), st.data())
def test_other_peoples_lines_are_told_and_not_touched(parts: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(parts)
    cut = data.draw(st.integers(0, len(whole)))
    assert mended([whole[:cut], whole[cut:]], mends=False) == (whole, not line_ends_are_crlf(whole))


def test_a_million_carriage_returns_are_read_once() -> None:
    assert mended([b"\r" * 1_000_000])[0] == b"\r\n" * 1_000_000
