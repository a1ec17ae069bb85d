"""Previews: the pages that a recipient would get are mailed back to who asked, and nothing is faxed.

In: jobs that are previews and whose document is ready. Out: a letter each, in one commit with the job's end. A crash
before it leaves the job where it was; two processes that make the same one write it down once.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from mailfax import letters, maillog
from mailfax.context import Context, Worker
from mailfax.letters import texts
from mailfax.offramp.cover import cover_for
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.sending import Compose
from mailfax.render import CannotRender
from mailfax.rules.failure import NotSent
from mailfax.rules.job import Document, FaxJob, Message
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, status
from mailfax.spool import ContentDamaged, Outdated

#: Seconds until a preview that could not be made now is tried again.
AGAIN = 60.0


class Preview(Worker):
    """Answers previews, one a round."""

    news = ("document_jobs_ready", "release")

    def __init__(self, context: Context, fax_accounts: FaxAccounts, ending: Ending, compose: Compose) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._fax_accounts, self._ending, self._compose = fax_accounts, ending, compose
        self._steady = context.steady

    async def round(self) -> bool:
        """Answer one preview; False if none was waiting."""
        job = await self._spool.jobs.preview(leapt=self._steady.leapt())
        if job is None:
            return False
        with suppress(Outdated):  # somebody else has answered it
            message = await self._spool.intake.message(job.message)
            document = await self._spool.documents.get(job.message)
            try:
                if message is None or document is None or job.account not in self._fax_accounts.lines:
                    raise CannotRender(status(Cause.UNREADABLE_MAIL, why="its account or mail is gone"), later=False)
                await self._answer(message, document, job)
            except CannotRender as why:
                if why.later:
                    await self._spool.jobs.postpone(job, self._spool.now() + AGAIN)
                else:
                    await self._ending.end(job, JobEvent.DOCUMENT_IMPOSSIBLE, why.status)
            except NotSent:
                await self._spool.jobs.postpone(job, self._spool.now() + AGAIN)
            except ContentDamaged:
                damaged = status(Cause.UNREADABLE_MAIL, why="it was damaged on our disk")
                await self._ending.end(job, JobEvent.DOCUMENT_IMPOSSIBLE, damaged)
        return True

    async def _answer(self, message: Message, document: Document, job: FaxJob) -> None:
        account = self._fax_accounts.account(job.account)
        order = self._compose.orders.order(account, message, document, job)
        content: bytes | None = None
        pages = document.pages
        if order is not None:
            content, pages = await self._compose.composed(document, order)
        elif document.pages is not None:
            content = await self._spool.content.read(document.content_id)
        done = replace(
            job.after(JobEvent.PREVIEWED), status=status(Cause.PREVIEWED), ended_at=self._spool.now(), pages=pages
        )
        said = cover_for(account, message, document, job)
        letter = letters.preview(
            self._site,
            message,
            document,
            done,
            await self._spool.intake.header(message),
            self._marks(),
            content=content,
            cover=(
                (texts.ROW_FROM_NAME, ", ".join(part for part in (said.sender_name, said.sender_company) if part)),
                (texts.ROW_RECIPIENT, said.recipient_name),
                (texts.ROW_SUBJECT, said.subject),
                (texts.ROW_NOTES, said.notes),
            ),
            sandbox=self._fax_accounts.is_sandbox(job.account),
        )
        done = await self._spool.jobs.advance(job, done, JobEvent.PREVIEWED, letters=(letter,))
        maillog.ended(done)
