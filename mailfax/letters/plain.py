"""Values as people read them: one line of text, a telephone number, a moment; and blocks as plain text.

In: texts and numbers of any origin. Out: text of one line, or lines of at most ``COLUMNS`` characters (one long word
may stick out).
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Sequence
from datetime import datetime, tzinfo
from typing import Any

import phonenumbers

from mailfax.letters.blocks import Block, Facts, Headline, Listing, Paragraph, Picture, Results

COLUMNS = 72
#: Longest text of one fact: with every character encoded it still fits a folded header field.
LONGEST = 300
#: Names of its own: ``strftime`` would speak the language of the server's locale.
DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def one_line(text: str, longest: int = LONGEST) -> str:
    """Text of strangers as one line: no line end, control or format sign (which could turn or hide what follows)
    survives, so that nothing in it can begin a header field or a line of its own."""
    blanked = "".join(char if char.isprintable() else " " for char in text)
    line = " ".join(blanked.split())
    return line if len(line) <= longest else line[: longest - 1].rstrip() + "…"


def phone(number: str) -> str:
    """A number that begins with its country code, spaced as its country writes it: "+1 555 123 4567" (ITU-T E.123).

    What can't be read as one (an internal number) comes back as it is, on one line.
    """
    written = one_line(number, 60)
    digits = written.removeprefix("+")
    if not (digits.isascii() and digits.isdigit()):
        return written
    try:
        parsed = phonenumbers.parse(f"+{digits}")
    except phonenumbers.NumberParseException:
        return written
    if not phonenumbers.is_possible_number(parsed):
        return written
    return str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.INTERNATIONAL)).replace("-", " ")


def reported_phone(text: str) -> str:
    """A caller as the fax service reported it (A19): spaced only where it surely begins with a country code.

    Ten digits are some number of the caller's country, and would be told as one of another (555… as Brazil's +55).
    """
    bare = one_line(text, 60)
    surely = bare.startswith("+") or (len(bare) == 11 and bare.startswith("1"))
    return phone(bare) if surely else bare


def moment(at: float, zone: tzinfo) -> str:
    """A time for people: "Mon 23 Nov 2026, 21:04 (UTC+01:00)"."""
    when = datetime.fromtimestamp(at, zone)
    offset = when.strftime("%z")
    shift = "" if offset[1:5] == "0000" else f"{offset[:3]}:{offset[3:5]}"
    date = f"{DAYS[when.weekday()]} {when.day} {MONTHS[when.month - 1]} {when.year}"
    return f"{date}, {when:%H:%M} (UTC{shift})"


def count(number: int, thing: str, things: str = "") -> str:
    """ "1 page", "3 pages"."""
    return f"{number} {thing}" if number == 1 else f"{number} {things or thing + 's'}"


def as_text(said: Sequence[Block]) -> str:
    """Blocks with an empty line between them."""
    return "\n\n".join(text for block in said if (text := _WRITERS[type(block)](block))) + "\n"


def _filled(text: str, first: str = "", others: str = "") -> str:
    """Wrapped text; a long word stays whole."""
    return textwrap.fill(
        text,
        COLUMNS,
        initial_indent=first,
        subsequent_indent=others,
        break_long_words=False,
        break_on_hyphens=False,
    )


def _paragraph(block: Headline | Paragraph) -> str:
    return _filled(one_line(block.text, 2000))


def _listing(block: Listing) -> str:
    """A heading and one indented line or more for each entry."""
    entries = (_filled(one_line(entry), "  - ", "    ") for entry in block.entries)
    return "\n".join([_filled(one_line(block.heading)), *entries])


def _facts(block: Facts) -> str:
    """Names and values in two columns."""
    width = max(len(name) for name, _ in block.rows) + 2
    return "\n".join(
        _filled(one_line(value), f"  {name + ':':<{width}}", " " * (width + 2)) for name, value in block.rows
    )


def _results(block: Results) -> str:
    """Titles, and indented below each what is said of it."""
    return "\n".join(
        f"  {one_line(title)}\n" + _filled("; ".join(map(one_line, notes)), "    ", "    ")
        for title, notes in block.rows
    )


#: A picture is for those who see pictures.
_WRITERS: dict[type, Callable[[Any], str]] = {
    Headline: _paragraph,
    Paragraph: _paragraph,
    Listing: _listing,
    Facts: _facts,
    Results: _results,
    Picture: lambda block: "",
}
