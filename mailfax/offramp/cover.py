"""What the cover page of a job says: values in, ``CoverFields`` out."""

from __future__ import annotations

from mailfax.config import Account
from mailfax.faxcore.values import CoverFields
from mailfax.rules.job import Document, FaxJob, Message
from mailfax.rules.reference import with_reference


def cover_for(account: Account, message: Message, document: Document, job: FaxJob) -> CoverFields:
    """The cover fields; the subject carries the job's reference where the account wants it.

    All empty without a cover page: one field, even a subject of nothing but the reference, makes one.
    """
    if account.cover != "service" or not job.has_cover(document):
        return CoverFields()
    subject = message.subject if job.subject is None else job.subject
    return CoverFields(
        sender_name=message.sender_name,
        sender_company=message.sender_company,
        subject=with_reference(subject, job.reference, account.reference),
        notes=document.notes,
        recipient_name=job.recipient_name,
    )


def has_reference(account: Account, document: Document, job: FaxJob) -> bool:
    """Whether the fax carries the job's reference."""
    return may_have_reference(account) and job.has_cover(document)


def may_have_reference(account: Account) -> bool:
    """Whether any fax of the account does: only the subject on the service's own cover page can carry it."""
    return account.cover == "service" and account.reference != "off"
