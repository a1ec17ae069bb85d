"""Kinds of keys that name somebody, or where a fax may go: mailboxes, senders, users, countries, destinations.

In: a value as ``tomllib`` made it. Out: text. Raises ``Unfit``.

STANDARDS: RFC 5321 4.1.2 (mailbox; no quoted local parts, no address literals), RFC 7617 2 (user names of HTTP
Basic), ISO 3166-1 (country codes).
"""

from __future__ import annotations

import re
import unicodedata

from mailfax.config.kinds import Unfit, some_text, text
from mailfax.config.places import HOST

_ATOM = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_LOCAL_PART = re.compile(rf"(?=.{{1,64}}$){_ATOM}(?:\.{_ATOM})*")
_LOCAL_NAME = re.compile(r"[^\W_][\w-]*(?:\.[\w-]+)*")
_WHOLE_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_CALLER = re.compile(r"\+?[0-9]+\*?")
LONGEST_USER_NAME = 255
#: What a destination may be beside a region and the beginning of a number.
DESTINATION_WORDS = (
    "*",
    "home",
    "international",
    "premium",
    "shared-cost",
    "personal",
    "pager",
    "satellite",
)


def mailbox(value: object) -> str:
    """A mail address as RFC 5321 dot-strings have it; its domain lower-cased, its local part as it was written."""
    written = text(value)
    local, at, host = written.rpartition("@")
    if not at or not _LOCAL_PART.fullmatch(local) or not HOST.fullmatch(host):
        raise Unfit(f'"{written}" is not a mail address; write it like office@example.com')
    return f"{local}@{host.lower()}"


def mailbox_or_nobody(value: object) -> str:
    """A mail address, or "" for none."""
    return mailbox(value) if text(value) else ""


def sender(value: object) -> str:
    """An exact mail address or, as "@example.com", a whole domain."""
    written = text(value)
    if written.startswith("@") and HOST.fullmatch(written[1:]):
        return written.lower()
    try:
        # RFC 5321 allows "*" in a local part; here it would be a wildcard that never matches.
        if "*" not in written:
            return mailbox(value)
    except Unfit:
        pass
    raise Unfit(
        f'"{written}" is neither an address nor a domain; write "alice@example.com" for one sender '
        'or "@example.com" for a whole domain'
    )


def local_name(value: object) -> str:
    """What may stand before the "@" and is no number: lower-cased, with a letter in it."""
    name = text(value).lower()
    if not _LOCAL_NAME.fullmatch(name) or not any(sign.isalpha() for sign in name):
        raise Unfit(
            f'"{name}" is not a name before an @; write one of letters, digits, ".", "-" and "_", like "scan"'
        )
    if name == "postmaster":
        raise Unfit("postmaster is reached by every mail server (RFC 5321 4.5.1); write another name")
    return name


def local_name_or_none(value: object) -> str:
    """A name before the "@", or "" for none."""
    return local_name(value) if text(value) else ""


def user_name(value: object) -> str:
    """A name to log in with (AUTH): NFKC, without blanks around it. Upper and lower case are the same to all."""
    name = unicodedata.normalize("NFKC", text(value)).strip()
    if not name:
        raise Unfit('a user name without a sign; write it like "alice"')
    if ":" in name or name.startswith("#"):
        raise Unfit(f'"{name}" is not a user name: ":" and a leading "#" have a meaning in the password file')
    if len(name) > LONGEST_USER_NAME:
        raise Unfit(f"a user name of {len(name)} signs; write at most {LONGEST_USER_NAME}")
    return name


def login(value: object) -> str:
    """A user name for HTTP Basic: no colon, which separates it from the password (RFC 7617 2)."""
    name = some_text(value)
    if ":" in name:
        raise Unfit("a colon can't stand in a user name (RFC 7617); write the name without it")
    return name


def whole_number(value: object) -> str:
    """A fax number with its country code; its digits alone."""
    written = text(value)
    if not _WHOLE_NUMBER.fullmatch(written):
        raise Unfit(f'"{written}" is not a whole number; write it like "+15551234567"')
    return written.removeprefix("+")


def caller(value: object) -> str:
    """Who calls: "unknown", a number, or how numbers begin and "*"; separators say nothing."""
    written = text(value)
    bare = re.sub(r"[ ().-]", "", written).lower()
    if bare == "unknown" or _CALLER.fullmatch(bare):
        return bare
    raise Unfit(
        f'"{written}" is no caller; write a number ("+15551234567"), how numbers begin ("+1555*"), or "unknown"'
    )


def country(value: object) -> str:
    """An ISO 3166-1 alpha-2 code of a country whose numbering plan is known."""
    from phonenumbers import SUPPORTED_REGIONS

    written = text(value)
    code = written.upper()
    if code not in SUPPORTED_REGIONS:
        raise Unfit(f'"{written}" is not a country; write its two letters (ISO 3166), for example "US"')
    return code


def destination(value: object) -> str:
    """A pattern of destinations, as ``values.Destinations`` has them; regions in upper case."""
    from phonenumbers import SUPPORTED_REGIONS

    written = text(value)
    if written.lower() in DESTINATION_WORDS:
        return written.lower()
    if written.upper() in SUPPORTED_REGIONS:
        return written.upper()
    if re.fullmatch(r"\+[1-9][0-9]{0,14}", written):
        return written
    words = ", ".join(f'"{word}"' for word in DESTINATION_WORDS)
    raise Unfit(
        f'"{written}" is not a destination; write {words}, two letters of a country or how numbers begin: "+1876"'
    )
