"""What the cover page of a job says: values in, ``CoverFields`` out."""

from __future__ import annotations

from mailfax.config import Account
from mailfax.faxcore.values import CoverFields
from mailfax.rules.job import FaxJob, Message
from mailfax.rules.reference import with_reference


def cover_for(account: Account, message: Message, notes: str, job: FaxJob) -> CoverFields:
    """The cover fields; the subject carries the job's reference where the account wants it."""
    return CoverFields(
        sender_name=message.sender_name,
        sender_company=message.sender_company,
        subject=with_reference(message.subject, job.reference, account.reference),
        notes=notes,
        recipient_name=job.recipient_name,
    )
