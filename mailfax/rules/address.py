"""Addresses of mail: a strict reader of mailboxes.

In: the text between the angle brackets of MAIL FROM or RCPT TO. Out: a ``Mailbox``, or the reason why it is none.
Nothing is repaired: a library reads ``(555)1234567@fax.local`` as a comment and a number and dials 1234567; here
brackets outside quotes are an error, and inside quotes they are just separators.

STANDARDS: RFC 5321 4.1.2 (grammar), 4.5.3.1 (lengths), 3.6.1 (source routes may be refused), RFC 6531 3.3 (UTF-8).
LIMITS: no source routes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LOCAL_PART_OCTETS, DOMAIN_OCTETS = 64, 255

_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\u0080-\U0010ffff-]"
_DOT_STRING = re.compile(rf"{_ATEXT}+(?:\.{_ATEXT}+)*")
_QUOTED = re.compile(r'"((?:[ !#-\[\]-~\u0080-\U0010ffff]|\\[ -~])*)"')
_LABEL = r"[A-Za-z0-9_\u0080-\U0010ffff](?:[A-Za-z0-9_\u0080-\U0010ffff-]*[A-Za-z0-9_\u0080-\U0010ffff])?"
# Underscores are no hostname, but copiers and Windows domains have them (RFC 5321 2.3.5 would refuse).
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*|\[[A-Za-z0-9.:-]+\]")


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address taken apart. ``local`` is without quotes and escapes; ``domain`` is "" where there was none."""

    local: str
    domain: str
    text: str


def parse_mailbox(text: str) -> Mailbox | str:
    """The mailbox that ``text`` (without angle brackets) is, or the reason why it is none."""
    if text.startswith("@"):
        return "source routes are not taken"
    if not text.isprintable():  # also U+2028 and its like, which would break lines of logs and letters
        return "it contains a character that no address may have"
    if text.startswith('"'):
        found = _QUOTED.match(text)
        if found is None:
            return "a quote is not closed"
        local, end = re.sub(r"\\(.)", r"\1", found[1]), found.end()
    else:
        end = text.find("@") if "@" in text else len(text)
        local = text[:end]
        if not _DOT_STRING.fullmatch(local):
            return _why_no_local_part(local)
    rest = text[end:]
    if len(text[:end].encode()) > LOCAL_PART_OCTETS:
        return f"more than {LOCAL_PART_OCTETS} characters before the @"
    if not rest:
        return Mailbox(local, "", text)
    if not rest.startswith("@") or not _DOMAIN.fullmatch(rest[1:]) or len(rest.encode()) > DOMAIN_OCTETS + 1:
        return "what stands after the @ is not a domain"
    return Mailbox(local, rest[1:], text)


def fold_domain(domain: str) -> str:
    """The form in which two spellings of one domain are equal: lower case, and ASCII for IDNs (RFC 5891)."""
    try:
        return domain.encode("idna").decode("ascii").lower()
    except UnicodeError:
        return domain.casefold()


def _why_no_local_part(local: str) -> str:
    if not local:
        return "nothing stands before the @"
    if any(char in " ()" for char in local):
        return 'spaces and brackets may stand in an address only between quotes ("...")'
    if local.strip(".") != local or ".." in local:
        return "dots may not stand first, last or together"
    return "it contains a character that no address may have"
