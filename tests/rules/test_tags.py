"""Tags are read, and taken out; one that is not understood is told by its name."""

from __future__ import annotations

import pytest

from mailfax.rules.tags import read_tags


@pytest.mark.parametrize(
    ("line", "rest", "said"),
    [
        ("Invoice 12", "Invoice 12", {}),
        ("#fax:nocover Invoice 12", "Invoice 12", {"cover": "no"}),
        ("Invoice #Fax:COVER 12", "Invoice 12", {"cover": "yes"}),
        ("Invoice 12 #fax:to=Jane_Doe #fax:company=Ex_Ltd", "Invoice 12", {"to": "Jane Doe", "company": "Ex Ltd"}),
        ("#fax:cover #fax:cover", "", {"cover": "yes"}),
        ("#fax:at=6:30 Invoice", "Invoice", {"at": "06:30"}),
        ("Invoice #fax:at=1800", "Invoice", {"at": "18:00"}),
        ("see page#fax:cover and #faxes:cover", "see page#fax:cover and #faxes:cover", {}),
    ],
)  # fmt: skip
def test_tags_are_read_and_taken_out(line: str, rest: str, said: dict[str, str]) -> None:
    found = read_tags(line)
    assert (found.rest, found.said, found.wrong) == (rest, said, "")


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (
            "#fax:when=18:00 x",
            "#fax:when=18:00 is not known here, only #fax:cover, #fax:nocover, #fax:to=, #fax:company=, #fax:at=",
        ),
        ("#fax:", "#fax: is not known here"),
        ("#fax:to", "#fax:to is not known here"),
        ("#fax:cover=yes", "#fax:cover=yes is not known here"),
        ("#fax:to=_", "#fax:to=_ is empty"),
        ("#fax:at=6pm", '#fax:at=6pm: "6pm" is no time of the day; write it like 18:00'),
        ("#fax:at=8:00 #fax:at=18:00", "#fax:at=18:00 says otherwise"),
        ("#fax:cover #fax:nocover", "#fax:nocover says otherwise"),
    ],
)
def test_a_tag_that_is_not_understood_is_told_by_its_name(line: str, wrong: str) -> None:
    assert read_tags(line).wrong.startswith(wrong)
