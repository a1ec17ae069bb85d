"""What SMTP told us about a mail: frozen values that the door makes and everybody else reads.

STANDARDS: RFC 5321 (envelope), RFC 3461 (RET, ENVID, NOTIFY, ORCPT).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Notify(enum.StrEnum):
    """What a sender wants to hear about (RFC 3461 4.1)."""

    NEVER = "NEVER"
    SUCCESS = "SUCCESS"
    FAILURE = "FAILURE"
    DELAY = "DELAY"


@dataclass(frozen=True, slots=True)
class Client:
    """Who is connected. ``ip`` is the true client address, as text; ``login`` is empty without AUTH."""

    listener: str
    ip: str
    helo: str = ""
    login: str = ""
    esmtp: bool = True
    tls: bool = False
    device: bool = False


@dataclass(frozen=True, slots=True)
class FaxNumber:
    """A number as it will be dialled and as its sender wrote it.

    ``dialled``: digits only, as FaxCore takes them: country code first (NANP: 11 digits).
    ``written``: the local part of the address as it came.
    """

    dialled: str
    written: str
    region: str = ""
    subaddress: str = ""

    def __post_init__(self) -> None:
        if not self.dialled.isascii() or not self.dialled.isdigit():
            raise ValueError("a dialled number has digits only")


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO: one fax number, or our postmaster (then ``number`` is None).

    ``notify`` is None where the sender did not say; ``orcpt`` is ``type;address`` decoded from xtext, or "".
    """

    address: str
    number: FaxNumber | None
    notify: frozenset[Notify] | None = None
    orcpt: str = ""
    cover: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Grant:
    """What the sender rule that matched gives: through which account, and as whom on the cover."""

    account: str
    name: str = ""
    company: str = ""
    notify: str = ""
    success_notice: bool = True


@dataclass(frozen=True, slots=True)
class Envelope:
    """One SMTP transaction: ``sender`` is "" for the null reverse-path; ``ret`` is "", "FULL" or "HDRS"."""

    sender: str
    recipients: tuple[Recipient, ...]
    client: Client
    grant: Grant
    ret: str = ""
    envid: str = ""
    smtputf8: bool = False
