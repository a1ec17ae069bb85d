"""The answer to a fax: who hears of it, in which form, and what it says.

========================  ==========================================  =======================================
NOTIFY                    delivered                                   failed, cancelled, unconfirmed
========================  ==========================================  =======================================
absent                    notice, where ``success_notice`` is on      DSN
NEVER                     nothing                                     nothing
with SUCCESS              DSN                                         nothing, unless FAILURE stands there too
with FAILURE              nothing, unless SUCCESS stands there too    DSN
only DELAY                nothing                                     nothing
========================  ==========================================  =======================================

A null sender never gets a report (RFC 3461 5.2): its rule's owner does, as a plain mail; without an owner the
postmaster hears of what was not delivered, and nobody of what was.

STANDARDS: RFC 3461 5.2, 6; RFC 3464; RFC 6522; RFC 3834 3.1 (Auto-Submitted, threading, null sender).
"""

from __future__ import annotations

import enum
import re
from email.parser import BytesHeaderParser

from mailfax.letters import texts
from mailfax.letters.dsn import delivery_status, reported_by_faxcore
from mailfax.letters.mime import Field, Part, header_part, text_part
from mailfax.letters.plain import letter_text, listing, moment, one_line, paragraph, phone
from mailfax.letters.site import Marks, Site
from mailfax.letters.writing import fax_facts, with_subject, written, zone_of
from mailfax.rules.envelope import Notify
from mailfax.rules.job import Document, FaxJob, Letter, Message, Status
from mailfax.rules.states import JobState
from mailfax.rules.status import Cause, status

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
#: A thread of years keeps its newest ancestors (RFC 5322 3.6.4 sets no bound, header lines do).
_REFERENCES = 20


class _Form(enum.Enum):
    """How an answer is written."""

    NOTHING = enum.auto()
    PLAIN = enum.auto()
    REPORT = enum.auto()


#: What a sender without a wish is told, and the wish that asks for a report.
_ASKED_BY = {
    JobState.DELIVERED: Notify.SUCCESS,
    JobState.FAILED: Notify.FAILURE,
    JobState.CANCELLED: Notify.FAILURE,
    JobState.UNCONFIRMED: Notify.FAILURE,
}


def owed(
    site: Site,
    message: Message,
    document: Document | None,
    job: FaxJob,
    original_header: bytes,
    marks: Marks,
    *,
    sandbox: bool,
) -> tuple[Letter, ...]:
    """The letter that a job in a final state owes, or none. ``original_header`` is the mail's header block."""
    if not job.final or job.status is None:
        raise ValueError(f"{job.queue_id} has no end yet, so nothing is owed")
    reader, form = _audience(site, message, job, _ASKED_BY[job.state])
    if form is _Form.NOTHING:
        return ()
    outcome = texts.PREVIEW_FAILED if job.preview else texts.OUTCOMES[job.state]
    if job.preview:
        form = _Form.PLAIN  # nothing was to be delivered, so there is no delivery to report about
    text = _text(site, message, document, job, outcome, job.status, reader, sandbox=sandbox)
    action = "delivered" if job.state is JobState.DELIVERED else "failed"
    parts = [text_part(text)]
    if form is _Form.REPORT:
        parts += [
            delivery_status(site, message, job, action=action, status=job.status),
            header_part(original_header),
        ]
    return (_letter(site, message, job, outcome, original_header, marks, reader, parts, sandbox=sandbox),)


def delayed(
    site: Site,
    message: Message,
    document: Document | None,
    job: FaxJob,
    original_header: bytes,
    marks: Marks,
    *,
    sandbox: bool,
) -> tuple[Letter, ...]:
    """The letter that says a fax still waits, or none (RFC 3461 5.2.5: NOTIFY absent, or with DELAY)."""
    if job.final:
        raise ValueError(f"{job.queue_id} has ended, so it is not delayed")
    reader, form = _audience(site, message, job, Notify.DELAY)
    if form is _Form.NOTHING:
        return ()
    waits = status(Cause.DELAYED)
    text = _text(site, message, document, job, texts.DELAYED, waits, reader, sandbox=sandbox)
    parts = [text_part(text)]
    if form is _Form.REPORT:
        # Once FaxCore has it, or may have it, nothing is tried again by us: no time to name (RFC 3464 2.3.9).
        tried = job.state in (JobState.ACCEPTED, JobState.READY, JobState.DEFERRED)
        until = job.expires_at if tried else 0.0
        parts += [
            delivery_status(site, message, job, action="delayed", status=waits, retry_until=until),
            header_part(original_header),
        ]
    return (_letter(site, message, job, texts.DELAYED, original_header, marks, reader, parts, sandbox=sandbox),)


def _audience(site: Site, message: Message, job: FaxJob, asked_by: Notify) -> tuple[str, _Form]:
    """Who hears, and in which form: the table at the head of this module."""
    wish = job.notify
    if wish is None:
        unwanted = asked_by is Notify.SUCCESS and not message.success_notice
        form = _Form.PLAIN if asked_by is Notify.SUCCESS else _Form.REPORT
    else:
        unwanted, form = Notify.NEVER in wish or asked_by not in wish, _Form.REPORT
    if unwanted:
        return "", _Form.NOTHING
    if message.sender:
        return message.hears, form
    if message.owner:
        return message.owner, _Form.PLAIN
    if asked_by is Notify.FAILURE:
        return site.postmaster, _Form.PLAIN
    return "", _Form.NOTHING


def _text(
    site: Site,
    message: Message,
    document: Document | None,
    job: FaxJob,
    outcome: texts.Outcome,
    told: Status,
    reader: str,
    *,
    sandbox: bool,
) -> str:
    number, zone = phone(job.number), zone_of(site, message, reader)
    said = (
        one_line(told.diagnostic.partition(";")[2])
        if reported_by_faxcore(told) and outcome.word != "delivered"
        else ""
    )
    checks = [check.format(gateway=site.postmaster, reference=job.reference) for check in texts.UNCONFIRMED_CHECKS]
    whose = ""
    if reader != message.sender:
        whose = texts.OWNER_TOLD if message.owner else texts.POSTMASTER_TOLD
    return letter_text(
        paragraph(texts.TEST_TEXT) if sandbox else "",
        paragraph(outcome.headline.format(number=number)),
        paragraph(f"{told.sentence.removesuffix('.')}. {texts.DELAYED_BECAUSE.get(job.state, '')}"),
        paragraph(texts.SERVICE_SAID.format(said=said)) if said and said not in told.sentence else "",
        paragraph(outcome.next),
        listing(texts.UNCONFIRMED_CHECKS_HEADING, checks) if outcome.word == "unconfirmed" else "",
        fax_facts(
            zone,
            message,
            job,
            pages=_pages(document, job),
            sender=message.sender if whose else "",
            cover=texts.COVER_NONE if document and not job.has_cover(document) else "",
            ended=(outcome.ended, moment(job.ended_at, zone) if outcome.ended and job.ended_at else ""),
        ),
        listing(texts.CONTENTS_HEADING, document.contents) if document else "",
        listing(texts.SKIPPED_HEADING, document.skipped) if document else "",
        paragraph(whose),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=job.queue_id)),
    )


def _pages(document: Document | None, job: FaxJob) -> str:
    pages = job.pages or (document.pages if document else None)
    if not pages:
        return ""
    delivered = job.pages_delivered
    if job.state is JobState.FAILED and delivered is not None and delivered < pages:
        return texts.PAGES_PARTLY.format(delivered=delivered, pages=pages)
    return str(pages)


def _letter(
    site: Site,
    message: Message,
    job: FaxJob,
    outcome: texts.Outcome,
    original_header: bytes,
    marks: Marks,
    reader: str,
    parts: list[Part],
    *,
    sandbox: bool,
) -> Letter:
    return written(
        site,
        marks,
        parts,
        to=reader,
        subject=with_subject(outcome.subject.format(number=phone(job.number)), message),
        kind=outcome.word,
        about=job.queue_id,
        number=job.number,
        answers=thread(message, original_header),
        multipart="multipart/report; report-type=delivery-status",
        sandbox=sandbox,
    )


def thread(message: Message, original_header: bytes) -> list[Field]:
    """In-Reply-To and References (RFC 5322 3.6.4), so that the answer stands below the mail it answers."""
    original = message.header_message_id.strip()
    if not _MESSAGE_ID.fullmatch(original):
        return []
    before = str(BytesHeaderParser().parsebytes(original_header).get("References", ""))
    ancestors = [one for one in _MESSAGE_ID.findall(before) if one != original][-_REFERENCES:]
    return [("In-Reply-To", original), ("References", "\r\n ".join([*ancestors, original]))]
