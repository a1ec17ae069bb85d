"""The fax number at the beginning of a subject, for copiers that know one fixed address.

In: a decoded subject. Out: its numbers and what is left as the subject of the fax, or why it is not understood. A
subject is read in one of these ways, and in no other:

    [15551234567] Invoice 12            also several: [15551234567, +44 20 7946 0958] Invoice 12
    fax: +1 555 123 4567 - Invoice 12   "fax:" may be left out, ": " may stand for " - "
    15551234567

So "15551234567 2 pages" is refused: whether the 2 belongs to the number is not ours to guess. Nor is it in
"030 1234567 - 89", where 89 may be an extension, and a second number behind the first is never passed over.
"""

from __future__ import annotations

import re

from mailfax.rules.envelope import FaxNumber
from mailfax.rules.number import Unfit, read_number
from mailfax.rules.status import Cause

#: More than fifteen digits with all their separators and brackets.
_LONGEST = 100
_TAG = re.compile(r"fax ?: ?", re.IGNORECASE)
#: Where an unbracketed number ends. A dash between spaces is never part of a number here.
_END = re.compile(r" [-\u2013\u2014|] | ?: ")
#: What may be meant for a number at the beginning of the rest: in brackets of its own, or without.
_AGAIN = re.compile(r"[,;&]? ?\[([^\]]*)\]")
_MORE = re.compile(r"[+(]?[0-9][0-9 .()-]*")


def read_subject(subject: str, *, default_country: str, limit: int) -> tuple[tuple[FaxNumber, ...], str] | Unfit:
    """(numbers, each once; the rest) of a subject; at most ``limit`` numbers."""
    text = " ".join(subject.split())
    if tag := _TAG.match(text):
        text = text[tag.end() :]
    if text.startswith("["):
        inside, closed, rest = text[1:].partition("]")
        if not closed:
            return Unfit(Cause.SUBJECT_NUMBER, "its [ is not closed")
        more = found[1].split(",") if (found := _AGAIN.match(rest)) else []
    else:
        end = _END.search(text)
        inside, rest = (text[: end.start()], text[end.end() :]) if end else (text, "")
        more = [found[0]] if (found := _MORE.match(rest)) else []
        if end and ":" not in end[0]:
            more += [f"{inside} {one}" for one in more]
    if any(isinstance(_read(one, default_country), FaxNumber) for one in more):
        return Unfit(Cause.SUBJECT_NUMBER, "digits that may belong to it stand behind its end")
    written = inside.split(",")
    if len(written) > limit:
        return Unfit(Cause.SUBJECT_NUMBER, f"more than {limit} numbers stand in it")
    numbers: dict[str, FaxNumber] = {}
    for one in written:
        number = _read(one, default_country)
        if isinstance(number, Unfit):
            return number
        numbers.setdefault(number.dialled, number)
    return tuple(numbers.values()), rest.strip(" \t-:|\u2013\u2014")


def _read(written: str, country: str) -> FaxNumber | Unfit:
    # Readings are kept for the next time, and a subject may be long.
    if len(written) > _LONGEST:
        return Unfit(Cause.SUBJECT_NUMBER, "it is too long")
    return read_number(written.strip(), default_country=country)
