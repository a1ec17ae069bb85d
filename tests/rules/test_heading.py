"""What a header tells, and that no header loses a mail."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.heading import one_line, read_heading


@pytest.mark.parametrize(
    ("line", "subject"),
    [
        (b"Subject: Invoice 12", "Invoice 12"),
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Grüße"),
        (b"Subject: Gr\xc3\xbc\xc3\x9fe", "Grüße"),
        (b"Subject: Gr\xfc\xdfe", "Grüße"),
        (b"Subject: two\r\n lines", "two lines"),
        (b"Subject: =?no-such-charset?q?x?=", "x"),
        (b"Subject: =?utf-8?B?SW52b2ljZSAxM?=", "Invoice 1"),
        (b"Subject: bell\x07rings", "bell rings"),
        (b"X: y", ""),
    ],
    ids=str,
)
def test_the_subject_in_whatever_charset_on_one_line(line: bytes, subject: str) -> None:
    assert read_heading(line + b"\r\n\r\n").subject == subject


def test_names_belong_to_their_own_address_only() -> None:
    header = (
        b'To: "Bob Builder" <15551234567@Fax.Local>, 15557654321@fax.local\r\n'
        b"Cc: =?utf-8?q?J=C3=BCrgen?= <15550001111@fax.local>, 15552223333@fax.local <15552223333@fax.local>,\r\n"
        b" =?utf-8?q?Builder=2C_Ann?= <15554445555@fax.local>\r\n\r\n"
    )
    assert read_heading(header).names == {
        "15551234567@fax.local": "Bob Builder",
        "15550001111@fax.local": "Jürgen",
        "15554445555@fax.local": "Builder, Ann",
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (b"<1@example.com>", "<1@example.com>"),
        (b"  <1@example.com>  ", "<1@example.com>"),
        (b"1@example.com", ""),
        (b"<1 2@example.com>", ""),
        (b"<" + b"x" * 300 + b"@example.com>", ""),
    ],
)
def test_only_a_message_id_that_may_be_quoted_is_kept(given: bytes, kept: str) -> None:
    assert read_heading(b"Message-ID: " + given + b"\r\n\r\n").message_id == kept


@given(st.binary(max_size=2000))
def test_any_bytes_are_read(header: bytes) -> None:
    for block in (header, b"Subject: " + header, b"To: " + header, b"Message-ID: " + header):
        heading = read_heading(block)
        assert "\n" not in heading.subject and "\r" not in heading.subject
        assert all(name.isprintable() for name in heading.names.values())


def test_comments_nested_to_hurt_give_no_names() -> None:
    heading = read_heading(b"Subject: Offer\r\nTo: " + b"(" * 3000 + b"\r\n\r\n")
    assert (heading.subject, heading.names) == ("Offer", {})


WORDS = st.lists(
    st.sampled_from(
        ["=?utf-8?", "=?", "?=", "b?", "B?", "q?", "Q?", "?", "=", "SW52b2ljZSAxM", "==", "=C3", "(", ")"]
    )
    | st.sampled_from(["(" * 2000, ")" * 2000, " ", "\t", ",", ";", ":", '"', "<", ">", "@", "[", "\\", "a", "\xfc"])
    | st.sampled_from(["idna", "punycode", "utf-7", "utf-16", "unknown-8bit", "hex", "\0"]),
    max_size=25,
)


@given(WORDS)
def test_any_encoded_words_and_comments_are_read(words: list[str]) -> None:
    value = "".join(words).encode("latin-1")
    for name in (b"Subject: ", b"To: ", b"Cc: ", b"Message-ID: "):
        heading = read_heading(name + value + b"\r\n\r\n")
        assert heading.subject.isprintable()
        assert all(each.isprintable() for each in heading.names.values())


@given(WORDS)
def test_one_line_is_one_line(words: list[str]) -> None:
    assert one_line("".join(words)).isprintable()


@pytest.mark.parametrize(
    ("line", "author"),
    [
        (b'From: "Example, Alice" <alice@example.com>', "Example, Alice"),
        (b"From: =?utf-8?q?J=C3=BCrgen?= <j@example.com>", "Jürgen"),
        (b"From: alice@example.com", ""),
        (b"From: alice@example.com <alice@example.com>", ""),
        (b"Subject: x", ""),
    ],
    ids=str,
)
def test_the_author_s_name_is_that_of_from(line: bytes, author: str) -> None:
    assert read_heading(line + b"\r\n\r\n").author == author
