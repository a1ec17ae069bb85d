"""A list of recipients is good in every row, or none of it is used."""

from __future__ import annotations

from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.attached_list import attached_list, without_list
from mailfax.rules.recipient_list import LARGEST, NotAList, read_list
from mailfax.rules.submission import understand


def read(text: str | bytes, limit: int = 100) -> list[tuple[str, dict[str, str]]]:
    content = text.encode() if isinstance(text, str) else text
    return [(each.number.dialled, dict(each.cover)) for each in read_list(content, default_country="US", limit=limit)]


def wrong(text: str | bytes, limit: int = 100) -> tuple[str, ...]:
    with pytest.raises(NotAList) as why:
        read(text, limit)
    return why.value.sentences


def test_columns_by_their_heading_or_by_their_order() -> None:
    jane = ("15555550100", {"to": "Jane Doe", "company": "Example, Ltd"})
    assert read('+1 555 555 0100,Jane Doe,"Example, Ltd"\n') == [jane]
    assert read('Company;Name;Fax\r\n"Example, Ltd";Jane  Doe;(555) 555-0100\r\n') == [jane]
    assert read("number\tname\n5555550100\tM\u00fcller\n\n") == [("15555550100", {"to": "M\u00fcller"})]
    assert read("\ufeff5555550100") == [("15555550100", {})], "as Excel writes UTF-8"


def test_the_same_number_twice_is_one_fax() -> None:
    assert read("5555550100,Jane\n+1-555-555-0100,John\n5555550101") == [
        ("15555550100", {"to": "Jane"}),
        ("15555550101", {}),
    ]


def test_every_row_that_is_wrong_is_named_and_none_is_used() -> None:
    said = wrong("number,name\n5555550100,Jane\n12,John\n,Mary\n1.5555E+10,Ann\n5555550101,A,B\n911,X\n")
    assert [sentence.partition(":")[0] for sentence in said] == ["Row 3", "Row 4", "Row 5", "Row 6", "Row 7"]
    assert said[1] == "Row 4: it has no number." and "3 columns" in said[3]
    many = wrong("\n".join(["1"] * 50))
    assert len(many) == 21 and many[-1] == "And 30 more rows are wrong."


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"number,name\n", "empty"),
        (b"number,phone\n5555550100,1", "not known here: phone"),
        (b"name,company\nJane,Example", "number among them"),
        (b"number,number\n5555550100,5555550101", "each column once"),
        (b"5555550100,M\xfcller", "UTF-8"),
        (b'5555550100,"Jane', "not CSV"),
        (b"5" * (LARGEST + 1), "larger"),
        (b"5555550100\n5555550101\n5555550102", "3 numbers, and 2"),
        (b"5555550100," + b"x" * 151, "longer than 150"),
    ],
)
def test_what_is_no_list(content: bytes, why: str) -> None:
    assert why in " ".join(wrong(content, limit=2))


@given(st.binary(max_size=200))
def test_whatever_it_is_it_is_read_or_refused(content: bytes) -> None:
    try:
        assert read_list(content, default_country="US", limit=3)
    except NotAList as why:
        assert all(sentence.endswith(".") for sentence in why.sentences)


def mail(*files: tuple[str, str]) -> bytes:
    made = EmailMessage()
    made["Subject"] = "Offer"
    made.set_content("Dear customer")
    for name, kind in files:
        main, _, sub = kind.partition("/")
        made.add_attachment(b"5555550100,Jane\n", maintype=main, subtype=sub, filename=name)
    return made.as_bytes()


@pytest.mark.parametrize("kind", ["text/csv", "application/vnd.ms-excel", "application/octet-stream"])
def test_the_one_csv_file_is_the_list_and_no_page(kind: str) -> None:
    raw = mail(("customers.CSV", kind), ("note.bin", "application/octet-stream"))
    assert attached_list(raw).strip() == b"5555550100,Jane"
    submission, left_out = without_list(understand(raw))
    assert [part.name for part in submission.parts] == ["note.bin"]
    assert left_out == ["customers.CSV: it is the list of recipients"]


def test_none_and_two_are_refused() -> None:
    for files in ((), (("a.csv", "text/csv"), ("b.csv", "text/csv"))):
        with pytest.raises(NotAList, match="it takes one"):
            attached_list(mail(*files))
