"""A real spool in a real file or a real database, a clock that tests set, and mails to put into it.

Each test that opens a spool runs on both engines; ``@only("sqlite")`` where it is about one of them.
"""

from __future__ import annotations

import itertools
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from mailfax.rules.job import FaxJob, InboundFax, Letter, Message
from mailfax.rules.states import InboundState, JobEvent, JobState
from mailfax.spool import Claimed, Spool
from tests.support.database import Database

if TYPE_CHECKING:
    from tests.support.postgresql import Cluster

T0 = 1_800_000_000.0


class Clock:
    """The spool's clock, moved by hand."""

    def __init__(self) -> None:
        self.now = T0

    def __call__(self) -> float:
        return self.now


@dataclass
class Groups:
    """What the hooks were told: one tuple of names per COMMIT."""

    before: list[tuple[str, ...]]
    after: list[tuple[str, ...]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def groups() -> Groups:
    return Groups([], [])


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("pg_ctl"))])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def only(engine: str) -> pytest.MarkDecorator:
    """For a test, or all of a module, that is about one engine."""
    marks = (pytest.mark.needs("pg_ctl"),) if engine == "postgresql" else ()
    return pytest.mark.parametrize("engine", [pytest.param(engine, marks=marks)], indirect=True)


def full(engine: str) -> Exception:
    """What the library of an engine raises where the disk is full."""
    if engine == "postgresql":
        return asyncpg.DiskFullError("could not extend file")
    trouble = sqlite3.OperationalError("database or disk is full")
    trouble.sqlite_errorcode = sqlite3.SQLITE_FULL
    return trouble


@pytest.fixture
async def spool_url(engine: str, request: pytest.FixtureRequest) -> str:
    """A spool that nobody has opened yet."""
    if engine == "sqlite":
        return "sqlite:///spool.db"
    cluster: Cluster = request.getfixturevalue("cluster")
    return await cluster.new_database()


@pytest.fixture
def database(spool_url: str, tmp_path: Path) -> Database:
    return Database(spool_url, tmp_path)


OpenSpool = Callable[..., Awaitable[Spool]]


@pytest.fixture
async def open_spool(spool_url: str, tmp_path: Path, clock: Clock, groups: Groups) -> AsyncIterator[OpenSpool]:
    """Opens the same spool as often as wanted; everything is closed in the end."""
    opened: list[Spool] = []

    async def open_one(**more: Any) -> Spool:
        hooks = {"before_commit": groups.before.append, "after_commit": groups.after.append}
        opened.append(await Spool.open(spool_url, tmp_path, clock=clock, **{**hooks, **more}))
        return opened[-1]

    yield open_one
    for spool in opened:
        await spool.close()


@pytest.fixture
async def spool(open_spool: OpenSpool) -> Spool:
    return await open_spool()


class Mails:
    """Makes mails and brings them as far along the pipeline as a test needs."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._numbers = itertools.count(1)

    def message(self, account: str = "main") -> Message:
        return Message(
            queue_id=f"B{next(self._numbers):09d}",
            received_at=self._clock(),
            sender="alice@example.com",
            ret="HDRS",
            envid="",
            client_ip="192.0.2.1",
            listener="submission",
            login="",
            account=account,
            sender_name="Alice Example",
            sender_company="Example Ltd",
            owner="",
            success_notice=True,
            header_message_id="<1@example.com>",
            subject="Invoice 12",
            content_id="",
            size=0,
        )

    def job(self, message: Message, n: int = 1, **more: Any) -> FaxJob:
        job = FaxJob(
            queue_id=f"{message.queue_id}-{n}",
            message=message.queue_id,
            account=message.account,
            address="15551234567@fax.local",
            number="15551234567",
            recipient_name="",
            notify=None,
            orcpt="",
            reference=f"{message.queue_id[-5:]}{n}",
            state=JobState.ACCEPTED,
            accepted_at=self._clock(),
            expires_at=self._clock() + 86_400,
            submit_at=self._clock(),
        )
        return replace(job, **more)

    def letter(self, **more: Any) -> Letter:
        number = next(self._numbers)
        letter = Letter(
            letter_id=f"L{number:09d}",
            kind="delivered",
            about="",
            sender="",
            recipients=("alice@example.com",),
            message_id=f"<{number}@fax.example.com>",
            content=b"Subject: delivered\r\n\r\nAll pages.\r\n",
            decided_at=self._clock(),
            next_attempt_at=self._clock(),
        )
        return replace(letter, **more)

    def received(self, fax_id: str, account: str = "main") -> InboundFax:
        return InboundFax(
            account=account,
            fax_id=fax_id,
            state=InboundState.LISTED,
            listed_at=self._clock(),
            next_attempt_at=self._clock(),
            queue_id=f"F{next(self._numbers):09d}",
            caller="15557654321",
        )

    async def accept(
        self, spool: Spool, jobs: int = 1, body: bytes = b"Subject: x\r\n\r\n", payer: str = "", **more: Any
    ) -> list[FaxJob]:
        """An accepted mail; its jobs as they are stored."""
        message = replace(self.message(), payer=payer)
        content = spool.content.begin()
        content.write(body)
        made = [self.job(message, n + 1, **more) for n in range(jobs)]
        await spool.intake.accept(message, made, content)
        return await spool.jobs.of(message.queue_id)

    async def ready(self, spool: Spool, jobs: int = 1, **more: Any) -> list[FaxJob]:
        """A mail whose document is made: its jobs are READY."""
        accepted = await self.accept(spool, jobs, **more)
        claimed = await spool.documents.claim(60)
        assert claimed
        _, document = claimed
        await spool.documents.ready(document, replace(document, filename="a.pdf", pages=1), b"%PDF-1.7")
        return await spool.jobs.of(accepted[0].message)

    async def submitting(self, spool: Spool, lease: float = 60, **more: Any) -> Claimed:
        """A job that we claimed."""
        await self.ready(spool, **more)
        claimed = await spool.jobs.claim(["main"], lease)
        assert claimed
        return claimed

    async def submitted(self, spool: Spool, fax_id: str, **more: Any) -> FaxJob:
        """A job that FaxCore gave an id."""
        job = (await self.submitting(spool, **more)).job
        now_is = job.after(JobEvent.ID_GIVEN, fax_id=fax_id, submitted_at=self._clock())
        return await spool.jobs.advance(job, now_is, JobEvent.ID_GIVEN)


@pytest.fixture
def mails(clock: Clock) -> Mails:
    return Mails(clock)
