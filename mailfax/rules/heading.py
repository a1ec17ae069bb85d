"""What the header of an accepted mail tells about the fax: subject, Message-ID, and names for the cover page.

In: the header block as bytes. Out: ``Heading``. Whatever can't be read is empty: a header is never a reason to lose
a mail that was accepted.

STANDARDS: RFC 5322 (fields), RFC 2047 (encoded words).
"""

from __future__ import annotations

import email.parser
import email.policy
import email.utils
from dataclasses import dataclass, field
from email.header import decode_header, make_header

#: No header worth reading is longer; what follows is not looked at.
LONGEST = 65_536


@dataclass(frozen=True, slots=True)
class Heading:
    """``names`` maps an address of To or Cc, in lower case, to the display name that stood before it."""

    subject: str = ""
    message_id: str = ""
    names: dict[str, str] = field(default_factory=dict)


def read_heading(header: bytes) -> Heading:
    """Read the header block of a mail."""
    # compat32 keeps raw values and never raises; the modern policy raises on headers seen in the wild.
    message = email.parser.BytesHeaderParser(policy=email.policy.compat32).parsebytes(header[:LONGEST])
    names: dict[str, str] = {}
    fields = [_decoded(value) for name in ("To", "Cc") for value in message.get_all(name, [])]
    for name, address in email.utils.getaddresses(fields):
        # The display name of *this* recipient only: another one's name must never stand on the cover.
        if name and address and not _is_address_again(name, address):
            names.setdefault(address.casefold(), " ".join(name.split()))
    return Heading(
        subject=_decoded(message.get("Subject", "")),
        message_id=_message_id(str(message.get("Message-ID", ""))),
        names=names,
    )


def _decoded(value: object) -> str:
    """A header value as one line of text, whatever charset it claims."""
    raw = str(value) if not isinstance(value, str) else value
    try:
        # Raw 8-bit headers (copiers) come as surrogates: read them as UTF-8, else Windows Latin.
        plain = raw.encode("ascii", "surrogateescape")
        try:
            raw = plain.decode("utf-8")
        except UnicodeDecodeError:
            raw = plain.decode("cp1252", "replace")
    except UnicodeEncodeError:
        pass
    try:
        text = str(make_header(decode_header(raw)))
    except (LookupError, ValueError, UnicodeError):
        text = raw
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _message_id(value: str) -> str:
    """A Message-ID that may be quoted in References, or nothing: a broken one must not break our own header."""
    text = value.strip()
    good = text.startswith("<") and text.endswith(">") and text.isascii() and text.isprintable() and " " not in text
    return text if good and len(text) <= 250 else ""


def _is_address_again(name: str, address: str) -> bool:
    """Mail clients repeat the address as its own name; that is no name for a cover page."""
    return name.strip("'\" ").casefold() in (address.casefold(), address.partition("@")[0].casefold())
