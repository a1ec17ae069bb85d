"""The machine-readable part of an answer: ``message/delivery-status``.

In: site, message, and what is told of which recipient. Out: groups of fields, one for the mail and one for each
recipient that is told of.

STANDARDS: RFC 3464 2 (fields), RFC 3461 6.3 (what of the envelope is given back), RFC 6533 3 (addresses that are
not ASCII), RFC 4160 3.4 with RFC 3461 5.2.4 (a gateway reports what the foreign system reported).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from mailfax.letters.mime import Field, Part, ascii_words, date, status_part
from mailfax.letters.plain import one_line
from mailfax.letters.site import Site
from mailfax.rules.job import FaxJob, Message, Spelling, Status

#: Diagnostics of this type were reported by FaxCore and only translated by us.
_FOREIGN = "x-faxcore"
#: How Python shows an object, in the words of a library: it tells people nothing, and is none of theirs.
_REPR = re.compile(r" ?<[^<>]*\bat 0x[0-9A-Fa-f]+>*")
_DIAGNOSTIC = re.compile(r"[A-Za-z0-9-]+ *; *\S.*")


@dataclass(frozen=True, slots=True)
class Told:
    """What a report says of one recipient: ``action`` is "delivered", "failed" or "delayed"; ``retry_until`` only
    with "delayed"."""

    job: FaxJob
    recipient: Spelling
    action: str
    status: Status
    retry_until: float = 0.0


def delivery_status(site: Site, message: Message, told: Sequence[Told]) -> Part:
    """The part that says all this."""
    about_mail: list[Field] = []
    if message.envid:
        about_mail.append(("Original-Envelope-Id", ascii_words("Original-Envelope-Id", message.envid)))
    # The MTA that tried to gateway the mail (RFC 3464 2.2.2): that is us, also where FaxCore reported the end.
    about_mail.append(("Reporting-MTA", f"dns; {site.hostname}"))
    # RFC 3464 2.2.3: must stand in a report that was translated from a foreign system, and in no other.
    if any(reported_by_faxcore(each.status) for each in told):
        about_mail.append(("DSN-Gateway", f"dns; {site.hostname}"))
    if message.received_at:  # 0 where its row was damaged
        about_mail.append(("Arrival-Date", date(message.received_at)))
    return status_part((about_mail, *(_about(site, each) for each in told)))


def _about(site: Site, told: Told) -> list[Field]:
    """The fields of one recipient."""
    job, recipient = told.job, told.recipient
    named = _names(recipient.address, job.number)
    # RFC 3464 2.3.1: what the sender wrote, as the envelope had it. RFC 3461 5.2.7: the members of a list keep it.
    original = recipient.orcpt or ("" if named else f"rfc822;{recipient.address}")
    kind, _, address = original.partition(";")
    fields: list[Field] = [("Original-Recipient", _typed(kind, address))] if original else []
    fields += [
        ("Final-Recipient", _typed("rfc822", recipient.address if named else f"{job.number}@{site.fax_domain}")),
        ("Action", told.action),
        ("Status", told.status.code),
        ("Diagnostic-Code", _diagnostic(told.status)),
    ]
    if job.submitting_at:
        fields.append(("Last-Attempt-Date", date(job.submitting_at)))
    fields.append(("Final-Log-ID", job.queue_id))
    if told.retry_until:
        fields.append(("Will-Retry-Until", date(told.retry_until)))
    return fields


def _names(address: str, number: str) -> bool:
    """Whether an address says itself which number was dialled; that of a list or of the subject mailbox does not."""
    digits = "".join(char for char in address.rpartition("@")[0] if char.isascii() and char.isdigit())
    return not number or number[-4:] in digits


def reported_by_faxcore(status: Status) -> bool:
    """Whether FaxCore said it; otherwise it was found here."""
    return status.diagnostic.lower().startswith(_FOREIGN)


def _diagnostic(status: Status) -> str:
    """ "type; text": a diagnostic without a type is ours (RFC 3464 2.1.2)."""
    told = one_line(_REPR.sub("", status.diagnostic))
    return ascii_words("Diagnostic-Code", told if _DIAGNOSTIC.fullmatch(told) else f"x-mailfax; {told}")


def _typed(kind: str, address: str) -> str:
    """ "type; address". An address beyond ASCII is of type utf-8, its signs written as \\x{…} (RFC 6533 3)."""
    bare = one_line(address)
    if bare.isascii():
        return f"{one_line(kind).encode('ascii', 'replace').decode()}; {bare}"
    return "utf-8; " + "".join(
        char if "!" <= char <= "~" and char not in "\\+=" else f"\\x{{{ord(char):X}}}" for char in bare
    )
