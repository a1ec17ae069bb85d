"""One fax for each number and cover, and nobody who wanted to hear of it is forgotten."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfax.offramp.faxes import Fax, faxes_of
from mailfax.rules.envelope import Client, FaxNumber, Notify, Postmaster, Recipient
from mailfax.rules.job import Spelling
from mailfax.spool import Keys

NEVER, SUCCESS, FAILURE, _ = (frozenset({word}) for word in Notify)
COPIER = Client("copiers", "127.0.0.1")


def to(number: str, *, address: str = "", cover: dict[str, str] | None = None, **more: object) -> Recipient:
    return Recipient(
        address or f"{number}@fax.local", FaxNumber(number, number), cover=tuple((cover or {}).items()), **more
    )  # type: ignore[arg-type]


def test_a_number_named_twice_is_one_fax_of_which_each_recipient_hears_as_it_asked() -> None:
    [fax] = faxes_of(
        [
            to("15551234567", address="+15551234567@fax.local", notify=SUCCESS),
            to("15551234567", notify=FAILURE, orcpt="rfc822;a@b"),
            to("15551234567", orcpt="rfc822;c@d", notify=NEVER),
        ],
        {},
    )
    job = fax.job("Q-1", "REF", account="main", now=1.0, expire_seconds=9.0)
    assert (fax.address, Fax.of(job).also) == ("+15551234567@fax.local", fax.also)
    assert job.spellings == (
        Spelling("+15551234567@fax.local", "", SUCCESS),
        Spelling("15551234567@fax.local", "rfc822;a@b", FAILURE),
        Spelling("15551234567@fax.local", "rfc822;c@d", NEVER),
    )


def test_a_list_is_a_fax_for_each_of_its_numbers_and_the_postmaster_gets_none() -> None:
    faxes = faxes_of(
        [
            to("15550000001", address="team@fax.local"),
            to("15550000002", address="team@fax.local"),
            Postmaster("postmaster@fax.local"),
            to("15550000002"),
        ],
        {"team@fax.local": "The Team"},
    )
    assert [(fax.number, fax.recipient_name) for fax in faxes] == [
        ("15550000001", "The Team"),
        ("15550000002", "The Team"),
    ]


def test_another_cover_is_another_fax() -> None:
    cover = {"to": "Jane", "company": "Example Ltd"}
    faxes = faxes_of(
        [
            to("1555", cover=cover),
            to("1555", cover=dict(reversed(cover.items()))),
            to("1555", cover={"to": "John"}),
            to("1555"),
        ],
        {"1555@fax.local": "Somebody"},
    )
    assert [fax.recipient_name for fax in faxes] == ["Jane, Example Ltd", "John", "Somebody"]
    assert len({fax.keys("00", "a@b", COPIER, "") for fax in faxes}) == 3


@pytest.mark.parametrize(
    ("cover", "name", "subject"),
    [
        ({}, "Display", None),
        ({"to": "Jane Doe"}, "Jane Doe", None),
        ({"company": "Example Ltd"}, "Display, Example Ltd", None),
        ({"to": "Jane", "company": "Example Ltd"}, "Jane, Example Ltd", None),
        ({"subject": "Order 7"}, "Display", "Order 7"),
        ({"subject": ""}, "Display", ""),
    ],
)
def test_what_the_address_says_is_on_the_cover(cover: dict[str, str], name: str, subject: str | None) -> None:
    [fax] = faxes_of([to("1555", cover=cover, address="X@fax.local")], {"x@fax.local": "Display"})
    assert (fax.recipient_name, fax.subject) == (name, subject)


@pytest.mark.parametrize(
    "different",
    [("01", "a@b", "1555", ""), ("00", "A@b", "1555", ""), ("00", "a@b", "1556", ""), ("00", "a@b", "1555", "Jane")],
)
@pytest.mark.parametrize("message_id", ["", "<1@a>"])
def test_keys_are_of_content_sender_number_and_cover(different: tuple[str, str, str, str], message_id: str) -> None:
    def keys(sent: str, sender: str, number: str, name: str) -> Keys:
        [fax] = faxes_of([to(number, cover={"to": name} if name else {})], {})
        return fax.keys(sent, sender, COPIER, message_id)

    assert keys("00", "a@b", "1555", "") == keys("00", "a@b", "1555", "")
    assert not {*keys(*different)} & {*filter(None, keys("00", "a@b", "1555", ""))}


def test_keys_have_the_message_id_or_the_client() -> None:
    [fax] = faxes_of([to("1555")], {})
    other = replace(COPIER, ip="127.0.0.2")
    assert fax.keys("00", "", COPIER, "") != fax.keys("00", "", other, "")
    assert fax.keys("00", "", COPIER, "<1@a>").key == fax.keys("00", "", other, "<1@a>").key
    assert fax.keys("00", "", COPIER, "<1@a>").again == fax.keys("00", "", COPIER, "<2@a>").again
    assert fax.keys("00", "", COPIER, "<1@a>").again != fax.keys("00", "", other, "<1@a>").again
