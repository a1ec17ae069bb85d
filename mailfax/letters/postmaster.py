"""Mail to the postmaster: alarms, all-clears, letters that nobody took, and what was written to him.

In: facts. Out: one letter each, to ``site.postmaster``, without pages or content of any fax.

STANDARDS: RFC 3834 (auto-generated), RFC 5321 4.5.1 (the postmaster is always reachable), 6.3 (loops: what is passed
on keeps its Received lines, and the SMTP server counts them).
"""

from __future__ import annotations

from collections.abc import Sequence

from mailfax.config.targets import MAIL, kind_of
from mailfax.letters import texts
from mailfax.letters.blocks import Block, blocks, facts, listing, paragraph
from mailfax.letters.language import ENGLISH, language
from mailfax.letters.plain import count, moment, one_line, reported_phone
from mailfax.letters.site import Marks, Site
from mailfax.letters.writing import written
from mailfax.rules.job import Letter


def alarm(site: Site, marks: Marks, *, account: str, problem: str, sandbox: bool) -> Letter:
    """An account does not work, and is paused. ``problem`` is a sentence for people."""
    return tell(
        site,
        marks,
        texts.ALARM_SUBJECT.format(account=account),
        paragraph(texts.ALARM_TEXT.format(account=account)),
        paragraph(f"{problem.removesuffix('.')}."),
        paragraph(texts.ALARM_NEXT),
        sandbox=sandbox,
    )


def fax_alarm(site: Site, marks: Marks, *, account: str, problem: str, sandbox: bool) -> Letter:
    """Something about one fax that a person should look at; its account works. ``problem`` is for people."""
    return tell(
        site,
        marks,
        texts.FAX_ALARM_SUBJECT.format(account=account),
        paragraph(texts.FAX_ALARM_TEXT.format(account=account)),
        paragraph(f"{problem.removesuffix('.')}."),
        sandbox=sandbox,
    )


def all_clear(site: Site, marks: Marks, *, account: str, sandbox: bool) -> Letter:
    """The account works again."""
    return tell(
        site,
        marks,
        texts.ALL_CLEAR_SUBJECT.format(account=account),
        paragraph(texts.ALL_CLEAR_TEXT.format(account=account)),
        sandbox=sandbox,
    )


def quiet(site: Site, marks: Marks, *, account: str, since: float, sandbox: bool) -> Letter:
    """The account has received no fax since then, which is unusual for it."""
    return tell(
        site,
        marks,
        texts.QUIET_SUBJECT.format(account=account),
        paragraph(texts.QUIET_TEXT.format(account=account, since=moment(since, site.zone))),
        paragraph(texts.QUIET_NEXT),
        sandbox=sandbox,
    )


def heard_again(site: Site, marks: Marks, *, account: str, sandbox: bool) -> Letter:
    """A fax has come again."""
    return tell(
        site,
        marks,
        texts.HEARD_SUBJECT.format(account=account),
        paragraph(texts.HEARD_TEXT.format(account=account)),
        sandbox=sandbox,
    )


def disk_alarm(site: Site, marks: Marks, *, problem: str) -> Letter:
    """There is a problem with our own disk. ``problem`` is a sentence for people."""
    return tell(
        site,
        marks,
        texts.DISK_SUBJECT,
        paragraph(texts.DISK_TEXT),
        paragraph(problem),
        paragraph(texts.DISK_NEXT),
        sandbox=False,
    )


def disk_clear(site: Site, marks: Marks) -> Letter:
    """The disk works again."""
    return tell(site, marks, texts.DISK_CLEAR_SUBJECT, paragraph(texts.DISK_CLEAR_TEXT), sandbox=False)


def recovered(site: Site, marks: Marks, *, faxes: int) -> Letter:
    """The spool is an older copy of itself; so many of its faxes are looked for."""
    return tell(
        site,
        marks,
        texts.RECOVERED_SUBJECT,
        paragraph(texts.RECOVERED_TEXT),
        paragraph(texts.RECOVERED_FAXES.format(faxes=faxes)),
        paragraph(texts.RECOVERED_NEXT),
        sandbox=False,
    )


def ceiling(site: Site, marks: Marks, *, limit: int) -> Letter:
    """The site has sent as many faxes in a day as it may."""
    return tell(
        site,
        marks,
        texts.CEILING_SUBJECT.format(limit=limit),
        paragraph(texts.CEILING_TEXT.format(limit=limit)),
        paragraph(texts.CEILING_NEXT),
        sandbox=False,
    )


def damaged(site: Site, marks: Marks, *, rows: Sequence[tuple[str, str, str]]) -> Letter:
    """Rows of the spool that can't be read: (table, what it is called, what was done about it)."""
    shown = [f"{table} {one_line(name)}: {one_line(done)}" for table, name, done in rows]
    return tell(
        site,
        marks,
        texts.DAMAGED_SUBJECT.format(rows=count(len(rows), "damaged row")),
        listing(texts.DAMAGED_TEXT, shown),
        paragraph(texts.DAMAGED_NEXT),
        sandbox=False,
    )


def left_out(site: Site, marks: Marks, *, senders: Sequence[str]) -> Letter:
    """Senders whom no rule names any more, with faxes that wait."""
    return tell(
        site,
        marks,
        texts.LEFT_OUT_SUBJECT,
        listing(texts.LEFT_OUT_TEXT, [one_line(sender) or "<>" for sender in senders]),
        paragraph(texts.LEFT_OUT_NEXT),
        sandbox=False,
    )


def failed_elsewhere(
    site: Site,
    marks: Marks,
    *,
    to: str,
    account: str,
    fax_id: str,
    number: str,
    subject: str,
    said: str,
    at: float | None,
    sandbox: bool,
) -> Letter:
    """A fax that was sent over the account by other means has failed there; to whoever owns the account."""
    return tell(
        site,
        marks,
        texts.FOREIGN_SUBJECT.format(
            number=reported_phone(number) or texts.FOREIGN_NUMBER, account=one_line(account)
        ),
        paragraph(texts.FOREIGN_TEXT.format(account=one_line(account))),
        facts(
            [
                (texts.ROW_TO, reported_phone(number)),
                (texts.ROW_SUBJECT, subject),
                (texts.ROW_SENT, moment(at, site.zone) if at is not None else ""),
                (texts.ROW_SAID, said),
                (texts.ROW_FAX_ID, fax_id),
            ]
        ),
        paragraph(texts.FOREIGN_NEXT),
        to=to,
        sandbox=sandbox,
    )


def undeliverable(site: Site, marks: Marks, *, letter: Letter, problem: str) -> Letter:
    """``letter`` could not be handed over; told without its content (RFC 4160 4.6: administrator's notice)."""
    text = texts.UNDELIVERABLE_TEXT if _is_mail(letter) else texts.UNDELIVERABLE_ELSEWHERE_TEXT
    subject, after = texts.UNDELIVERABLE_SUBJECT, texts.UNDELIVERABLE_NEXT
    return _about_letter(site, marks, letter, problem, subject, text, after)


def refused(site: Site, marks: Marks, *, letter: Letter, problem: str) -> Letter:
    """``letter`` is refused again and again, and no other was taken by which one could tell whose trouble it is."""
    text = texts.REFUSED_TEXT if _is_mail(letter) else texts.REFUSED_ELSEWHERE_TEXT
    subject, after = texts.REFUSED_SUBJECT, texts.REFUSED_NEXT
    return _about_letter(site, marks, letter, problem, subject, text, after)


def relay_clear(site: Site, marks: Marks, *, since: float, said: str, waited: int) -> Letter:
    """The relay took nothing since then, and takes mail again."""
    text = texts.RELAY_CLEAR_TEXT.format(since=moment(since, site.zone), until=moment(marks.date, site.zone))
    rows = facts([(texts.ROW_SAID, said), (texts.ROW_WAITED, str(waited or ""))])
    return tell(site, marks, texts.RELAY_CLEAR_SUBJECT, paragraph(text), rows, sandbox=False)


def _is_mail(letter: Letter) -> bool:
    return all(kind_of(recipient) == MAIL for recipient in letter.recipients)


def _about_letter(
    site: Site, marks: Marks, letter: Letter, problem: str, subject: str, text: str, after: str
) -> Letter:
    recipients = ", ".join(letter.recipients)
    kind = texts.KINDS.get(letter.kind, letter.kind)
    return tell(
        site,
        marks,
        subject.format(kind=kind, recipients=recipients),
        paragraph(text),
        facts(
            [
                (texts.ROW_KIND, kind),
                (texts.ROW_RECIPIENTS, recipients),
                (texts.ROW_PROBLEM, problem),
                (texts.ROW_ATTEMPTS, str(letter.attempts or "")),
                (texts.ROW_ABOUT, letter.about),
                (texts.ROW_LETTER, letter.letter_id),
            ]
        ),
        paragraph(after),
        about=letter.about,
        sandbox=False,
    )


def forward_to_postmaster(site: Site, marks: Marks, *, sender: str, content_id: str, about: str) -> Letter:
    """Mail that was written to our postmaster, passed on as it came: an alias changes the envelope's recipient and
    nothing else (RFC 5321 3.9.1). ``sender`` stays, so that a bounce finds its way; ``content_id`` is the message's
    own content, with its Received line.
    """
    return Letter(
        letter_id=marks.letter_id,
        kind="forward",
        about=about,
        sender=sender,
        recipients=(site.postmaster,),
        message_id=marks.message_id,
        content_id=content_id,
        decided_at=marks.date,
        next_attempt_at=marks.date,
    )


def tell(
    site: Site,
    marks: Marks,
    subject: str,
    *said: Block | None,
    to: str = "",
    about: str = "",
    sandbox: bool,
    in_language: str = "",
) -> Letter:
    """A plain mail, in English to the postmaster; to whom ``to`` names ``in_language``, or in that of the site."""
    said_in = language(in_language or site.language) if to not in ("", site.postmaster) else ENGLISH
    return written(
        site,
        marks,
        blocks(paragraph(texts.TEST_TEXT) if sandbox else None, *said),
        to=to or site.postmaster,
        subject=said_in.say(subject),
        kind="alarm",
        about=about,
        sandbox=sandbox,
        language=said_in,
    )
