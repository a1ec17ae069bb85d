"""The values that the spool keeps: message, document, fax job, received fax, letter. Frozen; changed by copying.

All times are seconds since 1970 UTC on the spool's clock. A value read from the spool carries the ``version`` it
was read at; a commit that changes it is guarded by that version, so that two processes never change one thing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from mailfax.rules.envelope import Notify
from mailfax.rules.send_time import Window
from mailfax.rules.states import (
    INBOUND,
    JOB,
    LETTER,
    InboundEvent,
    InboundState,
    JobEvent,
    JobState,
    LetterEvent,
    LetterState,
)


@dataclass(frozen=True, slots=True)
class Status:
    """The answer to "what became of it": never empty.

    ``code`` is an RFC 3463 code ("5.4.1"), ``sentence`` is for people, ``diagnostic`` is what FaxCore or we said
    ("x-faxcore; Failed", "x-mailfax; expired").
    """

    code: str
    sentence: str
    diagnostic: str

    def __post_init__(self) -> None:
        if not (self.code and self.sentence and self.diagnostic):
            raise ValueError("a status is never empty")


@dataclass(frozen=True, slots=True)
class Message:
    """A mail that was answered 250."""

    queue_id: str
    received_at: float
    sender: str
    ret: str
    envid: str
    client_ip: str
    listener: str
    login: str
    account: str
    sender_name: str
    sender_company: str
    owner: str  #: who hears instead of the sender (rule's ``notify``), or ""
    success_notice: bool
    header_message_id: str  #: Message-ID of the mail, for threading, or ""
    subject: str  #: decoded, one line
    content_id: str
    size: int
    payer: str = ""  #: whose quota this uses (``Grant.payer``)
    faxes_per_day: int = 0  #: what the payer's rule said when it was accepted; 0 is no quota
    pages_per_day: int = 0
    cover_page: str = "with-text"  #: the sender's mode when it was accepted (``rules.cover.MODES``)
    body: str = "fax"  #: "ignore": its text is left out where it has files
    strip: str = ""  #: what is taken from the end of its text: "signature", "quote", or both with a comma
    hours: str = ""  #: when its faxes are handed over, with commas; "": at any time
    timezone: str = "UTC"  #: in which those hours are meant
    notice_content: str = "thumbnail"  #: what notifications show of its faxes; see ``Grant``
    language: str = ""  #: of its notifications; "": the site's
    outcome_webhook: str = ""  #: the URL of a program that hears of each outcome, or ""

    @property
    def hears(self) -> str:
        """The address that gets the answers: the owner where the rule names one, else the envelope sender."""
        return self.owner or self.sender


@dataclass(frozen=True, slots=True)
class Document:
    """The pages made from a submission: one for all recipients of a mail.

    ``state`` is "pending", "ready", "impossible" or "unneeded" (no job waits for it any more). ``notes`` is the short
    body text for the cover.
    ``contents`` says what is in it, ``skipped`` names what was left out; both for people, in order.
    """

    message: str
    state: str
    attempts: int
    next_attempt_at: float
    version: int
    epoch: int = 0
    lease_until: float = 0.0
    content_id: str = ""
    filename: str = ""
    pages: int | None = None
    notes: str = ""
    contents: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    cover: str = "yes"  #: "yes" or "no": whether a job that asks for nothing gets a cover page
    render_key: str = ""  #: of what it was made (``rules.sameness``)
    slow: bool = False  #: it took longer than the quick lane allows


@dataclass(frozen=True, slots=True)
class Spelling:
    """One RCPT TO that means a fax: the address as it came, and what was asked for with it."""

    address: str
    orcpt: str
    notify: frozenset[Notify] | None


#: What a job waits for, by its state: each has a moment of its own.
NEXT = {
    JobState.ACCEPTED: "submit_at",
    JobState.READY: "submit_at",
    JobState.DEFERRED: "submit_at",
    JobState.SUBMITTED: "track_at",
    JobState.IN_DOUBT: "reconcile_at",
}


@dataclass(frozen=True, slots=True)
class FaxJob:
    """One document to one number: the unit of fate."""

    queue_id: str
    message: str
    account: str
    address: str  #: RCPT TO as it came
    number: str  #: digits as dialled
    recipient_name: str
    notify: frozenset[Notify] | None
    orcpt: str
    reference: str  #: one for all attempts, unique
    state: JobState
    accepted_at: float
    expires_at: float
    submit_at: float  #: not handed to FaxCore before
    track_at: float = 0.0  #: FaxCore is asked how it went
    reconcile_at: float = 0.0  #: it is looked for, since nobody knows whether FaxCore has it
    version: int = 0
    attempts: int = 0
    epoch: int = 0
    lease_until: float = 0.0
    fax_id: str = ""
    submitting_at: float = 0.0  #: when the newest attempt began
    last_byte_at: float = 0.0  #: last possible moment of acceptance, for the proof of absence
    last_byte_elapsed: float = 0.0  #: the same in seconds since ``last_byte_boot``, which nobody can set
    last_byte_boot: str = ""  #: "": not known
    submitted_at: float = 0.0
    absences: int = 0  #: full listings that did not show it
    cancel_requested: bool = False
    delay_told: bool = False
    ended_at: float = 0.0
    pages: int | None = None
    pages_delivered: int | None = None
    status: Status | None = None  #: its end; of a fax in doubt: its end if it is proven absent
    subject: str | None = None  #: of the cover, where the address gave one; else the mail's
    cover: str = ""  #: "yes" or "no" where the address or the mail asks for it; "" leaves it to the document
    preview: bool = False  #: mailed back and never handed to FaxCore; then ``number`` may be ""
    paper: str = ""  #: "letter" or "a4", as the recipient's country has it; "" is the site's own
    not_before: float = 0.0  #: not handed over before; 0: at once
    not_after: float = 0.0  #: nor from then on, but in its next hours; 0: no end
    waits_until: str = ""  #: what ``not_before`` is, for people: "18:00, as asked"
    code: str = ""  #: the billing code that its sender gave
    priority: str = ""  #: "high": it goes before others that wait
    also: tuple[Spelling, ...] = ()  #: further recipients that mean the same fax

    @property
    def spellings(self) -> tuple[Spelling, ...]:
        """Every recipient that means this fax, in the order in which they came."""
        return (Spelling(self.address, self.orcpt, self.notify), *self.also)

    def has_cover(self, document: Document) -> bool:
        """Whether this fax gets a cover page."""
        return (self.cover or document.cover) == "yes"

    def after(self, event: JobEvent, **changes: Any) -> FaxJob:
        """This job after ``event``, with ``changes`` to its other fields; raises ``NotAllowed``."""
        return replace(self, state=JOB.after(self.state, event), **changes)

    @property
    def next_at(self) -> float:
        """When something is done about it, as its state has it; 0 where it waits for nothing that has a time."""
        if self.state not in NEXT:
            return 0.0
        at: float = getattr(self, NEXT[self.state])
        return max(at, self.not_before) if NEXT[self.state] == "submit_at" else at

    def within(self, hours: Window) -> FaxJob:
        """This job, handed over only within ``hours``."""
        # What it waits for beside the hours that it had.
        waits = self.submit_at if self.submit_at > self.not_before else self.accepted_at
        return replace(
            self,
            submit_at=max(waits, hours.opens),
            not_before=hours.opens,
            not_after=hours.closes,
            waits_until=hours.until,
        )

    def put_off(self, until: float) -> FaxJob:
        """This job, with nothing done about it before ``until``; ``KeyError`` in a state that has no such time."""
        moment: dict[str, Any] = {NEXT[self.state]: until}
        return replace(self, **moment)

    @property
    def final(self) -> bool:
        return self.state in JOB.final


@dataclass(frozen=True, slots=True)
class InboundFax:
    """A fax that FaxCore received for an account."""

    account: str
    fax_id: str
    state: InboundState
    listed_at: float
    next_attempt_at: float
    version: int = 0
    attempts: int = 0
    queue_id: str = ""
    caller: str = ""
    received_at: float | None = None
    pages: int | None = None
    content_id: str = ""
    problem: str = ""

    def after(self, event: InboundEvent, **changes: Any) -> InboundFax:
        """This fax after ``event``; raises ``NotAllowed``."""
        return replace(self, state=INBOUND.after(self.state, event), **changes)


@dataclass(frozen=True, slots=True)
class Letter:
    """A mail that we owe: decided, and not yet handed over.

    ``sender`` is the envelope sender ("" for the null reverse-path); ``about`` is the queue ID it speaks of;
    ``kind`` is the X-Fax-Outcome word, or "alarm" or "forward". ``content`` is the whole mail with CRLF line ends;
    until it is in the spool, a large one may be in ``file`` instead.
    """

    letter_id: str
    kind: str
    about: str
    sender: str
    recipients: tuple[str, ...]
    message_id: str
    content: bytes = b""
    state: LetterState = LetterState.WAITING
    decided_at: float = 0.0
    next_attempt_at: float = 0.0
    version: int = 0
    attempts: int = 0
    epoch: int = 0
    lease_until: float = 0.0
    content_id: str = ""
    problem: str = ""
    refusals: int = 0  #: 5xx replies while the relay took others
    refused_at: float = 0.0  #: when the first 5xx came
    tried_at: float = 0.0  #: when the last 5xx came
    file: str = ""  #: its path

    def after(self, event: LetterEvent, **changes: Any) -> Letter:
        """This letter after ``event``; raises ``NotAllowed``."""
        return replace(self, state=LETTER.after(self.state, event), **changes)
