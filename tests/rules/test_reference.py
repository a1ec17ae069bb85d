"""A fax is found again by what stands in its subject."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.reference import ALPHABET, LENGTH, SUBJECT_LENGTH, draw_reference, references_in, with_reference

REFERENCE = "7K3Q2M"


@pytest.mark.parametrize(
    ("subject", "where", "told"),
    [
        ("Invoice 12", "end", "Invoice 12 (Ref 7K3Q2M)"),
        ("Invoice 12", "front", "(Ref 7K3Q2M) Invoice 12"),
        ("Invoice 12", "off", "Invoice 12"),
        ("", "end", "(Ref 7K3Q2M)"),
        ("", "off", ""),
        ("Re: Invoice 12 (Ref 222222)", "end", "Re: Invoice 12 (Ref 7K3Q2M)"),
        ("Re: (Ref 222222)", "off", "Re:"),
    ],
)
def test_where_it_stands(subject: str, where: str, told: str) -> None:
    assert with_reference(subject, REFERENCE, where) == told


@given(st.text(), st.sampled_from(["end", "front"]))
def test_any_subject_carries_exactly_its_own_reference_within_the_first_eighty(subject: str, where: str) -> None:
    told = with_reference(subject, REFERENCE, where)
    assert references_in(told) == (REFERENCE,)
    assert len(told) <= SUBJECT_LENGTH


def test_references_are_drawn_from_signs_that_can_be_read_aloud() -> None:
    drawn = draw_reference(lambda signs: signs[0])
    assert drawn == ALPHABET[0] * LENGTH
    assert not set("AEIOU01L") & set(ALPHABET)
