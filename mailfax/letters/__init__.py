"""The mails that we write. Pure: values in, ``Letter`` values with whole mails out; no clock, no chance, no files.

``owed`` and ``delayed`` answer the sender of faxes (DSN or notice), ``preview`` shows what would be faxed,
``inbound`` carries a received fax to its people, ``record`` to folders and webhooks,
``for_program`` an outcome to a program.
``alarm``, ``all_clear``, ``approval``, ``quiet``, ``heard_again``, ``ceiling``, ``disk_alarm``,
``damaged``, ``disk_clear``, ``fax_alarm``, ``left_out``, ``recovered``,
``refused``, ``relay_clear`` and ``undeliverable`` tell the postmaster, ``inbound_problem`` also those whom the fax
was for,
``forward_to_postmaster`` passes on mail that was written to him. All wording stands in ``texts``; who hears what
stands in ``audience``. What is said is ``blocks``, which ``plain`` writes as text and ``page`` as HTML, in one mail.

STANDARDS: RFC 3461 (who is told), RFC 3464, 6522, 6533 (reports), RFC 3834 (automatic mail), RFC 5322, 2047, 2183.
LIMITS: reports return the header of the original, never its content (RET=FULL is treated as RET=HDRS: RFC 3461 6.2
allows it, and a copier's scan does not travel twice); no MDN.
"""

from __future__ import annotations

from mailfax.letters.approval import approval
from mailfax.letters.audience import apart
from mailfax.letters.inbound import PDF, TIFF, Arrival, Form, inbound, inbound_problem
from mailfax.letters.mime import BASE64_BLOCK, base64_lines
from mailfax.letters.outcome import delayed, owed
from mailfax.letters.postmaster import (
    alarm,
    all_clear,
    ceiling,
    damaged,
    disk_alarm,
    disk_clear,
    failed_elsewhere,
    fax_alarm,
    forward_to_postmaster,
    heard_again,
    left_out,
    quiet,
    recovered,
    refused,
    relay_clear,
    undeliverable,
)
from mailfax.letters.preview import preview
from mailfax.letters.program import for_program
from mailfax.letters.record import Document, record
from mailfax.letters.shown import NOTHING_SHOWN, Shown
from mailfax.letters.site import Marks, Site

__all__ = [
    "BASE64_BLOCK",
    "NOTHING_SHOWN",
    "PDF",
    "TIFF",
    "Arrival",
    "Document",
    "Form",
    "Marks",
    "Shown",
    "Site",
    "alarm",
    "all_clear",
    "apart",
    "approval",
    "base64_lines",
    "ceiling",
    "damaged",
    "delayed",
    "disk_alarm",
    "disk_clear",
    "failed_elsewhere",
    "fax_alarm",
    "for_program",
    "forward_to_postmaster",
    "heard_again",
    "inbound",
    "inbound_problem",
    "left_out",
    "owed",
    "preview",
    "quiet",
    "record",
    "recovered",
    "refused",
    "relay_clear",
    "undeliverable",
]
