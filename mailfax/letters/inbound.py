"""The mail that carries a received fax to its people, and the one that tells of a fax that can't be had.

No Reply-To, and an address that takes no mail: whoever answers by habit must not send a fax to a number that nobody
has verified (design A19: the number is what the fax service reported).

STANDARDS: RFC 4160 4.2.3 (address of the caller), RFC 3834 (auto-generated), RFC 2183 (attachment).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from mailfax.letters import texts
from mailfax.letters.mime import GAP, address, file_with_gap, text_part
from mailfax.letters.plain import count, facts, letter_text, moment, paragraph, reported_phone
from mailfax.letters.postmaster import tell
from mailfax.letters.site import Marks, Site
from mailfax.letters.writing import written
from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.states import InboundState


@dataclass(frozen=True, slots=True)
class Form:
    """What kind of file has the pages: how people call it, its media type, the end of its name."""

    word: str
    kind: str
    suffix: str


PDF, TIFF = Form("PDF", "application/pdf", ".pdf"), Form("TIFF", "image/tiff", ".tif")


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter, and its mail around the base64 of the pages, which are not held in memory."""

    letter: Letter
    before: bytes
    behind: bytes


def inbound(
    site: Site,
    fax: InboundFax,
    marks: Marks,
    *,
    mailbox: str,
    number: str,
    announced_pages: int | None,
    form: Form = PDF,
    instead: Form | None = None,
    sandbox: bool,
) -> Parcel:
    """The letter that brings ``fax`` to one ``mailbox``; one letter for each, so that each has its own fate.

    ``number`` is the account's own; ``announced_pages`` is the service's count, ``fax.pages`` is ours. ``form`` is
    what the pages are in, ``instead`` what was wanted and damaged.
    """
    caller = reported_phone(fax.caller) or texts.INBOUND_UNKNOWN
    short = announced_pages is not None and fax.pages is not None and fax.pages < announced_pages
    pages = count(fax.pages, "page") if fax.pages else ""
    told_pages = f"{fax.pages} of {announced_pages} pages" if short else pages
    arrived = fax.listed_at if fax.received_at is None else fax.received_at
    text = letter_text(
        paragraph(texts.TEST_TEXT) if sandbox else "",
        texts.INBOUND_OPENING.format(form=form.word),
        paragraph(texts.INBOUND_INSTEAD.format(form=form.word, damaged=instead.word)) if instead else "",
        paragraph(texts.INBOUND_SHORT.format(announced=count(announced_pages, "page"), pages=pages))
        if short and announced_pages is not None
        else "",
        facts(
            [
                (texts.ROW_CALLER, caller),
                (texts.ROW_CALLED, f"{number} (account {fax.account})"),
                (texts.ROW_ARRIVED, moment(arrived, site.zone)),
                (texts.ROW_PAGES, told_pages.rpartition(" ")[0]),
                (texts.ROW_QUEUE_ID, fax.queue_id),
            ]
        ),
        paragraph(texts.INBOUND_CALLER_NOTE),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=fax.queue_id)),
    )
    subject = ", ".join(part for part in (texts.INBOUND_SUBJECT.format(caller=caller), told_pages) if part)
    letter = written(
        site,
        marks,
        [text_part(text), file_with_gap(_filename(site, fax, arrived) + form.suffix, form.kind)],
        to=mailbox,
        subject=subject,
        kind="received",
        about=fax.queue_id,
        number=_digits(fax.caller),
        written_by=address("From", texts.INBOUND_FROM.format(caller=caller), site.fax_bringer),
        sandbox=sandbox,
    )
    before, _, behind = letter.content.partition(GAP)
    return Parcel(replace(letter, content=b""), before, behind)


def inbound_problem(site: Site, fax: InboundFax, marks: Marks, *, to: str, problem: str, sandbox: bool) -> Letter:
    """Tells the postmaster, or whoever the fax was for, that it can't be read or has disappeared."""
    vanished = fax.state is InboundState.VANISHED
    subject = texts.VANISHED_SUBJECT if vanished else texts.UNREADABLE_SUBJECT
    return tell(
        site,
        marks,
        subject.format(account=fax.account),
        paragraph(texts.VANISHED_TEXT if vanished else texts.UNREADABLE_TEXT),
        facts(
            [
                (texts.ROW_PROBLEM, problem),
                (texts.ROW_CALLER, reported_phone(fax.caller)),
                (texts.ROW_CALLED, f"account {fax.account}"),
                (texts.ROW_LISTED, moment(fax.listed_at, site.zone)),
                (texts.ROW_ATTEMPTS, str(fax.attempts or "")),
                (texts.ROW_FAX_ID, fax.fax_id),
                (texts.ROW_QUEUE_ID, fax.queue_id),
            ]
        ),
        paragraph(texts.VANISHED_NEXT if vanished else texts.UNREADABLE_NEXT),
        to=to,
        about=fax.queue_id,
        sandbox=sandbox,
    )


def _digits(caller: str) -> str:
    """A caller that is a number, as digits; what holds anything else is text, and has none."""
    digits = caller.removeprefix("+")[:40]
    return digits if digits.isascii() and digits.isdigit() else ""


def _filename(site: Site, fax: InboundFax, arrived: float) -> str:
    """Sorts by time, tells the caller, and is safe in every file system: "fax-2026-11-23-2104-15551234567"."""
    stamp = datetime.fromtimestamp(arrived, site.zone).strftime("%Y-%m-%d-%H%M")
    return "-".join(part for part in ("fax", stamp, _digits(fax.caller)) if part)
