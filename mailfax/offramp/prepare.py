"""A submission becomes a document: claimed, rendered in its cell, and written down with what is in it.

Attempts are committed before each rendering, so that a poison file can't loop: after ``RENDER_ATTEMPTS`` deaths of
the worker the mail fails with a sentence. One document serves all recipients of a mail.

Rendering has a share for each payer: who has none under way comes first. It has two lanes: a document gets
``QUICK_SECONDS`` in the quick one, and is made anew in the slow one where that does not do, so that nobody's slow
file stops another's line of text.
"""

from __future__ import annotations

import asyncio
import math
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path

from mailfax import __version__, maillog
from mailfax.config import Account
from mailfax.context import Context, Worker
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.wishes import document_of, not_shown_on_cover, wishes_of
from mailfax.render import CannotRender, Renderer
from mailfax.rules import schedule
from mailfax.rules.job import Document, FaxJob, Message, Status
from mailfax.rules.sameness import pages_key
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import ContentDamaged, Outdated, PagesUsedUp

#: What the lease adds to the renderer's own limit, in seconds.
MARGIN = 10.0
#: Jobs that need the document: an end of it is theirs, and its pages are.
WAITING = (JobState.ACCEPTED, JobState.HELD)


#: What belongs to a document whatever it was made of.
OWN = ("message", "state", "attempts", "next_attempt_at", "version", "epoch", "lease_until", "slow")


class _Slow(Exception):
    """It takes longer than the quick lane allows."""


class Prepare(Worker):
    """Makes documents, one a round. What is under way is shared by all who work with it."""

    news = ("document_add", "document_change", "document_now")

    def __init__(
        self,
        context: Context,
        fax_accounts: FaxAccounts,
        ending: Ending,
        renderer: Renderer,
        *,
        devices: Iterable[str] = (),
        disk_failed: Callable[[BaseException], None] = lambda trouble: None,
    ) -> None:
        self._spool, self._jitter, self._seconds = context.spool, context.jitter, context.limits.render_seconds
        self._fax_accounts, self._ending, self._renderer = fax_accounts, ending, renderer
        self._disk_failed = disk_failed
        self._devices = frozenset(devices)  # names of the listeners for copiers
        self._lease = self._seconds + MARGIN
        self._under_way: Counter[str] = Counter()  #: by payer

    async def round(self, *, slow: bool = False) -> bool:
        """Make one document; False if none was waiting. With ``slow`` one that takes long, if there is any."""
        claimed = await self._claim(slow)
        if claimed is None:
            return False
        message, document = claimed
        self._under_way[message.payer] += 1
        try:
            with suppress(Outdated):  # its last job has ended, or its lease: there is nothing left to write down
                await self._one(message, document)
        finally:
            self._under_way[message.payer] -= 1
        return True

    async def _claim(self, slow: bool) -> tuple[Message, Document] | None:
        """Who has the fewest under way comes first: those who have none, here."""
        busy = tuple(payer for payer, number in self._under_way.items() if number > 0)
        self.next_at = math.inf
        for lane in (True, False) if slow else (False,):
            due_at = await self._spool.documents.next_at(slow=lane)
            if due_at > self._spool.now():
                self.next_at = min(self.next_at, due_at)
            elif claimed := await self._spool.documents.claim(self._lease, slow=lane, busy=busy):
                return claimed
        return None

    async def _one(self, message: Message, document: Document) -> None:
        if document.attempts > schedule.RENDER_ATTEMPTS:
            await self._impossible(document, status(Cause.RENDER_GAVE_UP, attempts=schedule.RENDER_ATTEMPTS))
            return
        try:
            with tempfile.TemporaryDirectory(prefix="mailfax-") as folder:
                await self._make(message, document, Path(folder))
        except _Slow:
            detail = f"takes longer than {schedule.QUICK_SECONDS:.0f} seconds: made in the slow lane"
            await self._spool.documents.later(document, document.next_attempt_at, detail, counts=False, slow=True)
        except CannotRender as why:
            if why.later:
                await self._later(document, why.status)
            else:
                await self._impossible(document, why.status)
        except OSError as trouble:
            self._disk_failed(trouble)
            # Our own disk: it says nothing against the document, which waits until it expires.
            spoiled = status(Cause.RENDER_FAILED, f"x-mailfax; {trouble.strerror}", why="our machine had no room")
            await self._later(document, spoiled, counts=False)
        except ContentDamaged:
            await self._impossible(document, status(Cause.UNREADABLE_MAIL, why="it was damaged on our disk"))

    @asynccontextmanager
    async def _lane(self, document: Document) -> AsyncIterator[None]:
        """Bounds an attempt in the quick lane: what takes longer goes on in the slow one, and nothing counts."""
        if document.slow or self._seconds <= schedule.QUICK_SECONDS:
            yield
            return
        try:
            async with asyncio.timeout(schedule.QUICK_SECONDS):
                yield
        except TimeoutError as late:
            raise _Slow from late

    async def _make(self, message: Message, document: Document, folder: Path) -> None:
        jobs = await self._spool.jobs.of(message.queue_id)
        line = self._fax_accounts.lines.get(message.account)  # None: taken out of the configuration meanwhile
        account = line.account if line else None
        wishes = wishes_of(account, message, document, jobs)
        if account and account.document == "tiff" and self._alike(account, jobs):
            device = message.listener in self._devices
            wishes = replace(wishes, document="tiff", down=account.down, device=device)
        expected = not_shown_on_cover(account, message, replace(document, cover="yes"), jobs)
        async with self._spool.content.file(message.content_id) as source:
            mail = await asyncio.to_thread(source.read_bytes)
            settings = repr((__version__, self._renderer.paper, wishes, expected))
            key = await asyncio.to_thread(pages_key, mail, settings)
            same = await self._spool.documents.same(key)
            remarks: Sequence[str] = ()
            if same is not None:
                made, pages = replace(same, **{name: getattr(document, name) for name in OWN}), None
            else:
                async with self._lane(document):
                    rendered = await self._renderer.render(source, into=folder, wishes=wishes)
                made, pages = document_of(document, rendered), rendered.content
                remarks = rendered.remarks
                told = not_shown_on_cover(account, message, made, jobs)
                made = replace(made, skipped=(*made.skipped, *told), render_key=key)
        try:
            stored = await self._spool.documents.ready(document, made, pages, message=message)
        except PagesUsedUp:
            await self._impossible(document, await self._too_many_pages(message, made))
        else:
            maillog.prepared(stored)
            for remark in remarks:
                maillog.mislabelled(message.queue_id, remark)

    def _alike(self, account: Account, jobs: Sequence[FaxJob]) -> bool:
        """Whether all recipients get the same pages: else they are made for each when they are sent."""
        ours = account.header_line or account.cover == "ours"
        return not ours and all(job.paper in ("", self._renderer.paper) for job in jobs)

    async def _too_many_pages(self, message: Message, document: Document) -> Status:
        """Its payer has fewer pages left today than its recipients would get."""
        waiting = sum(job.state in WAITING for job in await self._spool.jobs.of(message.queue_id))
        _, used = await self._spool.usage.of(message.payer)
        return status(
            Cause.QUOTA_DOCUMENT,
            pages=(document.pages or 0) * waiting,
            limit=message.pages_per_day,
            payer=message.payer,
            left=max(0, message.pages_per_day - used),
        )

    async def _later(self, document: Document, why: Status, *, counts: bool = True) -> None:
        again = schedule.render_attempt(document.attempts, self._spool.now(), self._jitter())
        await self._spool.documents.later(document, again, why.diagnostic, counts=counts)
        maillog.not_prepared(document, why.diagnostic)

    async def _impossible(self, document: Document, why: Status) -> None:
        now = self._spool.now()
        waiting = [job for job in await self._spool.jobs.of(document.message) if job.state in WAITING]
        ended = [(job, job.after(JobEvent.DOCUMENT_IMPOSSIBLE, status=why, ended_at=now)) for job in waiting]
        await self._spool.documents.impossible(document, ended, why.diagnostic)
        for _, job in ended:
            maillog.ended(job)


class PrepareSlow(Worker):
    """The same documents from the slow lane first, and from the quick one while that is empty."""

    news = Prepare.news

    def __init__(self, prepare: Prepare) -> None:
        self._prepare = prepare

    async def round(self) -> bool:
        """Make one document; False if none was waiting."""
        busy = await self._prepare.round(slow=True)
        self.next_at = self._prepare.next_at
        return busy
