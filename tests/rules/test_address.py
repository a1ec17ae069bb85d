"""Mailboxes are read strictly, and nothing is repaired."""

from __future__ import annotations

import pytest

from mailfax.rules.address import Mailbox, fold_domain, parse_mailbox


@pytest.mark.parametrize(
    ("text", "local", "domain"),
    [('"a b\\"c"@d.example', 'a b"c', "d.example"), ("o'brien+x@d_e.example", "o'brien+x", "d_e.example")],
)
def test_mailboxes_are_taken_apart(text: str, local: str, domain: str) -> None:
    assert parse_mailbox(text) == Mailbox(local, domain, text)


@pytest.mark.parametrize(
    "text",
    [
        "(555)1234567@fax.local",
        "a b@c.example",
        "@a.example:b@c.example",
        "a@b@c.example",
        '"a@c.example',
        "a@",
        "a@-b.c",
    ],
)
def test_what_is_no_mailbox_has_a_reason(text: str) -> None:
    assert isinstance(parse_mailbox(text), str)


def test_domains_are_one_in_any_case_and_spelling() -> None:
    assert fold_domain("A.Example") == "a.example"
    assert fold_domain("Bücher.example") == fold_domain("xn--bcher-kva.EXAMPLE")
