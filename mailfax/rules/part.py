"""What a mail was read as: values that every room knows."""

from __future__ import annotations

from dataclasses import dataclass, field

from mailfax.rules.job import Status
from mailfax.rules.ledger import Entry

#: Name of the body in sentences.
BODY = "text of the mail"
#: Parts that never are pages, and what they are called in ``skipped``.
NEVER_PAGES = {
    "text/calendar": "a calendar entry",
    "application/ics": "a calendar entry",
    "text/vcard": "a visiting card (vCard)",
    "text/x-vcard": "a visiting card (vCard)",
    "text/directory": "a visiting card (vCard)",
    "application/pgp-signature": "an electronic signature",
    "application/pgp-keys": "a key",
    "application/pkcs7-signature": "an electronic signature",
    "application/x-pkcs7-signature": "an electronic signature",
    "application/applefile": "what a Macintosh keeps beside a file",
}


class NotFaxable(Exception):
    """The mail can't become a fax. ``status`` says why, and what to do."""

    def __init__(self, why: Status) -> None:
        super().__init__(why.sentence)
        self.status = why


@dataclass(frozen=True, slots=True)
class Part:
    """A file in the mail. ``name`` is for people and never empty; ``label`` is the type the mail claims, lower case.

    ``text`` is the content as text, decoded by the charset the mail claims, where it claims to be text and is.
    """

    name: str
    label: str
    content: bytes
    text: str | None = None


@dataclass(frozen=True, slots=True)
class Submission:
    """A mail as understood. ``body_text`` is "" where only HTML was sent, ``body_html`` is "" where only text was.

    ``images`` are the pictures that belong to HTML in the mail, by Content-ID; they are not pages. ``ledger`` tells
    of every octet of the mail what became of it.
    """

    subject: str = ""
    message_id: str = ""
    body_text: str = ""
    body_html: str = ""
    images: dict[str, Part] = field(default_factory=dict)
    parts: tuple[Part, ...] = ()
    skipped: tuple[str, ...] = ()
    ledger: tuple[Entry, ...] = ()
