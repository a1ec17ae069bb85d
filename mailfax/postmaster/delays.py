"""A word to senders who wait long: after ``delay_seconds`` a job without an end owes a letter that says "not yet";
one tells of all such jobs of a message.

Asked or not: whether a letter is written at all is the rule of ``letters.audience`` (NOTIFY); that the time has come
is noted on the job in any case, so that it is looked at once.

In: jobs without an end. Out: ``delay_told`` and at most one letter for each message, in one commit. Nobody has
waited long only because the wall clock leapt: while it can't be believed, nobody is told.
STANDARDS: RFC 3461 5.2.5, RFC 3464 (Action: delayed); RFC 5321 4.5.4.1.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Sequence

from mailfax import letters
from mailfax.context import Context, Worker
from mailfax.rules.job import FaxJob, Letter
from mailfax.rules.states import JobState
from mailfax.spool import CommitUnclear, NotCommitted, Outdated

log = logging.getLogger(__name__)

#: A header block longer than this is not returned in a report (RFC 3461 6.2 leaves the amount to us).
HEADER_LONGEST = 65_536


class Delays(Worker):
    """Owes delay letters, one pass a round. ``is_sandbox`` tells of an account whether nothing is really faxed."""

    def __init__(self, context: Context, *, is_sandbox: Callable[[str], bool] = lambda account: False) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._after, self._is_sandbox = context.limits.delay_seconds, is_sandbox
        self._steady = context.steady
        self._alarmed_at: dict[str, float] = {}

    async def round(self) -> bool:
        """Tell of every job that has just come to wait too long; False if there was none."""
        if not self._steady.is_steady():
            return False
        late = await self._spool.jobs.untold(self._spool.now() - self._after)
        of_message: dict[str, list[FaxJob]] = {}
        for job in late:
            of_message.setdefault(job.message, []).append(job)
        for jobs in of_message.values():
            try:
                await self._tell(jobs)
            except Outdated:
                continue  # one moved on meanwhile: the next round looks again
            except (NotCommitted, CommitUnclear):
                raise  # the spool's own trouble: no word is given up for it
            except Exception:
                # Noted as told, or they would stand before the others again in every round.
                log.exception("%s: its delay letter could not be written", jobs[0].message)
                with contextlib.suppress(Outdated):
                    await self._spool.jobs.delayed(jobs, detail="delayed, and not told")
        return bool(late)

    async def _tell(self, jobs: Sequence[FaxJob]) -> None:
        silent = next((job for job in jobs if job.state is JobState.SUBMITTED), None)
        alarm = self._alarm(silent) if silent else ()
        await self._spool.jobs.delayed(jobs, detail="delayed", letters=(*await self._letters(jobs), *alarm))
        if alarm:
            self._alarmed_at[jobs[0].account] = self._spool.now()

    async def _letters(self, jobs: Sequence[FaxJob]) -> tuple[Letter, ...]:
        message = await self._spool.intake.message(jobs[0].message)
        if message is None:  # its row is damaged: nobody knows any more whom to tell
            log.error("%s: nobody can be told of its delay, its message can't be read", jobs[0].queue_id)
            return ()
        document = await self._spool.documents.get(message.queue_id)
        header = await self._spool.intake.header(message)
        sandbox = self._is_sandbox(jobs[0].account)
        return letters.delayed(self._site, message, document, jobs, header, self._marks(), sandbox=sandbox)

    def _alarm(self, job: FaxJob) -> tuple[Letter, ...]:
        """FaxCore took a fax and keeps silent: one alarm for an account within ``delay_seconds``."""
        alarmed_at = self._alarmed_at.get(job.account)
        if alarmed_at is not None and self._spool.now() - alarmed_at < self._after:
            return ()
        problem = (
            f"The fax service took job {job.queue_id} (its id there: {job.fax_id}) more than "
            f"{self._after / 3600:.3g} hours ago and has not said how it ended; it may be so with others"
        )
        sandbox = self._is_sandbox(job.account)
        return (letters.fax_alarm(self._site, self._marks(), account=job.account, problem=problem, sandbox=sandbox),)
