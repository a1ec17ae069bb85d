"""The operator's log: one line per event of a message's life, stable in wording, one function per event.

A line is ``<queue ID>: <event> key=value …`` on the logger ``mailfax.mail``. Operators search for these words, so a
change of wording is a change of interface. Neither subjects, bodies, passwords nor whole fax numbers are ever
written: a number is shortened to its last four digits (``number=…4567``).
"""

from __future__ import annotations

import logging
import re
from collections import Counter
from collections.abc import Mapping

from mailfax.rules.job import Document, FaxJob, InboundFax, Letter, Message
from mailfax.rules.status import Cause

log = logging.getLogger("mailfax.mail")

#: How often each event happened since this process started: what a monitor asks for.
events: Counter[str] = Counter()


def short(number: str) -> str:
    """A fax number as logs may show it: the last four digits."""
    return "…" + number[-4:] if number else "-"


def masked(address: str) -> str:
    """An address as logs may show it: as it was written, but of its digits the last four only ("xxxxxxx4567")."""
    local, at, domain = address[:200].rpartition("@")
    return re.sub(r"\d(?=(?:\D*\d){4})", "x", local if at else domain) + (at + domain if at else "")


class Facts:
    """One event with its facts, as a line of words or as an object."""

    __slots__ = ("_event", "_facts", "_queue_id")

    def __init__(self, queue_id: str, event: str, facts: Mapping[str, object]) -> None:
        self._queue_id, self._event, self._facts = queue_id, event, facts

    def __str__(self) -> str:
        """Empty facts are left out, blanks in values become "_" so that a line splits on blanks."""
        told = [
            f"{key}={str(value).replace(' ', '_')}" for key, value in self._facts.items() if value not in ("", None)
        ]
        return " ".join([f"{self._queue_id or '-'}: {self._event}", *told])

    def told(self) -> dict[str, object]:
        """For JSON: values as they are."""
        return {
            "event": self._event,
            **({"queue_id": self._queue_id} if self._queue_id else {}),
            **{key: value for key, value in self._facts.items() if value not in ("", None)},
        }


def line(queue_id: str, event: str, **facts: object) -> None:
    """Write one line."""
    events[event] += 1
    log.info("%s", Facts(queue_id, event, facts))


def refused(client: str, cause: Cause, **facts: object) -> None:
    line("", "refused", client=client, cause=cause.name.lower().replace("_", "-"), **facts)


def tls_failed(client: str, reason: str) -> None:
    line("", "tls-failed", client=client, reason=reason)


def accepted(message: Message, jobs: int) -> None:
    line(
        message.queue_id,
        "accepted",
        sender=message.sender or "<>",
        message_id=message.header_message_id if message.header_message_id.isprintable() else "",
        client=message.client_ip,
        listener=message.listener,
        size=message.size,
        faxes=jobs,
        account=message.account,
    )


def queued(job: FaxJob) -> None:
    line(job.queue_id, "queued", number=short(job.number), reference=job.reference)


def same_as(queue_id: str, job: str, client: str) -> None:
    """A fax came again whose 250 nobody had heard; ``queue_id`` is empty where nothing else was in its mail."""
    line(queue_id, "same-as", job=job, client=client)


def prepared(document: Document) -> None:
    line(document.message, "prepared", pages=document.pages, skipped=len(document.skipped))


def mislabelled(queue_id: str, remark: str) -> None:
    """What a mail says of a file, and is not so."""
    line(queue_id, "mislabelled", file=remark)


def not_prepared(document: Document, detail: str) -> None:
    line(document.message, "not-prepared", attempts=document.attempts, reason=detail)


def submitting(job: FaxJob) -> None:
    line(job.queue_id, "submitting", number=short(job.number), account=job.account, attempts=job.attempts)


def large_document(job: FaxJob, octets: int) -> None:
    """More than ASP.NET takes unless it is told otherwise: if FaxCore does not take it, this may be why."""
    line(job.queue_id, "large-document", bytes=octets, account=job.account)


def submitted(job: FaxJob) -> None:
    line(job.queue_id, "submitted", fax_id=job.fax_id, account=job.account)


def not_taken(job: FaxJob, detail: str) -> None:
    line(job.queue_id, job.state.value, attempts=job.attempts, reason=detail)


def second_fax(job: FaxJob, fax_id: str) -> None:
    line(job.queue_id, "second-fax-at-faxcore", fax_id=fax_id, account=job.account)


def proven_absent(job: FaxJob) -> None:
    line(job.queue_id, "proven-absent", listings=job.absences)


def ended(job: FaxJob) -> None:
    status = job.status.code if job.status else ""
    line(job.queue_id, job.state.value, status=status, fax_id=job.fax_id, pages=job.pages)


def unknown_word(job: FaxJob, word: str) -> None:
    line(job.queue_id, "unknown-status-word", word=word)


def content_damaged(queue_id: str) -> None:
    line(queue_id, "content-damaged")


def account_paused(account: str, reason: str) -> None:
    line("", "account-paused", account=account, reason=reason)


def account_resumed(account: str) -> None:
    line("", "account-resumed", account=account)


def account_met(account: str, baseline: int) -> None:
    line("", "account-met", account=account, baseline=baseline)


def fax_listed(account: str, number: int) -> None:
    line("", "faxes-listed", account=account, number=number)


def fax_stored(fax: InboundFax) -> None:
    line(
        fax.queue_id, "fax-stored", account=fax.account, fax_id=fax.fax_id, caller=short(fax.caller), pages=fax.pages
    )


def fax_not_stored(fax: InboundFax, detail: str) -> None:
    line(fax.queue_id, f"fax-{fax.state.value}", account=fax.account, fax_id=fax.fax_id, reason=detail)


def letter_taken(letter: Letter) -> None:
    line(letter.about or letter.letter_id, "letter-taken", letter=letter.letter_id, outcome=letter.kind)


def letter_not_taken(letter: Letter, detail: str) -> None:
    line(
        letter.about or letter.letter_id,
        f"letter-{letter.state.value}",
        letter=letter.letter_id,
        attempts=letter.attempts,
        reason=detail,
    )


def relay_paused(reason: str) -> None:
    line("", "relay-paused", reason=reason)


def relay_resumed(waited: int) -> None:
    line("", "relay-resumed", waited=waited)
