"""A submission becomes a document: claimed, rendered in its cell, and written down with what is in it.

Attempts are committed before each rendering, so that a poison file can't loop: after ``RENDER_ATTEMPTS`` deaths of
the worker the mail fails with a sentence. One document serves all recipients of a mail.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from mailfax import __version__, maillog
from mailfax.config import Account
from mailfax.offramp.desk import Desk
from mailfax.offramp.ending import Ending
from mailfax.offramp.wishes import document_of, not_shown_on_cover, wishes_of
from mailfax.render import CannotRender, Renderer
from mailfax.rules import schedule
from mailfax.rules.job import Document, FaxJob, Message, Status
from mailfax.rules.sameness import pages_key
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import ContentDamaged, PagesUsedUp, Spool

#: What the lease adds to the renderer's own limit, in seconds.
MARGIN = 10.0
#: Jobs that need the document: an end of it is theirs, and its pages are.
WAITING = (JobState.ACCEPTED, JobState.HELD)


#: What belongs to a document whatever it was made of.
OWN = ("message", "state", "attempts", "next_attempt_at", "version", "epoch", "lease_until")


class Prepare:
    """Makes documents, one a round."""

    def __init__(
        self,
        spool: Spool,
        renderer: Renderer,
        desk: Desk,
        ending: Ending,
        *,
        render_seconds: float,
        devices: Iterable[str] = (),
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._renderer, self._desk, self._ending = spool, renderer, desk, ending
        self._lease, self._jitter = render_seconds + MARGIN, jitter
        self._devices = frozenset(devices)  # names of the listeners for copiers

    async def round(self) -> bool:
        """Make one document; False if none was waiting."""
        claimed = await self._spool.documents.claim(self._lease)
        if claimed is None:
            return False
        message, document = claimed
        if document.attempts > schedule.RENDER_ATTEMPTS:
            await self._impossible(document, status(Cause.RENDER_GAVE_UP, attempts=schedule.RENDER_ATTEMPTS))
            return True
        try:
            with tempfile.TemporaryDirectory(prefix="mailfax-") as folder:
                await self._make(message, document, Path(folder))
        except CannotRender as why:
            if why.later:
                await self._later(document, why.status)
            else:
                await self._impossible(document, why.status)
        except OSError as trouble:
            # Our own disk: it says nothing against the document, which waits until it expires.
            spoiled = status(Cause.RENDER_FAILED, f"x-mailfax; {trouble.strerror}", why="our machine had no room")
            await self._later(document, spoiled, counts=False)
        except ContentDamaged:
            await self._impossible(document, status(Cause.UNREADABLE_MAIL, why="it was damaged on our disk"))
        return True

    async def _make(self, message: Message, document: Document, folder: Path) -> None:
        jobs = await self._spool.jobs.of(message.queue_id)
        line = self._desk.lines.get(message.account)  # None: taken out of the configuration meanwhile
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
            if same is not None:
                made, pages = replace(same, **{name: getattr(document, name) for name in OWN}), None
            else:
                rendered = await self._renderer.render(source, into=folder, wishes=wishes)
                made, pages = document_of(document, rendered), rendered.content
                told = not_shown_on_cover(account, message, made, jobs)
                made = replace(made, skipped=(*made.skipped, *told), render_key=key)
        try:
            stored = await self._spool.documents.ready(document, made, pages, message=message)
        except PagesUsedUp:
            await self._impossible(document, await self._too_many_pages(message, made))
        else:
            maillog.prepared(stored)
            for remark in rendered.remarks:
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
        letters = [letter for _, job in ended for letter in await self._ending.letters(job)]
        await self._spool.documents.impossible(document, ended, letters, why.diagnostic)
        for _, job in ended:
            maillog.ended(job)
