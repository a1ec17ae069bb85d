"""What may be sent in a day is never exceeded, whoever asks at one moment; a refused mail leaves nothing behind."""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax.rules.job import Document, Message
from mailfax.rules.states import JobEvent
from mailfax.spool import CeilingReached, PagesUsedUp, QuotaUsedUp, Spool
from mailfax.spool.usage import SITE
from tests.spool.conftest import Clock, Database, Mails

if TYPE_CHECKING:
    from tests.spool.conftest import OpenSpool

pytestmark = pytest.mark.anyio


async def accept(
    spool: Spool, mails: Mails, jobs: int = 1, *, ceiling: int = 0, body: bytes = b"", **rule: int
) -> str:
    message = replace(mails.message(), payer="alice@example.com", **rule)
    content = spool.content.begin()
    content.write(body)
    made = [mails.job(message, n + 1) for n in range(jobs)]
    await spool.intake.accept(message, made, content, ceiling=ceiling)
    return message.queue_id


async def make(spool: Spool, pages: int) -> Document:
    """The document that is due, of so many pages."""
    claimed = await spool.documents.claim(60)
    assert claimed
    message, document = claimed
    return await spool.documents.ready(document, replace(document, pages=pages), b"p" * 100_000, message=message)


async def test_a_payer_has_so_many_faxes_in_a_day(spool: Spool, mails: Mails, clock: Clock) -> None:
    await accept(spool, mails, 3, faxes_per_day=5)
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, 3, faxes_per_day=5)
    clock.now += 12 * 3600
    await accept(spool, mails, 2, faxes_per_day=5)
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, faxes_per_day=5)
    clock.now += 12 * 3600
    await accept(spool, mails, 3, faxes_per_day=5)
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, faxes_per_day=5)
    assert await spool.usage.of("alice@example.com") == (5, 0)


async def test_without_a_limit_nothing_is_counted(spool: Spool, mails: Mails) -> None:
    await accept(spool, mails, 100)
    assert await spool.usage.of("alice@example.com") == (0, 0)
    assert await spool.usage.of(SITE) == (0, 0)


async def test_the_ceiling_is_for_all_and_a_quota_for_one(spool: Spool, mails: Mails) -> None:
    await accept(spool, mails, 2, ceiling=3, faxes_per_day=2)
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, 1, ceiling=3, faxes_per_day=2)
    assert await spool.usage.of(SITE) == (2, 0), "a refused mail uses nothing up"
    await accept(spool, mails, 1, ceiling=3)
    with pytest.raises(CeilingReached):
        await accept(spool, mails, 1, ceiling=3)
    await accept(spool, mails, 0, ceiling=3)  # to the postmaster alone


@pytest.mark.parametrize(("rule", "error"), [({"faxes_per_day": 1}, QuotaUsedUp), ({"ceiling": 1}, CeilingReached)])
async def test_a_refused_mail_leaves_no_bytes(
    rule: dict[str, int], error: type[Exception], spool: Spool, mails: Mails, database: Database
) -> None:
    with pytest.raises(error):
        await accept(spool, mails, 2, body=b"x" * 100_000, **rule)
    assert await database.large_left(spool) == 0
    assert (await spool.counts()).jobs == {}


async def test_many_sessions_of_two_processes_share_the_last_faxes_of_a_day(
    open_spool: OpenSpool, mails: Mails
) -> None:
    spools = [await open_spool(), await open_spool()]
    tries = [accept(spools[n % 2], mails, ceiling=10, faxes_per_day=7) for n in range(30)]
    ended = await asyncio.gather(*tries, return_exceptions=True)
    assert [type(one) for one in ended].count(str) == 7
    assert (await spools[0].counts()).jobs == {"accepted": 7}
    assert await spools[1].usage.of(SITE) == (7, 0)


async def test_pages_are_counted_for_each_recipient_when_they_are_known(
    spool: Spool, mails: Mails, database: Database
) -> None:
    await accept(spool, mails, 3, pages_per_day=10)
    await make(spool, 3)
    assert await spool.usage.of("alice@example.com") == (3, 9)
    await accept(spool, mails, 1, pages_per_day=10)
    with pytest.raises(PagesUsedUp):
        await make(spool, 2)
    assert await database.large_left(spool) == 1, "the pages of the first one"
    assert await spool.usage.of("alice@example.com") == (4, 9)
    await accept(spool, mails, 1, pages_per_day=10)
    await make(spool, 1)
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, 1, pages_per_day=10)


async def test_only_jobs_that_wait_for_the_document_pay_for_its_pages(spool: Spool, mails: Mails) -> None:
    queue_id = await accept(spool, mails, 3, pages_per_day=10)
    jobs = await spool.jobs.of(queue_id)
    await spool.jobs.advance(jobs[0], jobs[0].after(JobEvent.CANCEL), JobEvent.CANCEL)
    await spool.jobs.advance(jobs[1], jobs[1].after(JobEvent.HOLD), JobEvent.HOLD)
    await make(spool, 5)
    assert await spool.usage.of("alice@example.com") == (3, 10)


async def test_the_ceiling_is_told_once_a_day(spool: Spool, mails: Mails, clock: Clock) -> None:
    moves = ((0, True), (-0.001, False), (1.001, False), (22, False), (1, True), (1, False), (-48, True))
    for hours, told in moves:
        clock.now += hours * 3600
        assert await spool.usage.ceiling_reached([mails.letter(kind="alarm")]) == told
    assert (await spool.counts()).letters == {"waiting": 3}


async def test_old_hours_are_swept_and_those_of_a_wrong_clock(spool: Spool, mails: Mails, clock: Clock) -> None:
    await accept(spool, mails, 1, faxes_per_day=1)
    clock.now -= 86_400 * 30
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, 1, faxes_per_day=1)
    await spool.sweep()
    await accept(spool, mails, 1, faxes_per_day=1)
    await spool.sweep()
    with pytest.raises(QuotaUsedUp):
        await accept(spool, mails, 1, faxes_per_day=1)


STEPS = st.lists(
    st.tuples(
        st.integers(0, 2), st.integers(1, 4), st.integers(0, 3), st.sampled_from((0, 0, 0, 1800, 40_000, 90_000))
    ),
    max_size=25,
)


@given(STEPS)
@settings(max_examples=40, deadline=None)
def test_it_agrees_with_a_plain_count(steps: list[tuple[int, int, int, int]]) -> None:
    """Invariant: a mail is taken exactly where its payer's faxes and pages, and the site's faxes, of the last 24
    hours leave room for it; a document is made exactly where its pages fit."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(count(Path(folder), steps))


async def count(folder: Path, steps: list[tuple[int, int, int, int]]) -> None:
    clock = Clock()
    mails = Mails(clock)
    limits = ((6, 0), (0, 8), (5, 5))
    ceiling = 12
    sent: list[tuple[int, int, int, int]] = []  # hour, payer, faxes, pages
    spool = await Spool.open("sqlite:///spool.db", folder, clock=clock)
    try:
        for payer, jobs, pages, seconds in steps:
            clock.now += seconds
            hour = int(clock.now // 3600)
            recent = [one for one in sent if one[0] > hour - 24]
            faxes_per_day, pages_per_day = limits[payer]
            faxes_used = sum(one[2] for one in recent if one[1] == payer)
            pages_used = sum(one[3] for one in recent if one[1] == payer)
            fits = not faxes_per_day or faxes_used + jobs <= faxes_per_day
            fits &= not pages_per_day or pages_used < pages_per_day
            below = sum(one[2] for one in recent) + jobs <= ceiling
            message: Message = replace(
                mails.message(), payer=f"p{payer}", faxes_per_day=faxes_per_day, pages_per_day=pages_per_day
            )
            made = [mails.job(message, n + 1) for n in range(jobs)]
            try:
                await spool.intake.accept(message, made, spool.content.begin(), ceiling=ceiling)
            except (QuotaUsedUp, CeilingReached) as refused:
                assert isinstance(refused, CeilingReached) == (not below)
                assert not (fits and below)
                continue
            assert fits and below
            sent.append((hour, payer, jobs, 0))
            claimed = await spool.documents.claim(60)
            assert claimed and claimed[0].queue_id == message.queue_id
            try:
                await spool.documents.ready(claimed[1], replace(claimed[1], pages=pages), b"", message=claimed[0])
            except PagesUsedUp:
                assert pages_per_day and pages_used + pages * jobs > pages_per_day
                await spool.documents.impossible(
                    claimed[1], [(job, job.after(JobEvent.DOCUMENT_IMPOSSIBLE)) for job in made], "too many pages"
                )
                continue
            assert not pages_per_day or pages_used + pages * jobs <= pages_per_day
            if pages_per_day:
                sent.append((hour, payer, 0, pages * jobs))
    finally:
        await spool.close()
