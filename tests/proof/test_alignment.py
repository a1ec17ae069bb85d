"""A pass counts for domains of the same organization, and not for those that look like it."""

from __future__ import annotations

import time

import pytest

from mailfax.proof.alignment import aligned
from mailfax.proof.dmarc import Wish, ask_wish
from mailfax.proof.questions import Questions, Temporary
from tests.proof.conftest import Zones


@pytest.mark.parametrize(
    ("domain", "author", "relaxed", "strict"),
    [
        ("example.com", "example.com", True, True),
        ("Example.COM", "example.com", True, True),
        ("mail.example.com", "example.com", True, False),
        ("example.com", "a.b.example.com", True, False),
        ("x.example.co.uk", "y.example.co.uk", True, False),
        ("example.com", "example.net", False, False),
        ("notexample.com", "example.com", False, False),
        ("example.com.evil.net", "example.com", False, False),
        ("example-com.net", "example.com", False, False),
        ("evil.co.uk", "example.co.uk", False, False),
        ("co.uk", "example.co.uk", False, False),
        ("com", "example.com", False, False),
        ("mallory.github.io", "alice.github.io", False, False),
        ("github.io", "alice.github.io", False, False),
        ("xn--exmple-cua.com", "example.com", False, False),
        ("", "example.com", False, False),
        (".example.com", "example.com", False, False),
        ("mail.office.local", "office.local", True, False),
    ],
)
def test_alignment_is_by_organization(domain: str, author: str, relaxed: bool, strict: bool) -> None:
    assert aligned(domain, author) is relaxed
    assert aligned(domain, author, strict=True) is strict


def wish(zones: Zones, domain: str) -> Wish:
    return ask_wish(domain, Questions(zones.lookup, time.monotonic() + 5))


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ("v=DMARC1; p=none", Wish()),
        ("v=DMARC1; p=none; adkim=s", Wish(strict_dkim=True)),
        ("v=DMARC1;p=none;aspf=s;adkim=r", Wish(strict_spf=True)),
        ("v = DMARC1 ; adkim = S ; aspf = s", Wish(strict_dkim=True, strict_spf=True)),
        ("v=DMARC1; adkim=strict", Wish()),
        ("v=DMARC12; adkim=s", Wish()),
        ("adkim=s; v=DMARC1", Wish()),
        ("v=spf1 -all", Wish()),
        ("v=DMARC1", Wish()),
    ],
)
def test_the_record_says_how_close_a_pass_must_be(record: str, expected: Wish) -> None:
    assert wish(Zones({("_dmarc.example.com", "TXT"): [record]}), "example.com") == expected


def test_the_organization_speaks_where_the_domain_does_not() -> None:
    zones = Zones({("_dmarc.example.com", "TXT"): ["v=DMARC1; aspf=s"]})
    assert wish(zones, "mail.example.com") == Wish(strict_spf=True)
    zones.records["_dmarc.mail.example.com", "TXT"] = ["v=DMARC1; adkim=s"]
    assert wish(zones, "mail.example.com") == Wish(strict_dkim=True)


def test_two_records_are_as_good_as_none() -> None:
    zones = Zones({("_dmarc.example.com", "TXT"): ["v=DMARC1; aspf=s", "v=DMARC1; adkim=s"]})
    assert wish(zones, "example.com") == Wish()


def test_no_answer_is_no_wish() -> None:
    with pytest.raises(Temporary):
        wish(Zones({("_dmarc.example.com", "TXT"): 0.0}), "example.com")
