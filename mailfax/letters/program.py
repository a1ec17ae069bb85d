"""What tells a program of an outcome: its facts as JSON, as the outbox keeps what goes to a webhook (``record``).

In: a fax that has ended, and its message. Out: a ``Letter`` to ``webhook:…``. It says what the API says of the
fax, and the Message-ID by which a program that sent it by mail knows its own.
"""

from __future__ import annotations

import json

from mailfax.config.targets import WEBHOOK
from mailfax.letters.mime import Part, date, mail
from mailfax.letters.site import Marks
from mailfax.letters.veil import veiled_job, veiled_message
from mailfax.rules.facts import iso
from mailfax.rules.job import FaxJob, Letter, Message


def for_program(message: Message, job: FaxJob, marks: Marks, *, sandbox: bool) -> Letter:
    """For the program of its sender (``outcome_webhook``); the same content however often it is handed over."""
    if message.notice_content == "none":
        message, job = veiled_message(message), veiled_job(job)
    status = job.status
    facts = {
        "event": "outcome",
        "queue_id": job.queue_id,
        "message": job.message,
        "state": job.state.value,
        "number": job.number,
        "account": job.account,
        "sender": message.sender,
        "subject": message.subject if job.subject is None else job.subject,
        "message_id": message.header_message_id,
        "accepted_at": iso(job.accepted_at),
        "ended_at": iso(job.ended_at),
        "pages": job.pages,
        "pages_delivered": job.pages_delivered,
        "status": status.sentence if status else "",
        "code": status.code if status else "",
        "billing_code": job.code,
        "fax_id": job.fax_id,
        "test": sandbox,
    }
    fields = (("Content-Type", "application/json"), ("Content-Transfer-Encoding", "7bit"))
    told = Part(fields, json.dumps(facts, indent=1).replace("\n", "\r\n").encode())
    top = [
        ("Date", date(marks.date)),
        ("Message-ID", marks.message_id),
        ("X-Fax-Outcome", job.state.value),
        ("X-Fax-Queue-ID", job.queue_id),
    ]
    return Letter(
        letter_id=marks.letter_id,
        kind="outcome",
        about=job.queue_id,
        sender="",
        recipients=(f"{WEBHOOK}:{message.outcome_webhook}",),
        message_id=marks.message_id,
        content=mail(top, [told], kind="multipart/mixed", boundary=marks.letter_id),
        decided_at=marks.date,
        next_attempt_at=marks.date,
    )
