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
from mailfax.letters.mime import Field, Part, file_part, header_part
from mailfax.letters.one import said_of_one
from mailfax.letters.plain import phone
from mailfax.letters.several import said_of_several, subject_of_several
from mailfax.letters.shown import NOTHING_SHOWN, Shown
from mailfax.letters.site import Marks, Site
from mailfax.letters.veil import last_digits, veiled_document, veiled_job, veiled_message
from mailfax.letters.writing import language_of, with_subject, written
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
    shown: Shown = NOTHING_SHOWN,
    sandbox: bool,
) -> tuple[Letter, ...]:
    """The letter that tells of jobs of one message in final states, or none. ``original_header`` is the mail's header
    block; ``open_faxes`` of its faxes have no end yet; ``shown`` goes along."""
    for job in jobs:
        if not job.final or job.status is None:
            raise ValueError(f"{job.queue_id} has no end yet, so nothing is owed")
    return _told(site, message, document, jobs, original_header, marks, open_faxes, shown, sandbox=sandbox)


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
    return _told(site, message, document, jobs, original_header, marks, 0, NOTHING_SHOWN, sandbox=sandbox)


def _told(
    site: Site,
    message: Message,
    document: Document | None,
    jobs: Sequence[FaxJob],
    original_header: bytes,
    marks: Marks,
    open_faxes: int,
    shown: Shown,
    *,
    sandbox: bool,
) -> tuple[Letter, ...]:
    forms = {(job, each): form_of(message, job, each) for job in jobs for each in job.spellings}
    heard = [job for job in jobs if any(forms[job, each] is not Form.NOTHING for each in job.spellings)]
    if not heard:
        return ()
    if not message.hears:
        shown = NOTHING_SHOWN  # the postmaster hears what became of it, and need not see what it says
    reports = [_told_of(job, each) for (job, each), form in forms.items() if form is Form.REPORT]
    veiled = message.notice_content == "none"
    parts = [delivery_status(site, message, reports)] if reports else []
    if reports and not veiled:
        parts.append(header_part(original_header))
    several, first, reader = len(heard) > 1, heard[0], reader_of(site, message)
    language = language_of(site, message, reader)
    results = [(job, texts.outcome_of(job).word) for job in heard] if several else []
    outcomes = {texts.outcome_of(job) for job in heard}
    outcome = outcomes.pop() if len(outcomes) == 1 else texts.MIXED
    answers = thread(message, original_header)
    if veiled:
        message, document = veiled_message(message), veiled_document(document)
        heard = [veiled_job(job) for job in heard]
    if several:
        said = said_of_several(site, message, document, heard, reader, open_faxes, shown, sandbox=sandbox)
        about = subject_of_several(heard)
    else:
        said = said_of_one(site, message, document, heard[0], reader, open_faxes, shown, sandbox=sandbox)
        about = outcome.subject.format(number=phone(heard[0].number))
    letter = written(
        site,
        marks,
        said,
        files=_files(shown),
        parts=parts,
        to=reader,
        subject=with_subject(language, about, message),
        kind=outcome.word,
        about=message_id(first.queue_id) if several else first.queue_id,
        results=[(job.queue_id, last_digits(job) if veiled else job.number, word) for job, word in results],
        numbers=() if veiled else [job.number for job in heard if job.number],
        answers=answers,
        multipart="multipart/report; report-type=delivery-status",
        language=language,
        sandbox=sandbox,
    )
    return (letter,)


def _files(shown: Shown) -> list[Part]:
    """The files that go along."""
    pdf = [file_part(shown.pdf, "fax.pdf")] if shown.pdf else []
    return [
        *pdf,
        *([file_part(shown.original, "original.eml", "application/octet-stream")] if shown.original else []),
    ]


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
