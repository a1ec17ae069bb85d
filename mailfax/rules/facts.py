"""Faxes, received faxes and notifications as plain fields: what commands, pages and programs tell of each.

In: values of the spool. Out: dicts of text and numbers; moments are seconds since 1970, 0.0 where there is none, and
their names end in ``_at``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from mailfax.rules.job import FaxJob, InboundFax, Letter
from mailfax.rules.reason import reason
from mailfax.rules.states import INBOUND, LETTER, LetterState

Facts = dict[str, Any]


def fax_facts(
    job: FaxJob, *, sender: str, subject: str, document: str, detail: str, paused: str, now: float
) -> Facts:
    """A fax. ``document``, ``detail`` and ``paused`` as for ``reason``."""
    return {
        "queue_id": job.queue_id,
        "state": job.state.value,
        "number": job.number,
        "account": job.account,
        "sender": sender,
        "subject": job.subject if job.subject is not None else subject,
        "accepted_at": job.accepted_at,
        "next_attempt_at": job.next_at,
        "attempts": job.attempts,
        "fax_id": job.fax_id,
        "reference": job.reference,
        "status": job.status.sentence if job.status else "",
        "reason": reason(job, now=now, document=document, detail=detail, paused=paused),
    }


def received_facts(fax: InboundFax) -> Facts:
    """A received fax."""
    return {
        "queue_id": fax.queue_id,
        "state": fax.state.value,
        "account": fax.account,
        "caller": fax.caller,
        "fax_id": fax.fax_id,
        "listed_at": fax.listed_at,
        "next_attempt_at": 0.0 if fax.state in INBOUND.final else fax.next_attempt_at,
        "attempts": fax.attempts,
        "problem": fax.problem,
    }


def letter_facts(letter: Letter) -> Facts:
    """A notification."""
    ended = letter.state in LETTER.final or letter.state is LetterState.UNDELIVERABLE
    return {
        "letter_id": letter.letter_id,
        "state": letter.state.value,
        "outcome": letter.kind,
        "about": letter.about,
        "recipients": list(letter.recipients),
        "decided_at": letter.decided_at,
        "next_attempt_at": 0.0 if ended else letter.next_attempt_at,
        "attempts": letter.attempts,
        "problem": letter.problem,
    }


def iso(seconds: float) -> str | None:
    """A moment for programs: ISO 8601, UTC; None for never."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds") if seconds else None


def for_programs(facts: Facts) -> Facts:
    """The same with its moments in ISO 8601."""
    return {name: iso(value) if name.endswith("_at") else value for name, value in facts.items()}
