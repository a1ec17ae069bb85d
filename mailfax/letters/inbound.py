"""The mail that carries a received fax to its people, and the one that tells of a fax that can't be had.

An address that takes no mail, and no Reply-To unless the site wants one: whoever answers by habit must not send a fax
to a number that nobody has verified (design A19: the number is what the fax service reported).

STANDARDS: RFC 4160 4.2.3 (address of the caller), RFC 3834 (auto-generated), RFC 2183 (attachment).
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from datetime import datetime

from mailfax.config import Received
from mailfax.letters import texts
from mailfax.letters.blocks import blocks, facts, headline, paragraph, picture
from mailfax.letters.language import language
from mailfax.letters.mime import GAP, Field, address, date, file_with_gap, words
from mailfax.letters.plain import count, moment, reported_phone
from mailfax.letters.postmaster import tell
from mailfax.letters.site import Marks, Site
from mailfax.letters.writing import written
from mailfax.rules.caller import digits_of
from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.states import InboundState


@dataclass(frozen=True, slots=True)
class Form:
    """What kind of file has the pages: how people call it, its media type, the end of its name."""

    word: str
    kind: str
    suffix: str


PDF, TIFF = Form("PDF", "application/pdf", ".pdf"), Form("TIFF", "image/tiff", ".tif")
_NAME_LONGEST = 100
_DEVICE = re.compile(r"(?i:con|prn|aux|nul|com[0-9]|lpt[0-9])")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What is told of a received fax beside what the spool keeps of it.

    ``number`` is the account's own; ``announced_pages`` is the service's count, ``InboundFax.pages`` is ours.
    ``forms`` are those of its files; ``instead`` is what was wanted and damaged. ``route`` names what decided where
    it goes. ``caller_name`` is from the site's contacts; ``look`` has the templates.
    """

    number: str
    announced_pages: int | None
    forms: tuple[Form, ...] = (PDF,)
    instead: Form | None = None
    route: str = ""
    caller_name: str = ""
    look: Received = field(default_factory=Received)
    answers_to: str = ""  #: the caller's number with its country code, where it surely is one
    locked: bool = False  #: the PDF opens with a password alone
    picture: bytes = b""  #: its first page, as a PNG
    sandbox: bool = False


@dataclass(frozen=True, slots=True)
class Parcel:
    """A letter, and its mail around the base64 of each file: files are not held in memory."""

    letter: Letter
    pieces: tuple[bytes, ...]


def inbound(site: Site, fax: InboundFax, marks: Marks, arrival: Arrival, *, mailbox: str) -> Parcel:
    """The letter that brings ``fax`` to one ``mailbox``; one letter for each, so that each has its own fate."""
    said_in, number = language(site.language), reported_phone(fax.caller)
    caller = arrival.caller_name or number or texts.INBOUND_UNKNOWN
    announced = arrival.announced_pages
    short = announced is not None and fax.pages is not None and fax.pages < announced
    pages = count(fax.pages, "page") if fax.pages else ""
    told_pages = f"{fax.pages} of {announced} pages" if short else pages
    arrived = fax.listed_at if fax.received_at is None else fax.received_at
    forms = texts.INBOUND_AND.join(form.word for form in arrival.forms)
    instead = arrival.instead
    # RFC 4160 4.2.3: an address of its own, and no Reply-To unless the site wants its people to fax by answering.
    wanted = arrival.answers_to and arrival.look.fax_back != "none"
    back = f"FAX=+{arrival.answers_to}@{site.fax_domain}" if wanted else ""
    replies = bool(back) and arrival.look.fax_back == "reply-to"
    said = blocks(
        paragraph(texts.TEST_TEXT) if arrival.sandbox else None,
        headline(texts.INBOUND_FROM.format(caller=caller)),
        paragraph(texts.INBOUND_OPENING.format(form=forms)),
        paragraph(texts.INBOUND_LOCKED) if arrival.locked else None,
        paragraph(texts.INBOUND_INSTEAD.format(form=forms, damaged=instead.word)) if instead else None,
        paragraph(texts.INBOUND_SHORT.format(announced=count(announced, "page"), pages=pages))
        if short and announced is not None
        else None,
        facts(
            [
                (texts.ROW_CALLER, ", ".join(part for part in (arrival.caller_name, number) if part) or caller),
                (texts.ROW_CALLED, f"{arrival.number} (account {fax.account})"),
                (texts.ROW_ARRIVED, moment(arrived, site.zone)),
                (texts.ROW_PAGES, told_pages.rpartition(" ")[0]),
                (texts.ROW_FAX_BACK, back),
                (texts.ROW_QUEUE_ID, fax.queue_id),
            ]
        ),
        picture(texts.FIRST_PAGE, arrival.picture),
        paragraph(texts.INBOUND_REPLY_NOTE if replies else texts.INBOUND_CALLER_NOTE),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=fax.queue_id)),
    )
    filled = _fields(site, fax, arrival) | {"caller": caller, "pages": told_pages}
    name = attachment_name(site, fax, arrival)
    letter = written(
        site,
        marks,
        said,
        files=[file_with_gap(name + form.suffix, form.kind) for form in arrival.forms],
        to=mailbox,
        subject=said_in.say(arrival.look.subject_template.format_map(filled)),
        kind="received",
        about=fax.queue_id,
        numbers=(digits,) if (digits := digits_of(fax.caller)) else (),
        more=[
            *([("Reply-To", back)] if replies else []),
            *_headers(fax, arrival, arrived),
            *([("X-Fax-Back", back)] if back else []),
        ],
        written_by=address("From", said_in.say(texts.INBOUND_FROM.format(caller=caller)), site.fax_bringer),
        sandbox=arrival.sandbox,
        language=said_in,
    )
    return Parcel(replace(letter, content=b""), tuple(letter.content.split(GAP)))


def _headers(fax: InboundFax, arrival: Arrival, arrived: float) -> list[Field]:
    """What programs sort received faxes by; what is not known is left out. ``docs/reference/received.md``."""
    told = {
        "X-Fax-Account": fax.account,
        "X-Fax-Called": arrival.number,
        "X-Fax-Caller": fax.caller,
        "X-Fax-Caller-Name": arrival.caller_name,
        "X-Fax-Pages": str(fax.pages or ""),
        "X-Fax-Pages-Announced": "" if arrival.announced_pages is None else str(arrival.announced_pages),
        "X-Fax-Received": date(arrived),
        "X-Fax-Route": arrival.route,
        "X-Fax-ID": fax.fax_id,
    }
    return [(name, words(name, value)) for name, value in told.items() if value.strip()]


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


def attachment_name(site: Site, fax: InboundFax, arrival: Arrival) -> str:
    """A file name without its end, by the site's template; safe in every file system, whatever a caller is called:
    "fax-2026-11-23-2104-15551234567"."""
    fields = _fields(site, fax, arrival)
    # A file has no use for "an unknown number", and no colon may stand in its name.
    fields |= {"caller": fields["name"] or fields["number"], "time": fields["time"].replace(":", "")}
    filled = arrival.look.attachment_name.format_map(fields | {"pages": str(fax.pages or "")})
    plain = unicodedata.normalize("NFKD", filled).encode("ascii", "ignore").decode()
    name = re.sub(r"-{2,}", "-", re.sub(r"[^A-Za-z0-9_.-]+", "-", plain)).strip("-.")[:_NAME_LONGEST].rstrip("-.")
    # What Windows takes for a device, with any end behind it.
    return f"fax-{name}".rstrip("-") if not name or _DEVICE.fullmatch(name.partition(".")[0]) else name


def _fields(site: Site, fax: InboundFax, arrival: Arrival) -> dict[str, str]:
    """What may stand in templates, all but ``caller`` and ``pages``: ``config.templates.FIELDS``."""
    arrived = datetime.fromtimestamp(fax.listed_at if fax.received_at is None else fax.received_at, site.zone)
    return {
        "name": arrival.caller_name,
        "number": digits_of(fax.caller),
        "account": fax.account,
        "called": arrival.number,
        "date": arrived.strftime("%Y-%m-%d"),
        "time": arrived.strftime("%H:%M"),
        "queue_id": fax.queue_id,
    }
