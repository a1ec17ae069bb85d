"""A job's end: the final state and what it owes enter the spool in one commit.

The workers decide *that* a job has ended and with which status. An end owes a report, which ``offramp/report.py``
writes for all faxes of the message that have ended; here are the letters that it writes.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any

from mailfax import letters, maillog
from mailfax.context import Context
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.first_page import FirstPages
from mailfax.render import Renderer
from mailfax.rules.job import FaxJob, Letter, Status
from mailfax.rules.states import JobEvent

log = logging.getLogger(__name__)


class Ending:
    """Ends jobs."""

    def __init__(self, context: Context, fax_accounts: FaxAccounts, renderer: Renderer) -> None:
        self._pages = FirstPages(context.spool, renderer)
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._fax_accounts = fax_accounts

    async def end(self, was: FaxJob, event: JobEvent, told: Status, *, detail: str = "", **changes: Any) -> FaxJob:
        """Commit the end of ``was``; raises ``Outdated`` like every commit."""
        ended = was.after(event, status=told, ended_at=self._spool.now(), **changes)
        ended = await self._spool.jobs.advance(was, ended, event, detail=detail or told.diagnostic)
        maillog.ended(ended)
        return ended

    async def second_fax(self, job: FaxJob, fax_id: str) -> None:
        """FaxCore holds a fax of this job that the job does not own: recorded, and the postmaster is told.

        The job's answer stays what it is: what is learned later is history, not a second answer.
        """
        if job.fax_id:
            detail = f"second fax at FaxCore, id {fax_id}"
            problem = f"FaxCore has a second fax for job {job.queue_id}: id {fax_id}, beside id {job.fax_id}."
        else:
            detail = f"its fax is at FaxCore, id {fax_id}"
            told = job.state.value
            problem = f"FaxCore does have the fax of job {job.queue_id}, as id {fax_id}. Its sender was told: {told}."
        await self._spool.jobs.note(job, job, detail=detail, letters=(self._alarm(job.account, problem),))
        await self._spool.ledger.foreign(job.account, (fax_id,))
        maillog.second_fax(job, fax_id)

    async def letters(self, ended: Sequence[FaxJob], *, open_faxes: int = 0) -> tuple[Letter, ...]:
        """The letters that jobs of one message in final states owe (none with NOTIFY=NEVER); ``open_faxes`` of the
        same message have no end yet."""
        first = ended[0]
        message = await self._spool.intake.message(first.message)
        if message is None:
            return tuple(self._to_postmaster(job, "the mail it came from can't be read") for job in ended)
        document = await self._spool.documents.get(first.message)
        header = await self._spool.intake.header(message)
        shown = letters.NOTHING_SHOWN if first.preview else await self._pages.of(message, document)
        try:
            return tuple(
                letter
                for together in letters.apart(message, ended)
                for letter in letters.owed(
                    self._site,
                    message,
                    document,
                    together,
                    header,
                    self._marks(),
                    open_faxes=open_faxes,
                    shown=shown,
                    sandbox=self._fax_accounts.is_sandbox(first.account),
                )
            )
        except Exception:
            # The end is true and must be written down; a letter that can't be written is a bug, told to a person.
            log.exception("the answer about %s could not be written", first.queue_id)
            trouble = f"the answer to {message.hears or 'its sender'} could not be written"
            return tuple(self._to_postmaster(job, trouble) for job in ended)

    def is_sandbox(self, account: str) -> bool:
        """Whether its faxes go nowhere."""
        return self._fax_accounts.is_sandbox(account)

    def _to_postmaster(self, ended: FaxJob, trouble: str) -> Letter:
        """In place of an answer that can't be given."""
        told = ended.status.sentence if ended.status else ended.state.value
        return self._alarm(ended.account, f"Job {ended.queue_id} has ended, and {trouble}. {told}.")

    def _alarm(self, account: str, problem: str) -> Letter:
        sandbox = self._fax_accounts.is_sandbox(account)
        return letters.fax_alarm(self._site, self._marks(), account=account, problem=problem, sandbox=sandbox)
