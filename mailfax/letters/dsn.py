"""The machine-readable part of an answer: ``message/delivery-status``.

In: site, message, job and what is told of it. Out: groups of fields, one for the mail and one for its recipient (one
report for each recipient: each ends at its own time).

STANDARDS: RFC 3464 2 (fields), RFC 3461 6.3 (what of the envelope is given back), RFC 6533 3 (addresses that are
not ASCII), RFC 4160 3.4 with RFC 3461 5.2.4 (a gateway reports what the foreign system reported).
"""

from __future__ import annotations

import re

from mailfax.letters.mime import Field, Part, ascii_words, date, status_part
from mailfax.letters.plain import one_line
from mailfax.letters.site import Site
from mailfax.rules.job import FaxJob, Message, Status

#: Diagnostics of this type were reported by FaxCore and only translated by us.
_FOREIGN = "x-faxcore"
#: How Python shows an object, in the words of a library: it tells people nothing, and is none of theirs.
_REPR = re.compile(r" ?<[^<>]*\bat 0x[0-9A-Fa-f]+>*")
_DIAGNOSTIC = re.compile(r"[A-Za-z0-9-]+ *; *\S.*")


def delivery_status(
    site: Site, message: Message, job: FaxJob, *, action: str, status: Status, retry_until: float = 0.0
) -> Part:
    """``action`` is "delivered", "failed" or "delayed"; ``retry_until`` only with "delayed"."""
    about_mail: list[Field] = []
    if message.envid:
        about_mail.append(("Original-Envelope-Id", ascii_words("Original-Envelope-Id", message.envid)))
    # The MTA that tried to gateway the mail (RFC 3464 2.2.2): that is us, also where FaxCore reported the end.
    about_mail.append(("Reporting-MTA", f"dns; {site.hostname}"))
    # RFC 3464 2.2.3: must stand in a report that was translated from a foreign system, and in no other.
    if reported_by_faxcore(status):
        about_mail.append(("DSN-Gateway", f"dns; {site.hostname}"))
    if message.received_at:  # 0 where its row was damaged
        about_mail.append(("Arrival-Date", date(message.received_at)))

    about_recipient: list[Field] = []
    if job.orcpt:
        kind, _, address = job.orcpt.partition(";")
        about_recipient.append(("Original-Recipient", _typed(kind, address)))
    about_recipient += [
        ("Final-Recipient", _typed("rfc822", job.address)),
        ("Action", action),
        ("Status", status.code),
        ("Diagnostic-Code", _diagnostic(status)),
    ]
    if job.submitting_at:
        about_recipient.append(("Last-Attempt-Date", date(job.submitting_at)))
    about_recipient.append(("Final-Log-ID", job.queue_id))
    if retry_until:
        about_recipient.append(("Will-Retry-Until", date(retry_until)))
    return status_part((about_mail, about_recipient))


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
