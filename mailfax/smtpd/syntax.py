"""Arguments of MAIL and RCPT: paths and parameters, read strictly and with their case kept.

In: what stands behind ``MAIL FROM:`` or ``RCPT TO:``. Out: the path without brackets and its parameters, or
``Malformed`` with the cause and the words of the reply.

STANDARDS: RFC 5321 4.1.1.2, 4.1.1.3 and 4.1.2; RFC 1870 (SIZE); RFC 6152 (BODY); RFC 6531 (SMTPUTF8); RFC 3461 4
(RET, ENVID, NOTIFY, ORCPT, xtext) and 5.1 (invalid or repeated: 501); RFC 6533 3 (ORCPT of type utf-8); RFC 4954 5
(AUTH=, read and passed over).
LIMITS: without angle brackets, as some copiers write, nothing but name=value may follow the address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from mailfax.rules.envelope import Notify
from mailfax.rules.status import Cause

_KEYWORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_VALUE = re.compile(r"[!-<>-~\u0080-\U0010ffff]+")
_QUOTED_OR_PLAIN = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^">])*')
_XTEXT = re.compile(r"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*")
#: RFC 3461 4.2: an atom, of which "+" and "=" can't stand in the value of a parameter.
_ADDRESS_TYPE = re.compile(r"[A-Za-z0-9!#$%&'*/?^_`{|}~-]+")
#: RFC 6533 3: everything printable but "+", "=" and "\\", any other sign as \\x{HEX} or as itself.
_UTF8_ADDRESS = re.compile(r"(?:[!-*,-<>-\[\]-~\u0080-\U0010ffff]|\\x\{(?:[1-9A-F][0-9A-F]{0,5})\})*")
_NOT_ASCII = re.compile(r"[^\x00-\x7f]")
#: RFC 3461 4.4 and 4.2.
_ENVID_OCTETS, _ORCPT_OCTETS = 100, 500


class Malformed(Exception):
    """What was said can't be read; ``cause`` and ``facts`` are the row of the table and what fills its sentence."""

    def __init__(self, cause: Cause, **facts: object) -> None:
        super().__init__(cause.name)
        self.cause = cause
        self.facts = facts


@dataclass(frozen=True, slots=True)
class MailParameters:
    """``size`` in bytes, 0 where unknown; ``envid`` decoded; ``ret`` "", "FULL" or "HDRS"."""

    size: int = 0
    ret: str = ""
    envid: str = ""
    smtputf8: bool = False


@dataclass(frozen=True, slots=True)
class RcptParameters:
    """``notify`` None where nothing was said; ``orcpt`` is ``type;address``, decoded."""

    notify: frozenset[Notify] | None = None
    orcpt: str = ""


def split_path(argument: str, keyword: str, *, syntax: str, device: bool = False) -> tuple[str, str]:
    """(the path without angle brackets, what follows it) of ``FROM:<path> parameters``.

    Spaces after the colon are taken: copiers send them (and a reader that is strict there protects nobody). Some
    send no brackets either (``device``).
    """
    if argument[: len(keyword)].upper() != keyword:
        raise Malformed(Cause.COMMAND_SYNTAX, syntax=syntax)
    rest = argument[len(keyword) :].lstrip(" ")
    if not rest.startswith("<"):
        if device:
            return _split_bare_path(rest, syntax)
        raise Malformed(Cause.COMMAND_SYNTAX, syntax=syntax)
    found = _QUOTED_OR_PLAIN.match(rest, 1)
    end = found.end() if found else 1
    if rest[end : end + 1] != ">" or rest[end + 1 : end + 2] not in ("", " "):
        raise Malformed(Cause.COMMAND_SYNTAX, syntax=syntax)
    return rest[1:end], rest[end + 1 :].strip(" ")


def _split_bare_path(rest: str, syntax: str) -> tuple[str, str]:
    """``555 1234567`` would be the number 555 with a parameter of that odd name: it is not guessed at."""
    path, _, parameters = rest.partition(" ")
    if set("<>") & set(path) or not all("=" in word for word in parameters.split()):
        raise Malformed(Cause.COMMAND_SYNTAX, syntax=syntax)
    return path, parameters.strip(" ")


def mail_parameters(text: str, *, device: bool = False) -> MailParameters:
    """Parameters of MAIL; unknown ones of a device are passed over. Raises ``Malformed``."""
    if not text:
        return _NOTHING_SAID_OF_MAIL
    said = _parameters(text, known=_OF_MAIL, device=device)
    size = said.get("SIZE", "0")
    if not re.fullmatch(r"[0-9]{1,20}", size):
        raise Malformed(Cause.PARAMETER, why="SIZE is a number of bytes")
    if said.get("BODY", "7BIT").upper() not in ("7BIT", "8BITMIME"):
        raise Malformed(Cause.PARAMETER, why="BODY is 7BIT or 8BITMIME")
    if said.get("SMTPUTF8"):
        raise Malformed(Cause.PARAMETER, why="SMTPUTF8 takes no value")
    if "AUTH" in said and said["AUTH"] != "<>":
        decode_xtext("AUTH", said["AUTH"])
    ret = said.get("RET", "").upper()
    if "RET" in said and ret not in ("FULL", "HDRS"):
        raise Malformed(Cause.PARAMETER, why="RET is FULL or HDRS")
    envid = decode_xtext("ENVID", said["ENVID"]) if "ENVID" in said else ""
    if len(said.get("ENVID", "")) > _ENVID_OCTETS:
        raise Malformed(Cause.PARAMETER, why=f"ENVID is longer than {_ENVID_OCTETS} characters")
    return MailParameters(int(size), ret, envid, "SMTPUTF8" in said)


def rcpt_parameters(text: str, *, device: bool = False) -> RcptParameters:
    """Parameters of RCPT; unknown ones of a device are passed over. Raises ``Malformed``."""
    if not text:
        return _NOTHING_SAID_OF_RCPT
    said = _parameters(text, known=_OF_RCPT, device=device)
    notify = None
    if "NOTIFY" in said:
        words = said["NOTIFY"].upper().split(",")
        if not set(words) <= set(Notify) or len(set(words)) < len(words) or ("NEVER" in words and len(words) > 1):
            raise Malformed(Cause.PARAMETER, why="NOTIFY is NEVER, or a list of SUCCESS, FAILURE and DELAY")
        notify = frozenset(map(Notify, words))
    return RcptParameters(notify, _original_recipient(said["ORCPT"]) if "ORCPT" in said else "")


def _original_recipient(text: str) -> str:
    kind, semicolon, address = text.partition(";")
    if not (semicolon and address and _ADDRESS_TYPE.fullmatch(kind)):
        raise Malformed(Cause.PARAMETER, why="ORCPT is type;address")
    if len(text) > _ORCPT_OCTETS:
        raise Malformed(Cause.PARAMETER, why=f"ORCPT is longer than {_ORCPT_OCTETS} characters")
    if kind.lower() != "utf-8":
        return f"{kind};{decode_xtext('ORCPT', address)}"
    if not _UTF8_ADDRESS.fullmatch(address):
        raise Malformed(Cause.PARAMETER, why="ORCPT of type utf-8 is not written as RFC 6533 3 wants it")
    # As it may stand in a report that is ASCII.
    return f"{kind};" + _NOT_ASCII.sub(lambda found: f"\\x{{{ord(found[0]):X}}}", address)


def _parameters(text: str, *, known: frozenset[str], device: bool) -> Mapping[str, str]:
    """Keyword (upper case) -> value as it came. Unknown ones are 555, broken or repeated ones 501."""
    said: dict[str, str] = {}
    for word in text.split(" "):
        if not word:
            continue
        name, equals, value = word.partition("=")
        keyword = name.upper()
        if device and keyword not in known:
            continue
        if not _KEYWORD.fullmatch(name) or (equals and not _VALUE.fullmatch(value)):
            raise Malformed(Cause.PARAMETER, why=f'"{word}" is not keyword=value')
        if keyword not in known:
            raise Malformed(Cause.PARAMETER_UNKNOWN, name=name)
        if keyword in said:
            raise Malformed(Cause.PARAMETER, why=f"{keyword} is given twice")
        if not equals and keyword != "SMTPUTF8":
            raise Malformed(Cause.PARAMETER, why=f"{keyword} needs a value")
        said[keyword] = value
    return said


def decode_xtext(name: str, text: str) -> str:
    """RFC 3461 4: printable ASCII except "+" and "=", others as +HH. Controls would end up in our own letters."""
    if not _XTEXT.fullmatch(text):
        raise Malformed(Cause.PARAMETER, why=f"{name} is not xtext")
    if "+" not in text:
        return text
    decoded = re.sub(r"\+([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), text)
    if not all(" " <= char <= "~" for char in decoded):
        raise Malformed(Cause.PARAMETER, why=f"{name} contains control or 8-bit characters")
    return decoded


_OF_MAIL = frozenset({"SIZE", "BODY", "SMTPUTF8", "RET", "ENVID", "AUTH"})
_OF_RCPT = frozenset({"NOTIFY", "ORCPT"})
#: Most commands have no parameters.
_NOTHING_SAID_OF_MAIL, _NOTHING_SAID_OF_RCPT = MailParameters(), RcptParameters()
