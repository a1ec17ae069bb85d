"""A pipeline without processes: a real spool on a clock of the test's own, a real sandbox over HTTP, real workers.

A test calls ``round()`` itself, so nothing waits and nothing races unless the test wants it to.
"""

from __future__ import annotations

import contextlib
import io
import random
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx

from mailfax.clock import SteadyClock
from mailfax.config import Account, Limits
from mailfax.context import Context
from mailfax.letters import Marks, Site
from mailfax.offramp.accept import Accept
from mailfax.offramp.deadlines import Deadlines
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.reconcile import Reconcile
from mailfax.offramp.report import Report
from mailfax.offramp.resent import Answer
from mailfax.offramp.sending import Compose
from mailfax.offramp.submit import Submit
from mailfax.offramp.track import Track
from mailfax.render import Renderer
from mailfax.rules.envelope import PREVIEW, Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.job import FaxJob, Letter
from mailfax.spool import Content, Spool
from mailfax.wiring import connect

NUMBER, PASSWORD = "5557152222", "mypassword"
SITE = Site("fax.example.com", "postmaster@example.com", "fax.local")


def one_page() -> bytes:
    """A PDF of one page."""
    import pikepdf

    pdf = pikepdf.new()
    pdf.add_blank_page(page_size=(612, 792))
    file = io.BytesIO()
    pdf.save(file)
    return file.getvalue()


class Clock:
    """The wall clock, moved by the test, and beside it the seconds that nobody can set."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0
        self.leapt = 0.0

    def __call__(self) -> float:
        return self.now

    def elapsed(self) -> float:
        return self.now - self.leapt

    def leap(self, seconds: float) -> None:
        """Somebody sets the clock."""
        self.now += seconds
        self.leapt += seconds


class Pipeline:
    """What one process has: two of them may share a folder."""

    def __init__(self, spool: Spool, clock: Clock, account: Account) -> None:
        self.spool, self.clock, self.account = spool, clock, account
        self.hours: tuple[str, ...] = ()  #: of the sender of the next mail
        self.undo_seconds = 0.0  #: of the same
        chance = random.Random(7)
        marks = lambda: Marks(f"L{chance.randrange(10**9):09d}", f"<{chance.random()}@fax.example.com>", clock())  # noqa: E731
        limits = Limits(render_seconds=20, faxes_per_day=0)
        steady = SteadyClock(clock, clock.elapsed, settle_seconds=account.settle_seconds)
        self.context = Context(spool, SITE, limits, marks, steady, clock.elapsed, lambda: 0.0)
        self.fax_accounts = FaxAccounts(self.context, [account], connect=lambda each: connect(each, clock))
        self.renderer = Renderer(paper="letter", limits=limits)
        self.ending = Ending(self.context, self.fax_accounts, self.renderer)
        self.accept = Accept(self.context)
        self.compose = Compose(spool, self.fax_accounts, self.renderer)
        self.submit = Submit(self.context, self.fax_accounts, self.ending, self.compose)
        self.track = Track(self.context, self.fax_accounts, self.ending, account.name)
        self.reconcile = Reconcile(self.context, self.fax_accounts, self.ending, account.name)
        self.deadlines = Deadlines(self.context, self.fax_accounts, self.ending)
        self.report = Report(self.context, self.ending)

    async def mail(
        self,
        *numbers: str,
        subject: str = "Invoice 12",
        cover: str = "yes",
        preview: bool = False,
        document: bytes | None = None,
        notice_content: str = "thumbnail",
    ) -> list[FaxJob]:
        """Accept a mail and have its document made; its jobs, ready."""
        header = f"Subject: {subject}\r\nMessage-ID: <1@example.com>\r\n\r\n".encode()
        content = self.spool.content.begin()
        content.write(header + b"Hello\r\n")
        wish = (PREVIEW,) if preview else ()
        recipients = tuple(
            Recipient(f"{number}@fax.local", FaxNumber(number, number), cover=wish) for number in numbers
        )
        envelope = Envelope(
            "alice@example.com",
            recipients,
            Client("test", "127.0.0.1"),
            Grant("main", "Alice", hours=self.hours, undo_seconds=self.undo_seconds, notice_content=notice_content),
        )
        queue_id = await self.take(envelope, content, header)
        await self.document(cover=cover, content=document)
        return await self.spool.jobs.of(queue_id)

    async def document(self, *, cover: str = "yes", content: bytes | None = None) -> None:
        """Have the next document made."""
        claimed = await self.spool.documents.claim(60.0)
        assert claimed is not None
        _, pending = claimed
        ready = replace(pending, filename="fax.pdf", pages=1, contents=("text: page 1",), cover=cover)
        await self.spool.documents.ready(pending, ready, content or one_page())

    async def take(self, envelope: Envelope, content: Content, header: bytes) -> str:
        """Accept a mail whose client hears the 250; its queue ID."""
        told = await self.accept(envelope, content, header)
        assert isinstance(told, Answer)
        told.concluded(heard=True)
        return told.queue_id

    async def job(self, queue_id: str) -> FaxJob:
        job = await self.spool.jobs.get(queue_id)
        assert job is not None
        return job

    async def letters(self, about: str = "") -> list[Letter]:
        """Those that are owed, the reports that are due among them."""
        while await self.report.round():
            pass
        return await self.spool.outbox.listing(about=about)

    async def forward(self, seconds: float) -> None:
        self.clock.now += seconds


class Sandbox:
    """The control space of a running sandbox."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self._root = base_url.removesuffix("/api/") + "/_sandbox/"

    async def control(self, path: str, body: Any = None, method: str = "POST") -> Any:
        async with httpx.AsyncClient(trust_env=False) as http:
            reply = await http.request(method, self._root + path, json=body)
        assert reply.is_success, reply.text
        return reply.json()

    async def faxes(self) -> list[dict[str, Any]]:
        faxes = await self.control("faxes", method="GET")
        return [fax for fax in faxes if fax["direction"] == "Outbound"]

    async def posts(self) -> int:
        """How many SendFax calls it saw."""
        requests = await self.control("requests", method="GET")
        return sum("sendfax" in str(request).casefold() for request in requests)


@contextlib.asynccontextmanager
async def opened(folder: Path, clock: Clock, account: Account) -> AsyncIterator[Pipeline]:
    """A process's view of a spool."""
    spool = await Spool.open("sqlite:///spool.db", folder, clock=clock)
    pipeline = Pipeline(spool, clock, account)
    try:
        yield pipeline
    finally:
        await pipeline.fax_accounts.close()
        await pipeline.renderer.close()
        await spool.close()
