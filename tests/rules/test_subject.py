"""A number in the subject is read in one way, or the mail is refused."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.number import Unfit
from mailfax.rules.subject import read_subject


@pytest.mark.parametrize(
    ("subject", "dialled", "rest"),
    [
        ("15551234567", ["15551234567"], ""),
        ("  +1 555 123 4567 ", ["15551234567"], ""),
        ("(555) 123-4567", ["15551234567"], ""),
        ("[15551234567] Invoice 12", ["15551234567"], "Invoice 12"),
        ("[15551234567]Invoice 12", ["15551234567"], "Invoice 12"),
        ("[15551234567] - Invoice - 12", ["15551234567"], "Invoice - 12"),
        ("fax: 15551234567 - Invoice 12", ["15551234567"], "Invoice 12"),
        ("FAX:+1 555-123-4567: Invoice 12", ["15551234567"], "Invoice 12"),
        ("fax: [15551234567] 2 pages", ["15551234567"], "2 pages"),
        ("5551234567 - 8 pages", ["15551234567"], "8 pages"),
        ("15551234567 \u2013 Übersicht", ["15551234567"], "Übersicht"),
        ("[15551110001, +44 20 7946 0958,15551110001] Offer", ["15551110001", "442079460958"], "Offer"),
        ("15551110001, 15551110002", ["15551110001", "15551110002"], ""),
    ],
)
def test_a_subject_begins_with_its_number(subject: str, dialled: list[str], rest: str) -> None:
    found = read_subject(subject, default_country="US", limit=3)
    assert not isinstance(found, Unfit)
    assert ([number.dialled for number in found[0]], found[1]) == (dialled, rest)


@pytest.mark.parametrize(
    "subject",
    [
        "",
        "Scanned image from MX-2640N",
        "Re: [15551234567] x",
        "Invoice 12 15551234567",
        "15551234567 Invoice",
        "15551234567 2 pages",
        "1555123456 - 7 pages",
        "555 - 123 - 4567",
        "[15551234567 Invoice",
        "[15551234567,] Invoice",
        "[1,2,3,4] x",
        "[] x",
        "fax: 911",
        "[1/5] scan",
        "15551234567/to=Jane",
    ],
)
def test_what_could_be_read_otherwise_is_refused(subject: str) -> None:
    assert isinstance(read_subject(subject, default_country="US", limit=3), Unfit)


@pytest.mark.parametrize(
    ("subject", "country"),
    [
        ("030 1234567 - 89", "DE"),
        ("+49 30 1234567 \u2013 89 Angebot", "US"),
        ("15551234567 - 15559876543", "US"),
        ("15551234567: +1 555 987 6543 Offer", "US"),
        ("[15551234567] [15559876543] Offer", "US"),
        ("[15551234567], [Offer, 15559876543]", "US"),
        ("1" + " 5" * 200, "US"),
    ],
)
def test_digits_that_may_belong_to_the_number_are_never_passed_over(subject: str, country: str) -> None:
    assert isinstance(read_subject(subject, default_country=country, limit=3), Unfit)


@pytest.mark.parametrize(
    ("subject", "rest"), [("030 1234567: 89 Seiten", "89 Seiten"), ("[030 1234567] 89 Seiten", "89 Seiten")]
)
def test_behind_a_colon_or_a_bracket_nothing_belongs_to_the_number(subject: str, rest: str) -> None:
    found = read_subject(subject, default_country="DE", limit=3)
    assert not isinstance(found, Unfit) and found[0][0].dialled == "49301234567" and found[1] == rest


@given(st.text(max_size=40) | st.text(alphabet="0123456789+-() []:,fax", max_size=40))
def test_every_digit_before_the_rest_is_dialled(subject: str) -> None:
    """Nothing is skipped: what stands before the rest has no digits but those of the numbers."""
    found = read_subject(subject, default_country="US", limit=9)
    if not isinstance(found, Unfit):
        numbers, rest = found
        assert subject.rstrip(" \t-:|\u2013\u2014").endswith(rest.rstrip())
        written = "".join(char for char in subject[: len(subject.rstrip()) - len(rest)] if "0" <= char <= "9")
        for number in numbers:
            assert number.dialled.removeprefix("1") in written or number.dialled in written
