"""Recipients from a CSV file, as a spreadsheet writes it: all of them are good, or none is faxed to.

In: the bytes of the file; the country for numbers without a country code. Out: a ``Listed`` for each number, in the
order of the rows, or ``NotAList`` with a sentence for each row that is wrong. The same number twice is one fax, as
its first row says.

Columns are "number", "name", "company", "subject" (of that fax's cover) and "code" (``[billing]``). A heading in the
first row says which is which, in any order; without one they stand in this order. What is not known is refused, never
passed over.

STANDARDS: RFC 4180 (CSV), also with ";" or tabs, as spreadsheets write it.
LIMITS: UTF-8 alone; ``LARGEST`` bytes.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from mailfax.rules.envelope import FaxNumber
from mailfax.rules.number import Unfit, read_number

LARGEST = 1_000_000
#: What a heading may call a column -> the field of the cover; "number" is where the fax goes.
COLUMNS = {
    "number": "number",
    "fax": "number",
    "name": "to",
    "company": "company",
    "subject": "subject",
    "code": "code",
}
ORDER = ("number", "to", "company", "subject", "code")
KNOWN = "number, name, company, subject, code"
#: How many faults are told one by one, and how long a value may be.
SHOWN, LONGEST = 20, 150


@dataclass(frozen=True, slots=True)
class Listed:
    """One row: its number, and what its cover says, as (field, value)."""

    number: FaxNumber
    cover: tuple[tuple[str, str], ...] = ()


class NotAList(Exception):
    """Nothing is sent. ``sentences`` say what is wrong, row by row."""

    def __init__(self, *sentences: str) -> None:
        super().__init__(" ".join(sentences))
        more = len(sentences) - SHOWN
        self.sentences = (*sentences[:SHOWN], f"And {more} more rows are wrong.") if more > 0 else sentences


def read_list(content: bytes, *, default_country: str, limit: int) -> tuple[Listed, ...]:
    """The recipients; raises ``NotAList``. ``limit``: how many there may be."""
    rows = list(_rows(content))
    columns, rows = _columns(rows)
    found, wrong = dict[str, Listed](), list[str]()
    for line, row in rows:
        listed = _listed(row, columns, default_country)
        if isinstance(listed, str):
            wrong.append(f"Row {line}: {listed}.")
        else:
            found.setdefault(listed.number.dialled, listed)
    if wrong:
        raise NotAList(*wrong)
    if not found:
        raise NotAList("The list of recipients is empty.")
    if len(found) > limit:
        raise NotAList(f"The list has {len(found)} numbers, and {limit} may be sent at once; cut it in several.")
    return tuple(found.values())


def _rows(content: bytes) -> Iterator[tuple[int, list[str]]]:
    """Rows that are not empty, each with its number as a spreadsheet counts them."""
    if len(content) > LARGEST:
        raise NotAList(f"The list of recipients is larger than {LARGEST} bytes; it is no list of fax numbers.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        sentence = f'Byte {problem.start} of the list is not UTF-8; save it as "CSV UTF-8".'
        raise NotAList(sentence) from None
    first = text.partition("\n")[0]
    delimiter = next((sign for sign in (";", "\t") if sign in first), ",")
    lines = (f"{line}\n" for line in re.split(r"\r\n|\r|\n", text))
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    number = 0
    try:
        for number, row in enumerate(reader, 1):
            if any(cell.strip() for cell in row):
                yield number, [" ".join(cell.split()) for cell in row]
    except csv.Error as problem:
        raise NotAList(f"Row {number + 1}: it is not CSV ({problem}).") from None


def _columns(
    rows: list[tuple[int, list[str]]],
) -> tuple[Sequence[str], list[tuple[int, list[str]]]]:
    """Which field each column is, and the rows below the heading."""
    if not rows or any(sign.isdigit() for cell in rows[0][1] for sign in cell):
        return ORDER, rows
    heading = rows[0][1]
    columns = [COLUMNS.get(cell.casefold(), "") for cell in heading]
    unknown = [cell or "(empty)" for cell, column in zip(heading, columns, strict=True) if not column]
    if unknown:
        raise NotAList(f"The heading has columns that are not known here: {', '.join(unknown)}; write {KNOWN}.")
    if "number" not in columns or len(set(columns)) < len(columns):
        raise NotAList(f"The heading must have each column once, and number among them; write {KNOWN}.")
    return columns, rows[1:]


def _listed(row: Sequence[str], columns: Sequence[str], default_country: str) -> Listed | str:
    """The recipient, or why the row is wrong."""
    if any(row[len(columns) :]):
        return f"{len(row)} columns, and {len(columns)} are known; write {KNOWN}"
    said = {column: cell for column, cell in zip(columns, row, strict=False) if cell}
    written = said.pop("number", "")
    if not written:
        return "it has no number"
    for field, value in said.items():
        if len(value) > LONGEST or not value.isprintable():
            return f"its {field.replace('to', 'name')} is longer than {LONGEST} characters, or can't be printed"
    number = read_number(written, default_country=default_country)
    if isinstance(number, Unfit):
        return f"{written[:50]}: {number.why}"
    return Listed(number, tuple(said.items()))
