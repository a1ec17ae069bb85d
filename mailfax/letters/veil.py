"""A notification without content: what a rule with ``notice_content = "none"`` leaves of a fax, for health data.

In: a message, its document, a job. Out: the same without subject, names, addresses, what was in the fax, and of the
number its last digits.
"""

from __future__ import annotations

import re
from dataclasses import replace

from mailfax.letters import texts
from mailfax.rules.job import Document, FaxJob, Message

_LAST = 3
#: A file that a sentence names.
_NAMED = re.compile(r'"[^"]*"')


def veiled_message(message: Message) -> Message:
    return replace(message, subject="")


def veiled_document(document: Document | None) -> Document | None:
    return replace(document, contents=(), skipped=()) if document else None


def veiled_job(job: FaxJob) -> FaxJob:
    told = job.status
    if told is not None and not told.code.startswith(("2.", "5.4.")):
        told = replace(told, sentence=_NAMED.sub(texts.VEILED_FILE, told.sentence))
    number = texts.VEILED_NUMBER.format(digits=last_digits(job)) if job.number else ""
    return replace(job, number=number, recipient_name="", address="", also=(), status=told)


def last_digits(job: FaxJob) -> str:
    return job.number[-_LAST:]
