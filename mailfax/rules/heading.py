"""What the header of an accepted mail tells about the fax: subject, Message-ID, and names for the cover page.

In: the header block as bytes. Out: ``Heading``. Whatever can't be read is empty: a header is never a reason to lose
a mail that was accepted.

STANDARDS: RFC 5322 (fields), RFC 2047 (encoded words).
"""

from __future__ import annotations

import email.utils
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mailfax.rules.charset import decode
from mailfax.rules.encoded_word import decoded_header

#: Pythons with the mending of CVE-2023-27043 give nothing at all for a field in which one address is written badly.
#: Here a name is only ever used for the very address that the envelope names, so reading the others is harmless.
LENIENT: dict[str, Any] = {"strict": False} if getattr(email.utils, "supports_strict_parsing", False) else {}
#: No header worth reading is longer; what follows is not looked at.
LONGEST = 65_536
#: The fields that are read, with their folded values. Every mail passes here, and a parser of messages takes thrice
#: the time.
_FIELD = re.compile(
    rb"^(subject|message-id|from|to|cc|importance|x-priority|priority)[ \t]*:(.*(?:\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
#: How mail programs say that a message is important (RFC 2156 5.3.4 and 5.3.6; X-Priority of many, "1 (Highest)").
_URGENT = {
    b"importance": re.compile(r"\s*high\b", re.IGNORECASE),
    b"priority": re.compile(r"\s*urgent\b", re.IGNORECASE),
    b"x-priority": re.compile(r"\s*[12]\b"),
}
#: The fields that are seen on a fax, or say how its content is to be read.
_CARRIED = re.compile(
    rb"^(?:subject|from|to|cc|content-[a-z-]+)[ \t]*:.*(?:\n[ \t].*)*", re.IGNORECASE | re.MULTILINE
)
#: An address with nothing beside it, as most programs write it: there is no name to be read.
_BARE = re.compile(r"\s*<?[^\s<>()\[\]\\,;:\"]+>?\s*")
_BOUNDARY = re.compile(rb'\bboundary[ \t]*=[ \t]*(?:"[^"]*"|[^\s;"]+)', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Heading:
    """``names`` maps an address of To or Cc, in lower case, to the display name that stood before it. ``author`` is
    the display name in From, "" where there is none: a name for people, which proves nothing."""

    subject: str = ""
    message_id: str = ""
    names: dict[str, str] = field(default_factory=dict)
    author: str = ""
    urgent: bool = False  #: its sender's mail program was told that it is important


def read_heading(header: bytes) -> Heading:
    """Read the header block of a mail."""
    fields: dict[bytes, list[str]] = {}
    for name, value in _FIELD.findall(header[:LONGEST]):
        fields.setdefault(name.lower(), []).append(_read(value.strip()))
    recipients = fields.get(b"to", []) + fields.get(b"cc", [])
    names: dict[str, str] = {}
    for name, address in _named(recipients):
        # The display name of *this* recipient only: another one's name must never stand on the cover.
        names.setdefault(address.casefold(), name)
    return Heading(
        subject=one_line(fields.get(b"subject", [""])[0]),
        message_id=read_message_id(fields.get(b"message-id", [""])[0]),
        names=names,
        author=next((name for name, address in _named(fields.get(b"from", []))), ""),
        urgent=any(sign.match(value) for name, sign in _URGENT.items() for value in fields.get(name, [])),
    )


def carried(header: bytes) -> str:
    """What a header says of the fax, as a digest: the same for two mails that differ in what is written anew each
    time (Date, Message-ID, Received, the boundary of parts)."""
    return hashlib.sha256(b"\n".join(_BOUNDARY.sub(b"", field) for field in _CARRIED.findall(header))).hexdigest()


def one_line(value: str | bytes) -> str:
    """A header value as one line of text: encoded words decoded, without controls and marks that turn the writing."""
    octets = value.encode("utf-8", "surrogateescape") if isinstance(value, str) else value
    text = decoded_header(octets) if isinstance(value, bytes) or "=?" in value else value
    text = text if text.isprintable() else "".join(char if char.isprintable() else " " for char in text)
    return " ".join(text.split())


def _named(values: list[str]) -> Iterator[tuple[str, str]]:
    """(display name, address) of each that has both."""
    beside = [value for value in values if not _BARE.fullmatch(value)]
    for display, address in _addresses(beside) if beside else ():
        # Decoded only now: an encoded "Builder, Bob" has a comma that separates nothing.
        name = one_line(display)
        if name and address and not _is_address_again(name, address):
            yield name, address


def read_message_id(value: str | bytes) -> str:
    """A Message-ID that may be quoted in References, or nothing: a broken one must not break our own header."""
    text = (value if isinstance(value, str) else value.decode("latin-1")).strip()
    good = text.startswith("<") and text.endswith(">") and text.isascii() and text.isprintable() and " " not in text
    return text if good and len(text) <= 250 else ""


def _addresses(values: list[str]) -> list[tuple[str, str]]:
    """(display name, address) of each; none where comments are nested to hurt: the parser recurses into "(((("."""
    try:
        return email.utils.getaddresses(values, **LENIENT)
    except RecursionError:
        return []


def _read(value: bytes) -> str:
    """A raw header value as text; its encoded words are read later, when the addresses are apart."""
    return decode(value).text


def _is_address_again(name: str, address: str) -> bool:
    """Mail clients repeat the address as its own name; that is no name for a cover page."""
    return name.strip("'\" ").casefold() in (address.casefold(), address.partition("@")[0].casefold())
