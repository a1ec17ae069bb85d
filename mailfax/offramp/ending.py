"""A job's end: the final state and the letters it owes enter the spool in one commit.

The carriers decide *that* a job has ended and with which status; here is *how*: the original's header is read for
threading, the letters are written, and everything is handed to the spool together.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import aclosing
from typing import Any

from mailfax import letters, maillog
from mailfax.letters import Marks, Site
from mailfax.offramp.desk import Desk
from mailfax.rules.job import FaxJob, Letter, Message, Status
from mailfax.rules.states import JobEvent
from mailfax.spool import ContentDamaged, Spool

#: A header block longer than this is not returned in a report (RFC 3461 6.2 leaves the amount to us).
HEADER_LONGEST = 65_536


class Ending:
    """Ends jobs."""

    def __init__(self, spool: Spool, desk: Desk, *, site: Site, marks: Callable[[], Marks]) -> None:
        self._spool, self._desk, self._site, self._marks = spool, desk, site, marks

    async def end(self, was: FaxJob, event: JobEvent, told: Status, *, detail: str = "", **changes: Any) -> FaxJob:
        """Commit the end of ``was`` with its letters; raises ``Outdated`` like every commit."""
        ended = was.after(event, status=told, ended_at=self._spool.now(), **changes)
        owed = await self.letters(ended)
        ended = await self._spool.jobs.advance(was, ended, event, detail=detail or told.diagnostic, letters=owed)
        maillog.ended(ended)
        return ended

    async def second_fax(self, job: FaxJob, fax_id: str) -> None:
        """FaxCore holds another fax with this job's reference: both are recorded, and the postmaster is told.

        The job's answer stays what it is: what is learned later is history, not a second answer.
        """
        await self._spool.ledger.foreign(job.account, (fax_id,))
        problem = (
            f"FaxCore has a second fax for job {job.queue_id}: id {fax_id}, beside id {job.fax_id or 'unknown'}."
        )
        alarm = letters.alarm(
            self._site,
            self._marks(),
            account=job.account,
            problem=problem,
            sandbox=self._desk.is_sandbox(job.account),
        )
        await self._spool.jobs.note(job, job, detail=f"second fax at FaxCore, id {fax_id}", letters=(alarm,))
        maillog.second_fax(job, fax_id)

    async def letters(self, ended: FaxJob) -> tuple[Letter, ...]:
        """The letters that a job in a final state owes (none with NOTIFY=NEVER)."""
        message = await self._spool.intake.message(ended.message)
        assert message is not None, "a job's message outlives it"
        document = await self._spool.documents.get(ended.message)
        header = await self.original_header(message)
        sandbox = self._desk.is_sandbox(ended.account)
        return letters.owed(self._site, message, document, ended, header, self._marks(), sandbox=sandbox)

    async def original_header(self, message: Message) -> bytes:
        """The header block of the mail as it came; empty where it is lost: the answer must go out all the same."""
        header = b""
        try:
            async with aclosing(self._spool.content.chunks(message.content_id)) as blocks:
                async for block in blocks:
                    header += block
                    if b"\r\n\r\n" in header or len(header) > HEADER_LONGEST:
                        break
        except ContentDamaged:
            maillog.content_damaged(message.queue_id)
            return b""
        return header.partition(b"\r\n\r\n")[0][:HEADER_LONGEST] + b"\r\n"
