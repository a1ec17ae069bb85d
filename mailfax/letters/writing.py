"""A letter as all of them are: the fields by which people and programs know it, and its place in the outbox.

In: to whom, the subject, what is said, further parts. Out: a ``Letter`` with the whole mail.

STANDARDS: RFC 3834 (Auto-Submitted, null sender), RFC 5322.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from mailfax.letters import texts
from mailfax.letters.blocks import Block, Facts, Picture, facts
from mailfax.letters.language import ENGLISH, Language
from mailfax.letters.language import language as language_called
from mailfax.letters.mime import (
    Field,
    Part,
    address,
    date,
    html_part,
    mail,
    parts_in_one,
    picture_part,
    text_part,
    words,
)
from mailfax.letters.page import as_html
from mailfax.letters.plain import as_text, moment, one_line, phone
from mailfax.letters.site import Marks, Site
from mailfax.rules.job import FaxJob, Letter, Message


def written(
    site: Site,
    marks: Marks,
    said: Sequence[Block],
    *,
    files: Sequence[Part] = (),
    parts: Sequence[Part] = (),
    to: str,
    subject: str,
    kind: str,
    about: str,
    sandbox: bool,
    numbers: Sequence[str] = (),
    more: Sequence[Field] = (),
    results: Sequence[tuple[str, str, str]] = (),
    answers: Sequence[Field] | None = None,
    written_by: str = "",
    multipart: str = "",
    language: Language = ENGLISH,
) -> Letter:
    """``said`` is written as text and as HTML, and ``files`` are attached to it; ``parts`` come behind it where the
    whole is a ``multipart`` of its own kind, which has a fixed number of them (RFC 6522 3). ``kind`` is the
    X-Fax-Outcome word: by this field the SMTP server knows our own mail, and never faxes it.

    ``said`` comes in English, and is written in ``language``; ``subject`` is in it.

    ``numbers`` are the digits of each fax that it tells of. ``more``: further fields. ``results``: where it tells of
    several faxes, how each of them ended. ``answers`` are the fields that put it below the mail it answers, None
    where it answers none; ``written_by`` is the value of From where we write as another.
    """
    heading = f"{texts.TEST_SUBJECT if sandbox else ''}{subject}"
    fields: list[Field] = [
        ("From", written_by or address("From", language.say(texts.GATEWAY_NAME), site.postmaster)),
        ("To", address("To", "", to)),
        ("Subject", words("Subject", heading)),
        ("Date", date(marks.date)),
        ("Message-ID", marks.message_id),
        *(answers or ()),
        ("Auto-Submitted", "auto-generated" if answers is None else "auto-replied"),
        ("X-Fax-Outcome", kind),
        *(("X-Fax-Number", number) for number in numbers),
        *(("X-Fax-Result", f"{name}; {one_line(dialled, 60)}; {word}") for name, dialled, word in results),
        *([("X-Fax-Queue-ID", about)] if about else []),
        *more,
    ]
    body = _body(language.of(said), title=heading, boundary=marks.letter_id, language=language.code)
    if files:
        body = parts_in_one("multipart/mixed", [body, *files], f"files.{marks.letter_id}")
    return Letter(
        letter_id=marks.letter_id,
        kind=kind,
        about=about,
        sender="",
        recipients=(to,),
        message_id=marks.message_id,
        content=mail(fields, [body, *parts], kind=multipart, boundary=marks.letter_id),
        decided_at=marks.date,
        next_attempt_at=marks.date,
    )


def _body(said: Sequence[Block], *, title: str, boundary: str, language: str) -> Part:
    """The same words as text and as HTML, with the picture that the HTML shows (RFC 2046 5.1.4, RFC 2387)."""
    picture_id = f"page.{boundary}@mailfax"
    page = html_part(as_html(said, title=title, picture_id=picture_id, language=language))
    if pictures := [block for block in said if isinstance(block, Picture)]:
        shown = [page, *(picture_part(block.content, picture_id) for block in pictures)]
        page = parts_in_one('multipart/related;\r\n type="text/html"', shown, f"related.{boundary}")
    return parts_in_one("multipart/alternative", [text_part(as_text(said)), page], f"body.{boundary}")


def with_subject(language: Language, said: str, message: Message) -> str:
    """The subject of an answer: what it says, and the subject of the mail."""
    said, about = language.say(said), one_line(message.subject)
    return f"{said}: {about}" if about else said


def language_of(site: Site, message: Message, reader: str) -> Language:
    """In which language ``reader`` is told: that of the sender's rule, and the site's to its postmaster."""
    return language_called(site.language if reader == site.postmaster else message.language or site.language)


def zone_of(site: Site, message: Message, reader: str) -> tzinfo:
    """In which times ``reader`` is told: those of the sender's rule, and the site's to its postmaster."""
    if reader == site.postmaster:
        return site.zone
    try:
        return ZoneInfo(message.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # the machine no longer knows it
        return site.zone


def as_written(job: FaxJob) -> list[str]:
    """The addresses that mean this fax, each once."""
    return list(dict.fromkeys(each.address for each in job.spellings if each.address))


def fax_facts(
    zone: tzinfo,
    message: Message,
    job: FaxJob,
    *,
    pages: str,
    sender: str = "",
    cover: str = "",
    ended: tuple[str, str] = ("", ""),
) -> Facts | None:
    """The rows that tell which fax is meant. ``sender`` where somebody else reads this; ``ended``: label and time."""
    return facts(
        [
            (texts.ROW_TO, phone(job.number) if job.number else ""),
            (texts.ROW_RECIPIENT, job.recipient_name),
            (texts.ROW_ADDRESS, ", ".join(as_written(job))),
            (texts.ROW_SENDER, sender),
            (texts.ROW_SUBJECT, message.subject),
            (texts.ROW_PAGES, pages),
            (texts.ROW_COVER, cover),
            (texts.ROW_RECEIVED, moment(message.received_at, zone) if message.received_at else ""),
            ended,
            (texts.ROW_QUEUE_ID, job.queue_id),
        ]
    )
