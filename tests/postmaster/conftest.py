"""A real spool with a clock that tests set, and a site to write from."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mailfax.clock import SteadyClock
from mailfax.config import Limits
from mailfax.context import Context
from mailfax.letters import Marks, Site
from mailfax.rules.job import FaxJob, Letter, Message
from mailfax.rules.states import JobEvent, JobState
from mailfax.spool import Spool

T0 = 1_800_000_000.0
SITE = Site("fax.example.com", "postmaster@example.com", "fax.local")
LIMITS = Limits(delay_seconds=4 * 3600.0, letter_seconds=5 * 86_400.0)


class Clock:
    """The spool's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def spool(tmp_path: Path, clock: Clock) -> AsyncIterator[Spool]:
    opened = await Spool.open("sqlite:///spool.db", tmp_path, clock=clock)
    yield opened
    await opened.close()


@pytest.fixture
def marks(clock: Clock) -> Callable[[], Marks]:
    numbers = itertools.count(1)

    def draw() -> Marks:
        number = next(numbers)
        return Marks(f"M{number:09d}", f"<M{number}@fax.example.com>", clock.now)

    return draw


@pytest.fixture
def context(spool: Spool, clock: Clock, marks: Callable[[], Marks]) -> Context:
    return Context(spool, SITE, LIMITS, marks, SteadyClock(clock, clock), clock, lambda: 0.0)


class Leaping:
    """A wall clock that somebody sets, and a context that is able to notice."""

    def __init__(self, clock: Clock, context: Context) -> None:
        self._clock, self._leapt = clock, 0.0
        elapsed = lambda: clock.now - self._leapt  # noqa: E731
        self.context = replace(context, steady=SteadyClock(clock, elapsed), elapsed=elapsed)

    def leap(self, seconds: float) -> None:
        self._clock.now += seconds
        self._leapt += seconds


@pytest.fixture
def leaping(clock: Clock, context: Context) -> Leaping:
    return Leaping(clock, context)


@pytest.fixture
def a_letter(clock: Clock) -> Callable[..., Letter]:
    numbers = itertools.count(1)

    def make(**more: Any) -> Letter:
        number = next(numbers)
        letter = Letter(
            letter_id=f"L{number:09d}",
            kind="delivered",
            about="BK2N4C7Q9X-1",
            sender="",
            recipients=("alice@example.com",),
            message_id=f"<L{number}@fax.example.com>",
            content=b"Subject: delivered\r\n\r\nAll pages.\r\n",
            decided_at=clock.now,
            next_attempt_at=clock.now,
        )
        return replace(letter, **more)

    return make


class Answers:
    """A relay at the other end of the room: it answers with one failure after the other, then takes everything."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.asked: list[tuple[str, tuple[str, ...], bytes]] = []
        self.taken: list[tuple[str, tuple[str, ...], bytes]] = []

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        self.asked.append((sender, tuple(recipients), content))
        if self._failures:
            raise self._failures.pop(0)
        self.taken.append(self.asked[-1])

    async def probe(self) -> None:
        """Always there."""


Accepted = Callable[..., Awaitable[FaxJob]]


@pytest.fixture
def accepted(spool: Spool, clock: Clock) -> Accepted:
    """Accepts a mail with one fax and brings it as far as SUBMITTED where a fax id is given."""
    numbers = itertools.count(1)

    async def accept(*, fax_id: str = "", body: bytes = b"the body\r\n", **more: Any) -> FaxJob:
        number = next(numbers)
        message = Message(
            queue_id=f"B{number:09d}",
            received_at=clock.now,
            sender="alice@example.com",
            ret="HDRS",
            envid="",
            client_ip="192.0.2.1",
            listener="submission",
            login="",
            account="main",
            sender_name="",
            sender_company="",
            owner="",
            success_notice=True,
            header_message_id="<1@example.com>",
            subject="Invoice 12",
            content_id="",
            size=0,
        )
        job = FaxJob(
            queue_id=f"{message.queue_id}-1",
            message=message.queue_id,
            account="main",
            address=f"1555123456{number}@fax.local",
            number=f"1555123456{number}",
            recipient_name="",
            notify=None,
            orcpt="",
            reference=f"7K3Q2{number}",
            state=JobState.ACCEPTED,
            accepted_at=clock.now,
            expires_at=clock.now + 86_400,
            submit_at=clock.now,
        )
        content = spool.content.begin()
        content.write(b"Subject: Invoice 12\r\nX-Mark: original\r\n\r\n" + body)
        await spool.intake.accept(message, [replace(job, **more)], content)
        if fax_id:
            claimed = await spool.documents.claim(60)
            assert claimed
            _, document = claimed
            await spool.documents.ready(document, replace(document, filename="a.pdf", pages=1), b"%PDF-1.7")
            got = await spool.jobs.claim(["main"], 60)
            assert got
            sent = got.job.after(JobEvent.ID_GIVEN, fax_id=fax_id, submitted_at=clock.now)
            await spool.jobs.advance(got.job, sent, JobEvent.ID_GIVEN)
        stored = await spool.jobs.get(job.queue_id)
        assert stored
        return stored

    return accept
