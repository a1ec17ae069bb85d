"""The operator's log: one line per event of a message's life, stable in wording, one function per event.

A line is ``<queue ID>: <event> key=value …`` on the logger ``mailfax.mail``. Operators search for these words, so a
change of wording is a change of interface. Neither subjects, bodies nor passwords are ever written; a number is
shortened to its last four digits (``number=…4567``), unless an operator wants it whole. The docstring of a function
is what ``docs/reference/log.md`` says of its event.
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


#: Whether numbers are written whole (``mailfax serve --whole-numbers``).
_whole_numbers = False


def show_whole_numbers(shown: bool) -> None:
    """Write whole fax numbers from here on, or their last four digits."""
    global _whole_numbers
    _whole_numbers = shown


def short(number: str) -> str:
    """A fax number as logs may show it: the last four digits, unless whole ones are shown."""
    if _whole_numbers:
        return number or "-"
    return "…" + number[-4:] if number else "-"


def masked(address: str) -> str:
    """An address as logs may show it: as it was written, but of its digits the last four only ("xxxxxxx4567")."""
    if _whole_numbers:
        return address[:200]
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
    """A client was refused; ``cause`` is a row of [answers](answers.md). Other facts say who and what."""
    line("", "refused", client=client, cause=cause.name.lower().replace("_", "-"), **facts)


def tls_failed(client: str, reason: str) -> None:
    """A TLS handshake failed."""
    line("", "tls-failed", client=client, reason=reason)


def accepted(message: Message, jobs: int) -> None:
    """A message was answered 250. Its faxes have this queue ID with -1, -2 … behind it."""
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
    """One of its faxes; ``reference`` is its mark at FaxCore."""
    line(job.queue_id, "queued", number=short(job.number), reference=job.reference)


def same_as(queue_id: str, job: str, client: str) -> None:
    """A fax came again, because its client had not heard the 250: it is not sent twice. ``job`` is the first one."""
    line(queue_id, "same-as", job=job, client=client)


def prepared(document: Document) -> None:
    """Its pages were made; ``skipped`` counts what was left out."""
    line(document.message, "prepared", pages=document.pages, skipped=len(document.skipped))


def mislabelled(queue_id: str, remark: str) -> None:
    """A file is not what the message says it is."""
    line(queue_id, "mislabelled", file=remark)


def not_prepared(document: Document, detail: str) -> None:
    """Its pages could not be made now; they will be tried again."""
    line(document.message, "not-prepared", attempts=document.attempts, reason=detail)


def submitting(job: FaxJob) -> None:
    """A fax is handed over to FaxCore from here on."""
    line(job.queue_id, "submitting", number=short(job.number), account=job.account, attempts=job.attempts)


def large_document(job: FaxJob, octets: int) -> None:
    """A document is larger than ASP.NET takes by default: if FaxCore does not take it, this may be why."""
    line(job.queue_id, "large-document", bytes=octets, account=job.account)


def submitted(job: FaxJob) -> None:
    """FaxCore gave it an id."""
    line(job.queue_id, "submitted", fax_id=job.fax_id, account=job.account)


def not_taken(job: FaxJob, detail: str) -> None:
    """FaxCore did not take a fax: ``deferred`` (it was surely not sent, and waits for its next attempt) or
    ``in-doubt`` (no clear answer: it is looked for at FaxCore before anything else)."""
    line(job.queue_id, job.state.value, attempts=job.attempts, reason=detail)


def second_fax(job: FaxJob, fax_id: str) -> None:
    """FaxCore has a second fax of a job, or one of a job that has ended: the postmaster is told."""
    line(job.queue_id, "second-fax-at-faxcore", fax_id=fax_id, account=job.account)


def proven_absent(job: FaxJob) -> None:
    """A fax in doubt is not at FaxCore: it is sent again."""
    line(job.queue_id, "proven-absent", listings=job.absences)


def ended(job: FaxJob) -> None:
    """The final outcome: ``delivered``, ``failed``, ``cancelled``, ``unconfirmed`` or ``previewed``, and its RFC 3463
    code."""
    status = job.status.code if job.status else ""
    line(job.queue_id, job.state.value, status=status, fax_id=job.fax_id, pages=job.pages)


def unknown_word(job: FaxJob, word: str) -> None:
    """FaxCore has a status that mailfax does not know; the fax goes on being asked about."""
    line(job.queue_id, "unknown-status-word", word=word)


def content_damaged(queue_id: str) -> None:
    """A stored message or fax is not what was written: the disk changed it."""
    line(queue_id, "content-damaged")


def account_paused(account: str, reason: str) -> None:
    """A fax account does not work; its faxes wait."""
    line("", "account-paused", account=account, reason=reason)


def account_resumed(account: str) -> None:
    """It works again."""
    line("", "account-resumed", account=account)


def account_met(account: str, baseline: int) -> None:
    """The first look at an account: of the faxes that were there before none is mailed."""
    line("", "account-met", account=account, baseline=baseline)


def account_quiet(account: str, seconds: float) -> None:
    """It has received no fax for unusually long; the postmaster is told."""
    line("", "account-quiet", account=account, hours=round(seconds / 3600))


def account_heard(account: str) -> None:
    """After that, a fax has come."""
    line("", "account-heard", account=account)


def fax_listed(account: str, number: int) -> None:
    """New received faxes were seen."""
    line("", "faxes-listed", account=account, number=number)


def fax_stored(fax: InboundFax) -> None:
    """A received fax is in the spool, and its notification with it."""
    line(
        fax.queue_id, "fax-stored", account=fax.account, fax_id=fax.fax_id, caller=short(fax.caller), pages=fax.pages
    )


def fax_not_stored(fax: InboundFax, detail: str) -> None:
    """A received fax was not fetched: ``fax-listed`` (later), ``fax-vanished`` (FaxCore no longer has it),
    ``fax-unreadable`` (reported, and tried on) or ``fax-again`` (a second delivery that waits)."""
    line(fax.queue_id, f"fax-{fax.state.value}", account=fax.account, fax_id=fax.fax_id, reason=detail)


def letter_taken(letter: Letter) -> None:
    """A notification, or a received fax, was handed over to the relay or to where it goes."""
    line(letter.about or letter.letter_id, "notification-taken", notification=letter.letter_id, outcome=letter.kind)


def letter_not_taken(letter: Letter, detail: str) -> None:
    """It was not: ``notification-waiting`` (tried again) or ``notification-undeliverable`` (refused for good or too
    old; kept for a person)."""
    line(
        letter.about or letter.letter_id,
        f"notification-{letter.state.value}",
        notification=letter.letter_id,
        attempts=letter.attempts,
        reason=detail,
    )


def relay_paused(reason: str) -> None:
    """The relay takes nothing; all notifications wait."""
    line("", "relay-paused", reason=reason)


def relay_resumed(waited: int) -> None:
    """It takes them again; ``waited`` counts them."""
    line("", "relay-resumed", waited=waited)
