"""What a letter about several faxes of one message says: how many ended how, then each number, what failed first.

In: a message, its document, jobs. Out: the blocks, and what the subject says.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from mailfax.letters import texts
from mailfax.letters.blocks import Block, blocks, facts, headline, listing, paragraph, results, section
from mailfax.letters.one import pages_of, picture_of, service_said, still_open, told_of, tone_of, whose_fax
from mailfax.letters.plain import count, moment, phone
from mailfax.letters.shown import Shown
from mailfax.letters.site import Site
from mailfax.letters.writing import as_written, zone_of
from mailfax.rules.job import Document, FaxJob, Message
from mailfax.rules.queue_id import message_id

#: In this order they are told of: what somebody has to see to comes first.
_ORDER = ("failed", "unconfirmed", "cancelled", "delayed", "delivered")


def subject_of_several(jobs: Sequence[FaxJob]) -> str:
    """What the subject says before that of the message."""
    outcomes = _counted(jobs)
    if len(outcomes) == 1:
        return outcomes[0][0].several.format(count=len(jobs))
    return texts.MIXED.several.format(count=len(jobs), counts=_counts(jobs))


def said_of_several(
    site: Site,
    message: Message,
    document: Document | None,
    jobs: Sequence[FaxJob],
    reader: str,
    open_faxes: int,
    shown: Shown,
    *,
    sandbox: bool,
) -> tuple[Block, ...]:
    """What is said to ``reader``; ``open_faxes`` of the same message have no end yet."""
    zone, whose = zone_of(site, message, reader), whose_fax(message, reader)
    sections: list[Block | None] = []
    for outcome, alike in _alike(jobs):
        first = alike[0]
        checks = [check.format(gateway=site.postmaster) for check in texts.UNCONFIRMED_CHECKS_SEVERAL]
        sections += [
            section(outcome.section, tone_of(outcome)),
            paragraph(f"{told_of(first).sentence.removesuffix('.')}.", texts.DELAYED_BECAUSE.get(first.state, "")),
            paragraph(service_said(first)),
            paragraph(outcome.next),
            listing(texts.UNCONFIRMED_CHECKS_HEADING, checks) if outcome.word == "unconfirmed" else None,
            results(
                (
                    ", ".join(part for part in (phone(job.number), job.recipient_name) if part),
                    [
                        *(texts.AS_WRITTEN.format(address=one) for one in as_written(job)),
                        count_of_pages(pages_of(document, job)),
                        f"{outcome.ended}: {moment(job.ended_at, zone)}" if outcome.ended and job.ended_at else "",
                        f"{texts.ROW_REFERENCE}: {job.reference}" if outcome.word == "unconfirmed" else "",
                        f"{texts.ROW_QUEUE_ID}: {job.queue_id}",
                    ],
                )
                for job in alike
            ),
        ]
    queue_id = message_id(jobs[0].queue_id)
    return blocks(
        paragraph(texts.TEST_TEXT) if sandbox else None,
        headline(texts.MIXED.headline.format(count=len(jobs), counts=_counts(jobs)), tone_of(_counted(jobs)[0][0])),
        *sections,
        still_open(open_faxes),
        facts(
            [
                (texts.ROW_SENDER, message.sender if whose else ""),
                (texts.ROW_SUBJECT, message.subject),
                (texts.ROW_RECEIVED, moment(message.received_at, zone) if message.received_at else ""),
                (texts.ROW_QUEUE_ID, queue_id),
            ]
        ),
        listing(texts.CONTENTS_HEADING, document.contents) if document else None,
        listing(texts.SKIPPED_HEADING, document.skipped) if document else None,
        *picture_of(shown),
        paragraph(whose),
        paragraph(texts.ASK.format(gateway=site.postmaster, queue_id=queue_id)),
    )


def count_of_pages(pages: str) -> str:
    """ "3 pages"; what says more stays as it is."""
    return count(int(pages), "page") if pages.isdigit() else pages


def _counted(jobs: Sequence[FaxJob]) -> list[tuple[texts.Outcome, int]]:
    found = Counter(texts.outcome_of(job) for job in jobs)
    return sorted(found.items(), key=lambda each: _ORDER.index(each[0].word))


def _counts(jobs: Sequence[FaxJob]) -> str:
    """ "1 failed, 2 delivered"."""
    return ", ".join(f"{number} {outcome.word}" for outcome, number in _counted(jobs))


def _alike(jobs: Sequence[FaxJob]) -> Iterator[tuple[texts.Outcome, list[FaxJob]]]:
    """Those of which the same is to be said, together."""
    for outcome, _ in _counted(jobs):
        groups: dict[tuple[str, ...], list[FaxJob]] = {}
        for job in jobs:
            if texts.outcome_of(job) == outcome:
                waits = "" if job.final else job.state.value
                groups.setdefault((told_of(job).sentence, service_said(job), waits), []).append(job)
        for alike in groups.values():
            yield outcome, alike
