"""An account at a real sandbox, a real spool on a clock of the test's own, and the real counting of pages."""

from __future__ import annotations

import contextlib
import random
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from mailfax.config import Account, Limits, Received, Route
from mailfax.letters import Marks
from mailfax.offramp.foreign import ForeignFailures
from mailfax.onramp.collect import Collect
from mailfax.render import Renderer
from mailfax.rules.caller import Contacts
from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.routing import Routing
from tests.offramp.conftest import account, pipeline, sandbox
from tests.offramp.pipeline import NUMBER, PASSWORD, Clock, Pipeline, Sandbox, opened
from tests.support.documents import pdf

__all__ = ["account", "pipeline", "sandbox"]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(paper="letter", limits=Limits(render_seconds=20))
    await made.start()
    yield made
    await made.close()


class Inbox:
    """An account's Inbox over there, and what collects from it here. ``marks_fail``: what the next mark raises."""

    def __init__(self, pipeline: Pipeline, sandbox: Sandbox, renderer: Renderer) -> None:
        self.pipeline, self.sandbox, self.spool, self.clock = pipeline, sandbox, pipeline.spool, pipeline.clock
        self.marks_fail: list[Exception] = []
        self.routes: tuple[Route, ...] = ()
        self.look = Received()
        self._chance = random.Random(7)
        self.collect = self.collecting(renderer)

    def collecting(self, renderer: Renderer) -> Collect:
        context, fax_accounts = replace(self.pipeline.context, marks=self._marks), self.pipeline.fax_accounts
        client, account = fax_accounts.client("main"), self.pipeline.account
        routing = Routing(self.routes, (account,), "US", context.site.postmaster)
        chance = self._chance.choice
        return Collect(
            context,
            client,
            account,
            renderer,
            routing=routing,
            contacts=Contacts.of(self.look.contacts, "US"),
            look=self.look,
            trouble=fax_accounts.trouble,
            failed=ForeignFailures(context, client, account).look,
            choose=chance,
        )

    def _marks(self) -> Marks:
        if self.marks_fail:
            raise self.marks_fail.pop()
        number = self._chance.randrange(10**9)
        return Marks(f"L{number:09d}", f"<{number}@fax.example.com>", self.clock())

    async def drop_in(self, pages: int = 1) -> str:
        """A fax that somebody sent us; its id."""
        url = f"{self.sandbox.base_url.removesuffix('/api/')}/_sandbox/inbound?account={NUMBER}&caller=15557654321"
        async with httpx.AsyncClient(trust_env=False) as http:
            reply = await http.post(url, content=pdf(pages))
        fax_id: str = reply.json()["ids"][0]
        return fax_id

    async def sent_by_others(self, number: str, subject: str = "Theirs") -> str:
        """A fax that somebody else sends over the account; its id."""
        there = f"{self.sandbox.base_url}SendFax"
        theirs = {"recpfax": number, "subject": subject, "filename": "a.txt"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        async with httpx.AsyncClient(trust_env=False) as http:
            await http.post(there, params=theirs, content=b"Their fax.", headers=form, auth=(NUMBER, PASSWORD))
        return str((await self.sandbox.faxes())[0]["id"])

    async def fault(self, operation: str, action: str, count: int = 1) -> None:
        """Goes wrong so many times."""
        await self.sandbox.control("faults", {"operation": operation, "action": action, "count": count})

    async def poll(self) -> None:
        """Let the time of a poll and of the longest wait pass, and collect."""
        self.clock.now += 901.0
        await self.collect.round()

    async def fax(self, fax_id: str) -> InboundFax:
        fax = await self.spool.inbound.get("main", fax_id)
        assert fax is not None
        return fax

    async def letters(self, kind: str = "received") -> list[Letter]:
        return [letter for letter in await self.spool.outbox.listing() if letter.kind == kind]


OpenInbox = Callable[[Account], AbstractAsyncContextManager[Inbox]]


@pytest.fixture
def open_inbox(tmp_path: Path, sandbox: Sandbox, renderer: Renderer) -> OpenInbox:
    @contextlib.asynccontextmanager
    async def open_(account: Account) -> AsyncIterator[Inbox]:
        async with opened(tmp_path, Clock(), account) as pipeline:
            yield Inbox(pipeline, sandbox, renderer)

    return open_


@pytest.fixture
async def inbox(open_inbox: OpenInbox, account: Account) -> AsyncIterator[Inbox]:
    """Of an account that has been met."""
    async with open_inbox(account) as made:
        await made.collect.round()
        yield made
