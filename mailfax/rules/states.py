"""What may become of a fax job, a received fax and a letter: three tables, and nothing outside them.

Rule 1: everything that decides which state follows which lives in this file. Every arrow is committed together
with one line of history; an arrow into a final job state is committed together with the letter or report it owes.
``docs/states.md`` is drawn from these tables by ``scripts/draw``; a test compares.

In: a state and an event. Out: the next state, or ``NotAllowed``.

STANDARDS: RFC 4161 2.2 (what is repeated and what is not); Postfix's words for hold, defer, expire.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar


class NotAllowed(Exception):
    """An event happened to something in a state in which that can't be: a bug, never a fact of life."""


class JobState(enum.StrEnum):
    """Where a fax job stands. Each value is the word that logs, commands and the spool use."""

    ACCEPTED = "accepted"  #: answered 250; its document is not made yet
    READY = "ready"  #: document made, waiting to be claimed
    SUBMITTING = "submitting"  #: written down before the first byte leaves us
    SUBMITTED = "submitted"  #: FaxCore gave an id; we track it
    IN_DOUBT = "in-doubt"  #: bytes left us and no clear answer was heard
    DEFERRED = "deferred"  #: surely not sent; waits for its next attempt
    HELD = "held"  #: waits for a person
    DELIVERED = "delivered"  #: final: every page reached the other side
    FAILED = "failed"  #: final: it did not
    CANCELLED = "cancelled"  #: final: a person stopped it
    UNCONFIRMED = "unconfirmed"  #: final: may or may not have been sent
    PREVIEWED = "previewed"  #: final: its pages were mailed back; nothing was faxed, nor was to be


class JobEvent(enum.StrEnum):
    """What can happen to a fax job."""

    DOCUMENT_READY = "document ready"
    DOCUMENT_LATER = "document can't be made now"
    DOCUMENT_IMPOSSIBLE = "document can't be made at all"
    CLAIMED = "claimed for submission"
    ID_GIVEN = "FaxCore gave an id"
    NOT_SENT = "surely not sent"
    REFUSED = "refused for good"
    NO_ANSWER = "no clear answer"
    LEASE_EXPIRED = "its process died"
    FOUND = "found in a folder"
    PROVEN_ABSENT = "proven absent"
    DEADLINE = "deadline passed"
    LATE_ID = "an id was learned late"
    COMPLETED = "completed, all pages"
    FAILED_THERE = "failed there, or fewer pages"
    CANCELLED_THERE = "cancelled there"
    SILENT = "silent for long"
    DUE = "due again"
    HOLD = "hold"
    RELEASE = "release"
    RELEASE_WITHOUT_DOCUMENT = "release, no document yet"
    CANCEL = "cancel"
    EXPIRED = "expired"
    PREVIEWED = "pages mailed back"
    RECOVERED = "in a restored copy of the spool"


class InboundState(enum.StrEnum):
    """Where a fax that FaxCore received for us stands."""

    LISTED = "listed"  #: seen in the Inbox, not fetched yet
    STORED = "stored"  #: final: its pages are in the spool and the letter that carries them is owed
    JUNK = "junk"  #: final: its pages are in the spool, and a route says that nobody hears of its caller
    VANISHED = "vanished"  #: final: gone from FaxCore before we could fetch it; the postmaster is told
    AGAIN = "again"  #: it was stored, and a person wants it brought once more, as the routes are now
    UNREADABLE = "unreadable"  #: unreadable or not given out for long, and reported; kept, and tried on


class InboundEvent(enum.StrEnum):
    """What can happen to a received fax."""

    FETCHED = "fetched and checked"
    JUNKED = "fetched, from a caller of the junk list"
    NOT_NOW = "can't be fetched now"
    GIVEN_UP = "unreadable three times, or not given out for hours"
    GONE = "FaxCore no longer knows it"
    RESEND = "sent again by a person"
    BROUGHT = "brought once more"
    CONTENT_LOST = "its pages are damaged here"


class LetterState(enum.StrEnum):
    """Where a mail that we owe stands."""

    WAITING = "waiting"  #: decided, not yet handed over
    HANDING_OVER = "handing-over"  #: claimed; the relay may be reading it
    HANDED_OVER = "handed-over"  #: final: the relay answered 250
    UNDELIVERABLE = "undeliverable"  #: refused for good or too old; told to the postmaster, kept for a person
    CANCELLED = "cancelled"  #: final: a person gave it up


class LetterEvent(enum.StrEnum):
    """What can happen to a letter."""

    CLAIMED = "claimed"
    TAKEN = "taken"
    NOT_TAKEN = "not taken now"
    MAYBE_TAKEN = "no clear answer"
    LEASE_EXPIRED = "its process died"
    REFUSED = "refused for good"
    TOO_OLD = "too old"
    RESEND = "sent again by a person"
    CANCEL = "cancel"


StateT = TypeVar("StateT", bound=enum.StrEnum)
EventT = TypeVar("EventT", bound=enum.StrEnum)


@dataclass(frozen=True)
class Machine(Generic[StateT, EventT]):
    """A transition table. ``arrows`` maps (state, event) to the next state; what is not in it raises."""

    name: str
    start: StateT
    final: frozenset[StateT]
    arrows: Mapping[tuple[StateT, EventT], StateT]

    def after(self, state: StateT, event: EventT) -> StateT:
        """The state that follows; ``NotAllowed`` where the table has no arrow."""
        try:
            return self.arrows[state, event]
        except KeyError:
            raise NotAllowed(f"{self.name}: {event.name} can't happen in {state.name}") from None

    def may(self, state: StateT, event: EventT) -> bool:
        """Whether the table has an arrow for it."""
        return (state, event) in self.arrows


_J, _E = JobState, JobEvent

NON_FINAL = (
    _J.ACCEPTED, _J.READY, _J.SUBMITTING, _J.SUBMITTED, _J.IN_DOUBT, _J.DEFERRED, _J.HELD,
)  # fmt: skip

JOB: Machine[JobState, JobEvent] = Machine(
    name="fax job",
    start=_J.ACCEPTED,
    final=frozenset({_J.DELIVERED, _J.FAILED, _J.CANCELLED, _J.UNCONFIRMED, _J.PREVIEWED}),
    arrows={
        (_J.ACCEPTED, _E.DOCUMENT_READY): _J.READY,
        (_J.ACCEPTED, _E.DOCUMENT_LATER): _J.ACCEPTED,
        (_J.ACCEPTED, _E.DOCUMENT_IMPOSSIBLE): _J.FAILED,
        # A held job keeps waiting for its person while its document is made or found impossible.
        (_J.HELD, _E.DOCUMENT_IMPOSSIBLE): _J.FAILED,
        # Only where the job is a preview: it is never claimed.
        (_J.READY, _E.PREVIEWED): _J.PREVIEWED,
        (_J.READY, _E.DOCUMENT_IMPOSSIBLE): _J.FAILED,
        # Committed before the first byte leaves: a crash from here on finds SUBMITTING, never READY.
        (_J.READY, _E.CLAIMED): _J.SUBMITTING,
        (_J.SUBMITTING, _E.ID_GIVEN): _J.SUBMITTED,
        (_J.SUBMITTING, _E.NOT_SENT): _J.DEFERRED,
        (_J.SUBMITTING, _E.REFUSED): _J.FAILED,
        (_J.SUBMITTING, _E.NO_ANSWER): _J.IN_DOUBT,
        (_J.SUBMITTING, _E.LEASE_EXPIRED): _J.IN_DOUBT,
        (_J.IN_DOUBT, _E.FOUND): _J.SUBMITTED,
        (_J.IN_DOUBT, _E.PROVEN_ABSENT): _J.DEFERRED,
        # Proven absent, too, and what kept FaxCore from taking it (its size) would do so again.
        (_J.IN_DOUBT, _E.REFUSED): _J.FAILED,
        (_J.IN_DOUBT, _E.DEADLINE): _J.UNCONFIRMED,
        (_J.SUBMITTED, _E.COMPLETED): _J.DELIVERED,
        (_J.SUBMITTED, _E.FAILED_THERE): _J.FAILED,
        (_J.SUBMITTED, _E.CANCELLED_THERE): _J.CANCELLED,
        (_J.SUBMITTED, _E.SILENT): _J.SUBMITTED,
        (_J.SUBMITTED, _E.DEADLINE): _J.UNCONFIRMED,
        (_J.DEFERRED, _E.DUE): _J.READY,
        **{(state, _E.LATE_ID): _J.SUBMITTED for state in NON_FINAL},
        # What the copy believes to be still to do may have been done since. What is held waits for its person.
        **{(state, _E.RECOVERED): _J.IN_DOUBT for state in (_J.ACCEPTED, _J.READY, _J.SUBMITTING, _J.DEFERRED)},
        **{
            (state, event): to
            for state in (_J.ACCEPTED, _J.READY, _J.DEFERRED)
            for event, to in ((_E.HOLD, _J.HELD), (_E.CANCEL, _J.CANCELLED), (_E.EXPIRED, _J.FAILED))
        },
        (_J.HELD, _E.RELEASE): _J.READY,
        (_J.HELD, _E.RELEASE_WITHOUT_DOCUMENT): _J.ACCEPTED,
        (_J.HELD, _E.CANCEL): _J.CANCELLED,
        (_J.HELD, _E.EXPIRED): _J.FAILED,
        # Noted, and honoured only once it is sure that nothing was sent.
        **{(state, _E.CANCEL): state for state in (_J.SUBMITTING, _J.IN_DOUBT, _J.SUBMITTED)},
    },
)

_I, _IE = InboundState, InboundEvent

INBOUND: Machine[InboundState, InboundEvent] = Machine(
    name="received fax",
    start=_I.LISTED,
    final=frozenset({_I.STORED, _I.JUNK, _I.VANISHED}),
    arrows={
        (_I.LISTED, _IE.FETCHED): _I.STORED,
        (_I.LISTED, _IE.JUNKED): _I.JUNK,
        (_I.LISTED, _IE.NOT_NOW): _I.LISTED,
        (_I.LISTED, _IE.GIVEN_UP): _I.UNREADABLE,
        (_I.LISTED, _IE.GONE): _I.VANISHED,
        (_I.UNREADABLE, _IE.FETCHED): _I.STORED,
        (_I.UNREADABLE, _IE.JUNKED): _I.JUNK,
        (_I.UNREADABLE, _IE.NOT_NOW): _I.UNREADABLE,
        (_I.UNREADABLE, _IE.GONE): _I.VANISHED,
        (_I.STORED, _IE.RESEND): _I.AGAIN,
        (_I.JUNK, _IE.RESEND): _I.AGAIN,
        (_I.AGAIN, _IE.BROUGHT): _I.STORED,
        # FaxCore may have them yet: it is fetched anew.
        (_I.AGAIN, _IE.CONTENT_LOST): _I.LISTED,
    },
)

_L, _LE = LetterState, LetterEvent

LETTER: Machine[LetterState, LetterEvent] = Machine(
    name="letter",
    start=_L.WAITING,
    final=frozenset({_L.HANDED_OVER, _L.CANCELLED}),
    arrows={
        (_L.WAITING, _LE.CLAIMED): _L.HANDING_OVER,
        (_L.WAITING, _LE.TOO_OLD): _L.UNDELIVERABLE,
        (_L.HANDING_OVER, _LE.TAKEN): _L.HANDED_OVER,
        (_L.HANDING_OVER, _LE.NOT_TAKEN): _L.WAITING,
        # A mail may be repeated where a fax may not: the copy has the same Message-ID.
        (_L.HANDING_OVER, _LE.MAYBE_TAKEN): _L.WAITING,
        (_L.HANDING_OVER, _LE.LEASE_EXPIRED): _L.WAITING,
        (_L.HANDING_OVER, _LE.REFUSED): _L.UNDELIVERABLE,
        (_L.HANDING_OVER, _LE.TOO_OLD): _L.UNDELIVERABLE,
        (_L.UNDELIVERABLE, _LE.RESEND): _L.WAITING,
        (_L.WAITING, _LE.RESEND): _L.WAITING,
        **{(state, _LE.CANCEL): _L.CANCELLED for state in (_L.WAITING, _L.UNDELIVERABLE)},
    },
)
