"""XCLIENT: a mail server in front tells who its client is.

In: the argument of XCLIENT, from a peer that may say it. Out: what it names. Values are xtext; "[UNAVAILABLE]" and
"[TEMPUNAVAIL]" say that the peer does not know, and so does an address that nobody has.

STANDARDS: Postfix XCLIENT_README; RFC 3461 4 (xtext).
LIMITS: DESTADDR and DESTPORT are not offered.
"""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from mailfax.rules.status import Cause
from mailfax.smtpd.syntax import Malformed, decode_xtext

OFFER = "XCLIENT NAME ADDR PORT PROTO HELO LOGIN"
_UNKNOWN = frozenset({"[UNAVAILABLE]", "[TEMPUNAVAIL]"})
#: Attribute -> what its decoded value may be. Names, ports and protocols are read, and needed for nothing.
_GRAMMAR = {
    "NAME": re.compile(r"[!-~]{1,255}"),
    "ADDR": re.compile(r"(?:IPV6:)?[0-9A-F:.]+", re.IGNORECASE),
    "PORT": re.compile(r"[0-9]{1,5}"),
    "PROTO": re.compile(r"E?SMTP|LMTP", re.IGNORECASE),
    "HELO": re.compile(r"[ -~]{1,255}"),
    "LOGIN": re.compile(r"[ -~]{1,255}"),
}


@dataclass(frozen=True, slots=True)
class Named:
    """What XCLIENT names; None where it says nothing of it, "" where the peer does not know."""

    ip: str | None = None
    helo: str | None = None
    login: str | None = None


def read_xclient(argument: str) -> Named:
    """Raises ``Malformed``."""
    said: dict[str, str] = {}
    for word in argument.split():
        name, _, value = word.partition("=")
        name = name.upper()
        if name not in _GRAMMAR or not value or name in said:
            raise Malformed(Cause.PARAMETER, why=f"{OFFER}, each once, as name=value")
        said[name] = "" if value.upper() in _UNKNOWN else decode_xtext(name, value)
        if said[name] and not _GRAMMAR[name].fullmatch(said[name]):
            raise Malformed(Cause.PARAMETER, why=f"{name} is not understood")
    if not said:
        raise Malformed(Cause.COMMAND_SYNTAX, syntax=f"{OFFER}, each as name=value")
    return Named(_address(said["ADDR"]) if "ADDR" in said else None, said.get("HELO"), said.get("LOGIN"))


def _address(text: str) -> str:
    if not text:
        return ""
    try:
        address = ipaddress.ip_address(text[5:] if text[:5].upper() == "IPV6:" else text)
    except ValueError:
        raise Malformed(Cause.PARAMETER, why="ADDR is not an address") from None
    # Written as it came over a dual-stack socket, an IPv4 address is still one.
    return str(getattr(address, "ipv4_mapped", None) or address)
