"""What a letter about one fax says.

In: a message, its document, a job that has ended or still waits. Out: the blocks.
"""

from __future__ import annotations

from mailfax.letters import texts
from mailfax.letters.blocks import Block, Paragraph, Tone, blocks, headline, listing, paragraph, picture
from mailfax.letters.dsn import reported_by_faxcore
from mailfax.letters.plain import count, moment, one_line, phone
from mailfax.letters.shown import Shown
from mailfax.letters.site import Site
from mailfax.letters.writing import fax_facts, zone_of
from mailfax.rules.job import Document, FaxJob, Message, Status
from mailfax.rules.states import JobState
from mailfax.rules.status import Cause, status

_TONES = {"delivered": Tone.GOOD, "failed": Tone.BAD, "cancelled": Tone.BAD}


def said_of_one(
    site: Site,
    message: Message,
    document: Document | None,
    job: FaxJob,
    reader: str,
    open_faxes: int,
    shown: Shown,
    *,
    sandbox: bool,
) -> tuple[Block, ...]:
    """What is said to ``reader``; ``open_faxes`` of the same message have no end yet."""
    outcome, told, zone = texts.outcome_of(job), told_of(job), zone_of(site, message, reader)
    checks = [check.format(gateway=site.postmaster, reference=job.reference) for check in texts.UNCONFIRMED_CHECKS]
    whose = whose_fax(message, reader)
    return blocks(
        paragraph(texts.TEST_TEXT) if sandbox else None,
        headline(outcome.headline.format(number=phone(job.number)), tone_of(outcome)),
        paragraph(f"{told.sentence.removesuffix('.')}.", texts.DELAYED_BECAUSE.get(job.state, "")),
        paragraph(service_said(job)),
        paragraph(outcome.next),
        listing(texts.UNCONFIRMED_CHECKS_HEADING, checks) if outcome.word == "unconfirmed" else None,
        fax_facts(
            zone,
            message,
            job,
            pages=pages_of(document, job),
            sender=message.sender if whose else "",
            cover=texts.COVER_NONE if document and not job.has_cover(document) else "",
            ended=(outcome.ended, moment(job.ended_at, zone) if outcome.ended and job.ended_at else ""),
        ),
        listing(texts.CONTENTS_HEADING, document.contents) if document else None,
        listing(texts.SKIPPED_HEADING, document.skipped) if document else None,
        still_open(open_faxes),
        *picture_of(shown),
        paragraph(whose),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=job.queue_id)),
    )


def tone_of(outcome: texts.Outcome) -> Tone:
    return _TONES.get(outcome.word, Tone.OPEN)


def picture_of(shown: Shown) -> tuple[Block | None, ...]:
    return paragraph(texts.TOO_LARGE) if shown.too_large else None, picture(texts.FIRST_PAGE, shown.picture)


def told_of(job: FaxJob) -> Status:
    """With which status it is told of."""
    return job.status if job.final and job.status is not None else status(Cause.DELAYED)


def service_said(job: FaxJob) -> str:
    """What the fax service said of a fax that was not delivered, where the sentence does not say it."""
    told = told_of(job)
    said = one_line(told.diagnostic.partition(";")[2]) if reported_by_faxcore(told) else ""
    if not said or job.state is JobState.DELIVERED or said in told.sentence:
        return ""
    return texts.SERVICE_SAID.format(said=said)


def whose_fax(message: Message, reader: str) -> str:
    """Why somebody else than its sender hears of it."""
    if reader == message.sender:
        return ""
    return texts.OWNER_TOLD if message.owner else texts.POSTMASTER_TOLD


def still_open(faxes: int) -> Paragraph | None:
    """That others of the same message have no end yet."""
    return paragraph(texts.STILL_OPEN.format(faxes=count(faxes, texts.OPEN_FAX, texts.OPEN_FAXES))) if faxes else None


def pages_of(document: Document | None, job: FaxJob) -> str:
    pages = job.pages or (document.pages if document else None)
    if not pages:
        return ""
    delivered = job.pages_delivered
    if job.state is JobState.FAILED and delivered is not None and delivered < pages:
        return texts.PAGES_PARTLY.format(delivered=delivered, pages=pages)
    return str(pages)
