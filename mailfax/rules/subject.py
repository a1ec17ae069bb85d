"""The fax number at the beginning of a subject, for copiers that know one fixed address.

In: a decoded subject. Out: its numbers and what is left as the subject of the fax, or why it is not understood. A
subject is read in one of these ways, and in no other:

    [15551234567] Invoice 12            also several: [15551234567, +44 20 7946 0958] Invoice 12
    fax: +1 555 123 4567 - Invoice 12   "fax:" may be left out, ": " may stand for " - "
    15551234567

So "15551234567 2 pages" is refused: whether the 2 belongs to the number is not ours to guess.
"""

from __future__ import annotations

import re

from mailfax.rules.envelope import FaxNumber
from mailfax.rules.number import Unfit, read_number
from mailfax.rules.status import Cause

_TAG = re.compile(r"fax\s*:\s*", re.IGNORECASE)
#: Where an unbracketed number ends. A dash between spaces is never part of a number here.
_END = re.compile(r"\s+[-\u2013\u2014|]\s+|\s*:\s+")


def read_subject(subject: str, *, default_country: str, limit: int) -> tuple[tuple[FaxNumber, ...], str] | Unfit:
    """(numbers, each once; the rest) of a subject; at most ``limit`` numbers."""
    text = subject.strip()
    if tag := _TAG.match(text):
        text = text[tag.end() :]
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        if not closed:
            return Unfit(Cause.SUBJECT_NUMBER, "its [ is not closed")
    else:
        inside, *others = _END.split(text, maxsplit=1)
        rest = others[0] if others else ""
    written = inside.split(",")
    if len(written) > limit:
        return Unfit(Cause.SUBJECT_NUMBER, f"more than {limit} numbers stand in it")
    numbers: dict[str, FaxNumber] = {}
    for one in written:
        found = read_number(one.strip(), default_country=default_country)
        if isinstance(found, Unfit):
            return found
        numbers.setdefault(found.dialled, found)
    return tuple(numbers.values()), rest.strip(" \t-:|\u2013\u2014")
