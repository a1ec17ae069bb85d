"""The answer to the faxes of one message: who hears of which is the table of ``letters.audience``.

One letter tells of all that have ended by then: the text of all of them, the machine's part of those for which a
report is wanted. Without any of these it is a plain notice.

STANDARDS: RFC 3461 5.2, 6; RFC 3464; RFC 6522; RFC 3834 3.1 (Auto-Submitted, threading, null sender).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from email.parser import BytesHeaderParser

from mailfax.letters import texts
from mailfax.letters.audience import Form, form_of, reader_of
from mailfax.letters.dsn import Told, delivery_status
from mailfax.letters.mime import Field, Part, header_part
from mailfax.letters.one import said_of_one
from mailfax.letters.plain import phone
from mailfax.letters.several import said_of_several, subject_of_several
from mailfax.letters.site import Marks, Site
from mailfax.letters.writing import with_subject, written
from mailfax.rules.job import Document, FaxJob, Letter, Message, Spelling
from mailfax.rules.queue_id import message_id
from mailfax.rules.states import JobState
from mailfax.rules.status import Cause, status

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,240}>")
#: A thread of years keeps its newest ancestors (RFC 5322 3.6.4 sets no bound, header lines do).
_REFERENCES = 20
#: Once FaxCore has a fax, or may have it, nothing is tried again by us: no time to name (RFC 3464 2.3.9).
_TRIED = (JobState.ACCEPTED, JobState.READY, JobState.DEFERRED)


def owed(
    site: Site,
    message: Message,
    document: Document | None,
    jobs: Sequence[FaxJob],
    original_header: bytes,
    marks: Marks,
    *,
    open_faxes: int = 0,
    sandbox: bool,
) -> tuple[Letter, ...]:
    """The letter that tells of jobs of one message in final states, or none. ``original_header`` is the mail's header
    block; ``open_faxes`` of its faxes have no end yet."""
    for job in jobs:
        if not job.final or job.status is None:
            raise ValueError(f"{job.queue_id} has no end yet, so nothing is owed")
    return _told(site, message, document, jobs, original_header, marks, open_faxes, sandbox=sandbox)


def delayed(
    site: Site,
    message: Message,
    document: Document | None,
    jobs: Sequence[FaxJob],
    original_header: bytes,
    marks: Marks,
    *,
    sandbox: bool,
) -> tuple[Letter, ...]:
    """The letter that says that jobs of one message still wait, or none (RFC 3461 5.2.5: NOTIFY absent, or with
    DELAY)."""
    for job in jobs:
        if job.final:
            raise ValueError(f"{job.queue_id} has ended, so it is not delayed")
    return _told(site, message, document, jobs, original_header, marks, 0, sandbox=sandbox)


def _told(
    site: Site,
    message: Message,
    document: Document | None,
    jobs: Sequence[FaxJob],
    original_header: bytes,
    marks: Marks,
    open_faxes: int,
    *,
    sandbox: bool,
) -> tuple[Letter, ...]:
    forms = {(job, each): form_of(message, job, each) for job in jobs for each in job.spellings}
    heard = [job for job in jobs if any(forms[job, each] is not Form.NOTHING for each in job.spellings)]
    if not heard:
        return ()
    first, reader = heard[0], reader_of(site, message)
    outcomes = {texts.outcome_of(job) for job in heard}
    outcome = outcomes.pop() if len(outcomes) == 1 else texts.MIXED
    if len(heard) == 1:
        said = said_of_one(site, message, document, first, reader, open_faxes, sandbox=sandbox)
        about = outcome.subject.format(number=phone(first.number))
    else:
        said = said_of_several(site, message, document, heard, reader, open_faxes, sandbox=sandbox)
        about = subject_of_several(heard)
    parts: tuple[Part, ...] = ()
    if reports := [_told_of(job, each) for (job, each), form in forms.items() if form is Form.REPORT]:
        parts = (delivery_status(site, message, reports), header_part(original_header))
    letter = written(
        site,
        marks,
        said,
        parts=parts,
        to=reader,
        subject=with_subject(about, message),
        kind=outcome.word,
        about=first.queue_id if len(heard) == 1 else message_id(first.queue_id),
        results=() if len(heard) == 1 else [(job, texts.outcome_of(job).word) for job in heard],
        number=first.number if len(heard) == 1 else "",
        answers=thread(message, original_header),
        multipart="multipart/report; report-type=delivery-status",
        sandbox=sandbox,
    )
    return (letter,)


def _told_of(job: FaxJob, recipient: Spelling) -> Told:
    if not job.final:
        until = job.expires_at if job.state in _TRIED else 0.0
        return Told(job, recipient, "delayed", status(Cause.DELAYED), until)
    assert job.status is not None
    return Told(job, recipient, "delivered" if job.state is JobState.DELIVERED else "failed", job.status)


def thread(message: Message, original_header: bytes) -> list[Field]:
    """In-Reply-To and References (RFC 5322 3.6.4), so that the answer stands below the mail it answers."""
    original = message.header_message_id.strip()
    if not _MESSAGE_ID.fullmatch(original):
        return []
    before = str(BytesHeaderParser().parsebytes(original_header).get("References", ""))
    ancestors = [one for one in _MESSAGE_ID.findall(before) if one != original][-_REFERENCES:]
    return [("In-Reply-To", original), ("References", "\r\n ".join([*ancestors, original]))]
