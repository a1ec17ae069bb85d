"""One author, whom every mail program reads alike, or none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.proof.author import Author, Unproven, read_author, read_fields


def read(block: bytes) -> Author | Unproven:
    fields = read_fields(block)
    return fields if isinstance(fields, Unproven) else read_author(fields)


@pytest.mark.parametrize(
    "value",
    [
        "alice@example.com",
        "<alice@example.com>",
        "Alice@Example.COM",
        "Alice Example <alice@example.com>",
        "Alice B. Example <alice@example.com>",
        '"Example, Alice (Sales); <x@y>" <alice@example.com>',
        '"mallory@example.net" <alice@example.com>',
        '"a \\" quote" <alice@example.com>',
        "=?utf-8?Q?J=C3=BCrgen?= <alice@example.com>",
        "=?utf-8?B?bWFsbG9yeUBleGFtcGxlLm5ldA==?= <alice@example.com>",
        "Jürgen <alice@example.com>",
        "Alice\r\n <alice@example.com>",
        "Alice<alice@example.com>",
        "\t alice@example.com \t",
    ],
)
def test_one_plain_address_is_the_author_however_it_is_adorned(value: str) -> None:
    assert read(f"From: {value}\r\n".encode()) == Author("alice@example.com", "example.com")


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<>",
        "alice",
        "alice@",
        "@example.com",
        "alice@example.com, bob@example.com",
        "Alice <alice@example.com>, Bob <bob@example.com>",
        "<alice@example.com> <bob@example.com>",
        "alice@example.com <mallory@example.net>",
        "alice@example.com (mallory@example.net)",
        "Alice (Sales) <alice@example.com>",
        "(alice@example.com) mallory@example.net",
        "friends: alice@example.com;",
        "friends: ;",
        "Alice <alice@example.com> trailing",
        "Alice <alice@example.com>;",
        "<@example.net:alice@example.com>",
        "alice@example.com@example.net",
        '"alice@example.com"@example.net',
        '"alice"@example.com',
        "alice @example.com",
        "alice@example.com.",
        "alice@[192.0.2.1]",
        "alice@exämple.com",
        "=?utf-8?Q?alice=40example.com?=",
        '"Alice <alice@example.com>',
        "Alice \\<alice@example.com>",
        "alice@example.com\0",
        "alice@ex\u2024ample.com",
    ],
)
def test_whatever_could_be_read_in_two_ways_has_no_author(value: str) -> None:
    assert isinstance(read(f"From: {value}\r\n".encode()), Unproven)


@pytest.mark.parametrize(
    "block",
    [
        b"",
        b"\r\n",
        b"From: alice@example.com",
        b"To: alice@example.com\r\n",
        b"From: alice@example.com\r\nFrom: mallory@example.net\r\n",
        b"From: alice@example.com\r\nfrom: alice@example.com\r\n",
        b"From : alice@example.com\r\n",
        b" From: alice@example.com\r\n",
        b"From alice@example.com Tue Nov 24\r\nFrom: alice@example.com\r\n",
        b"From: alice@example.com\r\nno field at all\r\n",
        b"From: alice@example.com\r\n: no name\r\n",
        b"From: alice@example.com\rFrom: mallory@example.net\r\n",
        b"From: alice@example.com\nFrom: mallory@example.net\r\n",
        b"Subject: x\nFrom: mallory@example.net\r\nFrom: alice@example.com\r\n",
        b"From: alice@example.com\r\nSubject: x\rFrom: mallory@example.net\r\n",
        b"From: alice@example.com\r\nSubject: x\0From: mallory@example.net\r\n",
        b"From: alice@example.com\r\n\r\nFrom: mallory@example.net\r\n",
        b"Fr\xc3\xb6m: alice@example.com\r\n",
        b"From: \xff <alice@example.com>\r\n",
        b"From: alice@example.com\r\n" + b"X: y\r\n" * 2000,
    ],
)
def test_a_header_that_is_no_plain_one_has_no_author(block: bytes) -> None:
    assert isinstance(read(block), Unproven)


def test_fields_are_kept_as_they_were_written() -> None:
    fields = read_fields(b"From: a@example.com\r\nX-Long:  one\r\n\ttwo \r\nEmpty:\r\n")
    assert fields == [(b"From", b" a@example.com\r\n"), (b"X-Long", b"  one\r\n\ttwo \r\n"), (b"Empty", b"\r\n")]


@given(st.text(alphabet='<>@"\\(),;: \taliceexample.com\u00fc', max_size=60))
def test_an_author_stands_in_the_field_as_it_was_written(value: str) -> None:
    """Whatever is read as the author's address stands in the field, outside quotes, and nothing else there is one."""
    found = read(f"From: {value}\r\n".encode())
    if isinstance(found, Author):
        assert found.address in value.lower()
        assert value.lower().rstrip(" \t>").endswith(found.address)
