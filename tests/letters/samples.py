"""A site, a message, its document and its fax, as the mails of one office speak of them: for tests and documents."""

from __future__ import annotations

from typing import Any

from mailfax.letters import Marks, Site
from mailfax.rules.job import Document, FaxJob, InboundFax, Message
from mailfax.rules.states import InboundState, JobState
from mailfax.rules.status import Cause, status

RECEIVED = 1_795_467_600.0  # Mon, 23 Nov 2026 21:00:00 UTC
STATUSES = {
    JobState.DELIVERED: status(Cause.DELIVERED, "x-faxcore; Completed"),
    JobState.FAILED: status(Cause.FAILED_THERE, "x-faxcore; Failed", word="Failed"),
    JobState.CANCELLED: status(Cause.CANCELLED_HERE),
    JobState.UNCONFIRMED: status(Cause.UNCONFIRMED),
}
SITE = Site("fax.example.com", "postmaster@example.com", "fax.local")
MARKS = Marks("DLETTER001", "<DLETTER001.aa@fax.example.com>", RECEIVED + 61)
DOCUMENT = Document(
    message="BK2N4C7Q9X",
    state="ready",
    attempts=1,
    next_attempt_at=RECEIVED,
    version=1,
    pages=3,
    contents=("text of the mail: page 1", "invoice.pdf: pages 2-3"),
    skipped=("logo.gif: the same picture once more",),
)


def a_message(**more: Any) -> Message:
    usual: dict[str, Any] = {
        "queue_id": "BK2N4C7Q9X",
        "received_at": RECEIVED,
        "sender": "alice@example.com",
        "ret": "",
        "envid": "",
        "client_ip": "127.0.0.1",
        "listener": "submission",
        "login": "",
        "account": "main",
        "sender_name": "Alice",
        "sender_company": "",
        "owner": "",
        "success_notice": True,
        "header_message_id": "<abc@example.com>",
        "subject": "Invoice 12",
        "content_id": "c",
        "size": 100,
    }
    return Message(**usual | more)


def a_job(state: JobState = JobState.DELIVERED, **more: Any) -> FaxJob:
    usual: dict[str, Any] = {
        "queue_id": "BK2N4C7Q9X-1",
        "message": "BK2N4C7Q9X",
        "account": "main",
        "address": "15551234567@fax.local",
        "number": "15551234567",
        "recipient_name": "Bob Builder",
        "notify": None,
        "orcpt": "",
        "reference": "7K3Q2M",
        "state": state,
        "accepted_at": RECEIVED,
        "expires_at": RECEIVED + 86_400,
        "submit_at": RECEIVED,
        "submitting_at": RECEIVED + 5,
        "ended_at": RECEIVED + 60 if state in STATUSES else 0.0,
        "pages": 3,
        "status": STATUSES.get(state),
    }
    return FaxJob(**usual | more)


def a_fax(**more: Any) -> InboundFax:
    usual: dict[str, Any] = {
        "account": "main",
        "fax_id": "F1",
        "state": InboundState.STORED,
        "listed_at": RECEIVED,
        "next_attempt_at": RECEIVED,
        "queue_id": "CINB000001",
        "caller": "15557654321",
        "received_at": RECEIVED - 50,
        "pages": 3,
    }
    return InboundFax(**usual | more)
