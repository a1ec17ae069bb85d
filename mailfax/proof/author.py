"""The header of a mail as a strict reader sees it: its fields, and the one author in ``From:``.

In: the header block as the client sent it. Out: ``Author`` and fields, or ``Unproven``. Whatever two mail programs
could read in two ways has no author: proof of a name that others don't see would be none.

STANDARDS: RFC 5322 2.2, 3.4 and 3.6.2 (without its obsolete forms), RFC 6532 (UTF-8).
LIMITS: one mailbox with a dot-atom before the @ and a domain in ASCII (``xn--`` for others: IDNA 2003 and 2008
disagree about some names, and so about who owns them). No groups, comments, routes, nor quoted local parts.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailfax.rules.address import parse_mailbox

#: (name as it was written, value as it was written: from behind the colon to its last CRLF, folded).
Field = tuple[bytes, bytes]

#: More fields than any mail has; comparing names costs time for each.
MOST_FIELDS = 2000
_NAME = re.compile(rb"[!-9;-~]+")
_WORD = re.compile(r"""[A-Za-z0-9!#$%&'*+/=?^_`{|}~.\u0080-\U0010ffff-]+|"(?:[^"\\]|\\.)*"|[ \t]+""")
_ANGLE = re.compile(r'<([^<>"()\\,;:\s]+)>')


@dataclass(frozen=True, slots=True)
class Author:
    """``address`` and its ``domain``, both in lower case."""

    address: str
    domain: str


@dataclass(frozen=True, slots=True)
class Unproven:
    """Why nothing is proven, for the reply and the log. ``temporary``: later it may be."""

    why: str
    temporary: bool = False


def read_fields(header_block: bytes) -> list[Field] | Unproven:
    """The fields, topmost first."""
    if not header_block.endswith(b"\r\n") or b"\0" in header_block:
        return Unproven("the header is malformed")
    fields: list[tuple[bytes, list[bytes]]] = []
    for line in header_block[:-2].split(b"\r\n"):
        if b"\r" in line or b"\n" in line:
            return Unproven("the header is malformed")
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1][1].append(line)
            continue
        name, colon, value = line.partition(b":")
        if not colon or not _NAME.fullmatch(name):
            return Unproven("the header is malformed")
        fields.append((name, [value]))
    if len(fields) > MOST_FIELDS:
        return Unproven(f"the header has more than {MOST_FIELDS} fields")
    return [(name, b"\r\n".join(lines) + b"\r\n") for name, lines in fields]


def values_of(fields: list[Field], name: bytes) -> list[bytes]:
    """The unfolded values of the fields of that name (lower case), topmost first."""
    return [unfold(value) for written, value in fields if written.lower() == name]


def unfold(value: bytes) -> bytes:
    """RFC 5322 2.2.3. A CR or LF can only be part of a fold: ``read_fields`` has seen to that."""
    return value.replace(b"\r\n", b"")


def read_author(fields: list[Field]) -> Author | Unproven:
    """The one author. Two ``From:`` fields are the oldest trick: one is signed, the other one is shown."""
    values = values_of(fields, b"from")
    if len(values) != 1:
        return Unproven("it has several From fields" if values else "it has no From field")
    try:
        text = values[0].decode().strip(" \t")
    except UnicodeDecodeError:
        return Unproven("its From field is malformed")
    mailbox = parse_mailbox(_address_in(text))
    if isinstance(mailbox, str) or not _is_plain(mailbox.text, mailbox.domain):
        return Unproven("its From field is not one plain address")
    return Author(mailbox.text.lower(), mailbox.domain.lower())


def _is_plain(text: str, domain: str) -> bool:
    return bool(domain) and domain.isascii() and not domain.startswith("[") and not text.startswith('"')


def _address_in(text: str) -> str:
    """The address in ``Name <address>``, else the text as it is, which may be no address.

    An unquoted @ in the name ("alice@example.com <mallory@example.net>") is no word, and the whole no address.
    """
    place = 0
    while found := _WORD.match(text, place):
        place = found.end()
    if (angle := _ANGLE.fullmatch(text, place)) is not None:
        return angle[1]
    return text
