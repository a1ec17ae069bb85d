"""What brings a received fax to a folder, a webhook or a printer: its facts as JSON and its documents, in one mail.

The outbox keeps it as it keeps every mail; ``targets`` takes it apart. It is never handed to a mail server.

In: the fax, its route, its documents with their sizes and digests. Out: a ``Parcel``.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from mailfax.letters.inbound import Arrival, Form, Parcel, attachment_name
from mailfax.letters.mime import GAP, Part, date, file_with_gap, mail
from mailfax.letters.site import Marks, Site
from mailfax.rules.caller import digits_of
from mailfax.rules.job import InboundFax, Letter


@dataclass(frozen=True, slots=True)
class Document:
    """A file that is not held in memory: its form, its length in bytes, its SHA-256 in hexadecimal."""

    form: Form
    size: int
    sha256: str


def record(
    site: Site, fax: InboundFax, marks: Marks, arrival: Arrival, *, to: str, documents: Sequence[Document]
) -> Parcel:
    """For one ``to`` ("folder:…", "webhook:…", "print:…"): the same content however often it is handed over."""
    # With the queue ID: no other fax ever has this name.
    stem = f"{attachment_name(site, fax, arrival)}-{fax.queue_id}"
    names = [stem + document.form.suffix for document in documents]
    facts = {
        "queue_id": fax.queue_id,
        "account": fax.account,
        "number": arrival.number,
        "caller": fax.caller,
        "caller_number": digits_of(fax.caller),
        "caller_name": arrival.caller_name,
        "received_at": _iso(fax.listed_at if fax.received_at is None else fax.received_at),
        "first_seen_at": _iso(fax.listed_at),
        "pages": fax.pages,
        "announced_pages": arrival.announced_pages,
        "damaged": arrival.instead.word if arrival.instead else None,
        "route": arrival.route,
        "fax_id": fax.fax_id,
        "test": arrival.sandbox,
        "documents": [
            {"name": name, "type": document.form.kind, "bytes": document.size, "sha256": document.sha256}
            for name, document in zip(names, documents, strict=True)
        ],
    }
    fields = (("Content-Type", "application/json"), ("Content-Transfer-Encoding", "7bit"))
    told = Part(fields, json.dumps(facts, indent=1).replace("\n", "\r\n").encode())
    files = [file_with_gap(name, document.form.kind) for name, document in zip(names, documents, strict=True)]
    top = [
        ("Date", date(marks.date)),
        ("Message-ID", marks.message_id),
        ("X-Fax-Outcome", "received"),
        ("X-Fax-Queue-ID", fax.queue_id),
    ]
    content = mail(top, [told, *files], kind="multipart/mixed", boundary=marks.letter_id)
    letter = Letter(
        letter_id=marks.letter_id,
        kind="received",
        about=fax.queue_id,
        sender="",
        recipients=(to,),
        message_id=marks.message_id,
        content=content,
        decided_at=marks.date,
        next_attempt_at=marks.date,
    )
    return Parcel(replace(letter, content=b""), tuple(content.split(GAP)))


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")
