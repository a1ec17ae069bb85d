"""What SMTP told us about a mail: frozen values thin SMTP makes and everybody else reads.

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
    """Who is connected. ``ip`` is the true client address, as text; ``login`` is empty without AUTH.

    ``proof`` is what proves a sender on this listener: "auth", "network" or "dmarc"; "pages" of who signed in there
    and writes as one of their own addresses. ``relayed``: ``ip`` is one of the listener's ``relays``, and so not the
    true client's, which only the mail's own header will tell.
    """

    listener: str
    ip: str
    helo: str = ""
    login: str = ""
    esmtp: bool = True
    tls: bool = False
    device: bool = False
    proof: str = "network"
    lmtp: bool = False
    relayed: bool = False


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


#: Among the cover fields of an address: the pages are mailed back, and nothing is faxed. No address can write it.
PREVIEW = ("preview", "yes")


@dataclass(frozen=True, slots=True)
class Destination:
    """What one RCPT TO means: fax numbers (several for a list), with cover fields that stood in the address.

    Without numbers it is our postmaster, or, with ``in_subject``, the mailbox whose mails have their number in the
    subject, or, with ``in_list``, the one whose numbers are in an attached CSV file, or a preview. ``cover``: (key,
    value) pairs such as ("to", "Jane Doe").
    """

    numbers: tuple[FaxNumber, ...] = ()
    cover: tuple[tuple[str, str], ...] = ()
    in_subject: bool = False
    in_list: bool = False

    @property
    def is_preview(self) -> bool:
        return PREVIEW in self.cover


@dataclass(frozen=True, slots=True)
class Recipient:
    """One RCPT TO: one fax number, or a preview that is for no number (then ``number`` is None).

    ``notify`` is None where the sender did not say; ``orcpt`` is ``type;address`` decoded from xtext, or "".
    """

    address: str
    number: FaxNumber | None
    notify: frozenset[Notify] | None = None
    orcpt: str = ""
    cover: tuple[tuple[str, str], ...] = ()

    @property
    def is_preview(self) -> bool:
        return PREVIEW in self.cover


@dataclass(frozen=True, slots=True)
class Postmaster:
    """One RCPT TO that is our postmaster: the mail itself is passed on to him."""

    address: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What the sender rule that matched gives: through which account, as whom on the cover, and how much a day.

    ``payer`` is whose quota is used: the login, else the owner, else the sender, in lower case.
    """

    account: str
    name: str = ""
    company: str = ""
    notify: str = ""
    success_notice: bool = True
    notice_content: str = "thumbnail"  #: or "none", "pdf", "original": what notifications show of a fax
    payer: str = ""
    faxes_per_day: int = 0
    pages_per_day: int = 0
    cover_page: str = "with-text"  #: one of ``rules.cover.MODES``
    body: str = "fax"  #: "ignore": the text of a mail that has files is left out
    strip: tuple[str, ...] = ()  #: what is taken from the end of a text: "signature", "quote"
    undo_seconds: float = 0.0  #: for so long its faxes wait, so that they can still be cancelled
    hours: tuple[str, ...] = ()  #: when its faxes are handed over; none: at any time
    timezone: str = "UTC"  #: what those hours, and the time that a mail asks for, mean
    language: str = "en"  #: of its notifications
    priority: str = "normal"  #: "high", or "asked": high where the message asks for it
    outcome_webhook: str = ""  #: the URL of a program that hears of each outcome


@dataclass(frozen=True, slots=True)
class Proven:
    """What DKIM, SPF and DMARC say of one mail, by our own check or by a relay that we believe.

    ``address`` is the author in ``From:`` where its domain is proven by an aligned pass, in lower case; "" where not.
    ``temporary``: it could not be found out now (DNS). ``why`` is for the reply and the log, without secrets.
    """

    address: str
    why: str
    temporary: bool = False


@dataclass(frozen=True, slots=True)
class Envelope:
    """One SMTP transaction: ``sender`` is "" for the null reverse-path; ``ret`` is "", "FULL" or "HDRS"."""

    sender: str
    recipients: tuple[Recipient | Postmaster, ...]
    client: Client
    grant: Grant
    ret: str = ""
    envid: str = ""
    smtputf8: bool = False

    @property
    def faxes(self) -> tuple[Recipient, ...]:
        """The recipients but for our postmaster."""
        return tuple(each for each in self.recipients if isinstance(each, Recipient))

    @property
    def to_postmaster(self) -> bool:
        return len(self.faxes) < len(self.recipients)
