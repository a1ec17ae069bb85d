"""No ``=?...?=`` ever reaches a page."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.encoded_word import decoded_header


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"=?utf-8?q?Gr=C3?=\r\n =?utf-8?q?=BC=C3=9Fe?= K", "Grüße K"),
        (b"=?utf-8?B?R3LD?= =?UTF-8?B?vMOfZQ==?=", "Grüße"),
        (b"=?utf-8?B?R3LDv?= =?utf-8?B?MOfZQ==?=", "Grüße"),  # base64 divided between the words
        (b"=?utf-8?Q?Gr=C3=BC=C3=9Fe aus K=C3=B6ln?=", "Grüße aus Köln"),
        (b"=?utf-8?Q?Gr=C3=BC", "Grü"),
        (b"=?utf-8?B?SW52b2ljZSAxM?=", "Invoice 1"),
        (b"=?utf-8?Hello?=", "Hello"),
        (b"=?utf-8*de?Q?=C3=BC?=", "ü"),
        (b'"=?utf-8?b?w5xiZXJzaWNodC5wZGY=?="', '"Übersicht.pdf"'),
        (b"=?iso-8859-1?Q?Offer_=805.40_=96_final?=", "Offer €5.40 – final"),
        (b"=?utf-8?Q?a?==?utf-8?Q?b?=", "ab"),
        (b"=?utf-8?Q?What=3F=?= end", "What?= end"),
        (b"=?no-such?Q?x?=", "x"),
        (b"Gr\xfc\xdfe", "Grüße"),
        (b"a =? b", "a =? b"),
    ],
)
def test_encoded_words_become_text(value: bytes, text: str) -> None:
    assert decoded_header(value) == text


PIECES = st.sampled_from(
    [b"=?", b"?=", b"utf-8", b"?Q?", b"?B?", b"?", b"=C3", b"=BC", b" ", b"w7w=", b"x", b"\r\n ", b"iso-2022-jp"]
)


@given(st.lists(PIECES, max_size=12))
def test_no_wrapper_is_left(pieces: list[bytes]) -> None:
    text = decoded_header(b"".join(pieces))
    assert not re.search(r"=\?[A-Za-z][\w-]*\?[BQ]\?[^?]*\?=", text)


def test_words_without_an_end_are_read_in_bounded_time() -> None:
    assert len(decoded_header(b"=?u?Q?x" * 100_000)) < 100_000
