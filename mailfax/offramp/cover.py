"""What the cover page of a job says: values in, ``CoverFields`` out."""

from __future__ import annotations

from mailfax.faxcore.values import CoverFields
from mailfax.rules.job import FaxJob, Message
from mailfax.rules.reference import with_reference


def cover_for(reference_at: str, message: Message, notes: str, job: FaxJob) -> CoverFields:
    """The cover fields; the subject carries the job's reference at its "end", "front", or not ("off")."""
    return CoverFields(
        sender_name=message.sender_name,
        sender_company=message.sender_company,
        subject=with_reference(message.subject if job.subject is None else job.subject, job.reference, reference_at),
        notes=notes,
        recipient_name=job.recipient_name,
    )
