"""A commit is data: a name and an ordered list of named statements, with no reads between them.

The engine runs the list in a savepoint of its group. ``COMMITS`` is the list of all names: each is a moment at which
the process may die, so tests iterate over it.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mailfax.rules.states import InboundEvent, JobEvent, LetterEvent

#: Values by parameter name. A tuple becomes a list for ``IN (:name)``.
Values = Mapping[str, Any]


class Outdated(Exception):
    """Somebody else changed the row in between; nothing was stored. Drop the work, or read again."""


class Taken(Exception):
    """What this needs is in use, or used up; nothing was stored."""


class ReferenceTaken(Taken):
    """Another job has this reference. Draw another one."""


class QueueIdTaken(Taken):
    """Another message, job, letter or received fax has this queue ID. Draw another one."""


class KeyTaken(Taken):
    """Something was sent by the pages or the API under this key; read which (``Shown.by_key``)."""


class FaxIdTaken(Taken):
    """This fax id belongs to something else already: never give one fax to two jobs."""


class SentBefore(Taken):
    """A fax of this mail may have been accepted before; read what is known of it (``Unheard.find``)."""


class QuotaUsedUp(Taken):
    """Its payer has no faxes or no pages left today."""


class CeilingReached(Taken):
    """The whole site has no faxes left today."""


class PagesUsedUp(Taken):
    """The document has more pages than its payer has left today."""


class Hits(enum.Enum):
    """How many rows a statement must hit; otherwise its whole commit is undone."""

    ONE = "exactly one"  #: a guard
    SOME = "at least one"  #: for changes of a set: none means that there was nothing to do
    ANY = "any number"


@dataclass(frozen=True, slots=True)
class Statement:
    """One block of ``statements.sql`` with its values; a tuple of values runs it once for each.

    ``miss`` is raised where it hits another number of rows than ``hits`` says.
    """

    name: str
    values: Values | tuple[Values, ...]
    hits: Hits = Hits.ANY
    miss: type[Exception] = Outdated


@dataclass(frozen=True, slots=True)
class Commit:
    """What becomes durable together. The first statement is its guard.

    ``clashes`` maps a unique column ("job.reference") to the error that its violation means.
    """

    name: str
    statements: tuple[Statement, ...]
    clashes: Mapping[str, type[Taken]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.name not in COMMITS:
            raise ValueError(f"{self.name!r} is not the name of a commit")
        if self.statements[0].hits is Hits.ANY:
            raise ValueError(f"{self.name}: the first statement of a commit is its guard")


def commit_name(event: enum.Enum, prefix: str = "") -> str:
    """The name of the commit that stores an event: ``JobEvent.ID_GIVEN`` is "id-given"."""
    return prefix + event.name.lower().replace("_", "-")


COMMITS: frozenset[str] = frozenset(
    {
        "process-started",
        "process-ended",
        "reloaded",
        "accept",
        "same-as",
        "heard",
        "not-heard",
        "ceiling-reached",
        "swept",
        "rendering",
        "claim",
        "noted",
        "postponed",
        "resent",
        "document-now",
        "account-lease",
        "account-heard",
        "account-paused",
        "account-quiet",
        "account-resumed",
        "reference-returned",
        "baseline",
        "foreign-noted",
        "inbound-listed",
        "owed",
        "reported",
        "program-told",
        "letter-lease",
        "letters-due",
        "moved-aside",
        "damage-told",
        "moments-corrected",
        "recovery-noticed",
        "outbox-released",
        "contents-deleted",
        "records-deleted",
        "kept",
        "bearer-added",
        "bearer-used",
        "bearer-removed",
        "viewed",
        "sealed",
        "kept-released",
        *(commit_name(event) for event in JobEvent if event is not JobEvent.CLAIMED),
        *(commit_name(event, "inbound-") for event in InboundEvent),
        *(commit_name(event, "letter-") for event in LetterEvent),
    }
)
