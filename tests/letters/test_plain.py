"""Numbers, moments and lines as people read them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from mailfax.letters.blocks import blocks, facts, listing, paragraph, picture
from mailfax.letters.plain import as_text, moment, one_line, phone, reported_phone


@pytest.mark.parametrize(
    ("digits", "told"),
    [
        ("15551234567", "+1 555 123 4567"),
        ("442071234567", "+44 20 7123 4567"),
        ("4930123456", "+49 30 123456"),
        ("12", "12"),
        ("999999999999999", "999999999999999"),
        ("", ""),
    ],
)
def test_a_number_is_spaced_as_its_country_writes_it(digits, told):
    assert phone(digits) == told


@pytest.mark.parametrize(
    ("reported", "told"),
    [
        ("15557654321", "+1 555 765 4321"),
        ("+442071234567", "+44 20 7123 4567"),
        # Ten digits: an American's own number, not one of Brazil.
        ("5557654321", "5557654321"),
        ("Anonymous", "Anonymous"),
        ("ACME\r\nBcc: x", "ACME Bcc: x"),
    ],
)
def test_a_caller_is_told_as_reported_where_the_country_is_not_sure(reported, told):
    assert reported_phone(reported) == told


@pytest.mark.parametrize(
    ("zone", "told"),
    [
        (UTC, "Mon 23 Nov 2026, 21:00 (UTC)"),
        (ZoneInfo("Europe/Berlin"), "Mon 23 Nov 2026, 22:00 (UTC+01:00)"),
        (timezone(timedelta(hours=-3, minutes=-30)), "Mon 23 Nov 2026, 17:30 (UTC-03:30)"),
    ],
)
def test_a_moment_names_its_zone(zone, told):
    assert moment(1_795_467_600.0, zone) == told


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a\r\nb", "a b"),
        (" a \t b ", "a b"),
        ("a\u202eb", "a b"),  # a direction override would turn what follows
        ("x" * 400, "x" * 299 + "…"),
        ("a\ud800b", "a b"),
    ],
)
def test_text_of_strangers_is_one_line(text, line):
    assert one_line(text) == line


def test_facts_stand_in_two_columns_and_empty_ones_are_left_out():
    rows = facts([("To", "x"), ("Nothing", ""), ("Queue ID", "y")])
    assert as_text(blocks(rows, facts([("Nothing", "")]))) == "  To:       x\n  Queue ID: y\n"


def test_a_list_without_entries_has_no_heading():
    assert as_text(blocks(paragraph("Hello"), listing("In the fax:", ()), paragraph(" "))) == "Hello\n"


def test_a_picture_is_left_out():
    assert as_text(blocks(paragraph("One"), picture("First page", b"PNG"), paragraph("Two"))) == "One\n\nTwo\n"
