"""End what waited too long, take up what a dead process left, and honour a cancel once nothing was surely sent.

A job that could not be submitted in time expires; one of a paused account does not (its expiry is frozen). A fax
that FaxCore may have, and about which nobody can ask since its account is paused or gone, ends unconfirmed at its
deadline.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable
from dataclasses import replace
from typing import Any

from mailfax import maillog
from mailfax.context import Context, Worker
from mailfax.offramp.age import Ages
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.silence import Silence
from mailfax.rules.job import FaxJob
from mailfax.rules.send_time import window
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, status
from mailfax.spool import CommitUnclear, NotCommitted, Outdated

log = logging.getLogger(__name__)


class Deadlines(Worker):
    """Ends overdue and cancelled jobs of all accounts, one pass a round."""

    news = ("noted", "not-sent", "proven-absent", "cancel")

    def __init__(self, context: Context, fax_accounts: FaxAccounts, ending: Ending) -> None:
        self._spool, self._steady = context.spool, context.steady
        self._elapsed, self._boot, self._ages = context.elapsed, context.boot, Ages(context)
        self._fax_accounts, self._ending = fax_accounts, ending
        self._deadline_seconds = context.limits.deadline_seconds
        self._shut = Silence(context.elapsed)

    async def round(self) -> bool:
        """End what has to end; False if there was nothing."""
        ended = await self._orphaned()
        ended |= await self._closed()
        for job in await self._spool.jobs.cancel_wanted():
            ended |= await self._end(job, JobEvent.CANCEL, Cause.CANCELLED_HERE)
        if self._steady.is_steady():
            for job in await self._spool.jobs.overdue():
                why = "no attempt got through" if job.attempts else "its account or its document was not ready"
                ended |= await self._end(job, JobEvent.EXPIRED, Cause.EXPIRED, why=why)
            for job in await self._unasked():
                ended |= await self._end(job, JobEvent.DEADLINE, Cause.ACCOUNT_SHUT)
        return ended

    async def _closed(self) -> bool:
        """Office hours that are over: the fax waits for the next ones, and does not age between them."""
        now = self._spool.now()
        closed = await self._spool.jobs.closed()
        for job in closed:
            message = await self._spool.intake.message(job.message)
            hours = tuple(filter(None, message.hours.split(","))) if message else ()
            later = window(now, at="", hours=hours, zone=message.timezone if message else "UTC")
            shut = max(later.opens, now) - job.not_after
            waiting = replace(job.within(later), expires_at=job.expires_at + shut)
            await self._done(job, self._spool.jobs.note(job, waiting, detail="the sender's office hours are over"))
        return bool(closed)

    async def _orphaned(self) -> bool:
        """A submission whose lease has run out: its process died, and nobody knows how far it came."""
        orphans = await self._spool.jobs.expired_submissions()
        for job in orphans:
            now = self._spool.now()
            # Its POST may still be under way: a stalled process goes on by its own clock, not by the wall's.
            last = max(job.lease_until, now)
            elapsed = self._elapsed() + max(0.0, job.lease_until - job.submitting_at)
            doubted = job.after(
                JobEvent.LEASE_EXPIRED,
                last_byte_at=last,
                last_byte_elapsed=elapsed,
                last_byte_boot=self._boot,
                reconcile_at=now,
            )
            if await self._done(job, self._spool.jobs.advance(job, doubted, JobEvent.LEASE_EXPIRED)):
                maillog.not_taken(doubted, "its process died while submitting")
        return bool(orphans)

    async def _unasked(self) -> list[FaxJob]:
        """Faxes past their deadline of accounts that can't be asked: paused, or not in the configuration any more,
        and for so long that it is no passing trouble."""
        oldest = self._spool.now() - self._deadline_seconds
        late = []
        for account in await self._spool.accounts.listing():
            if account.can_be_asked and account.name in self._fax_accounts.lines:
                self._shut.answered(account.name)
                continue
            self._shut.unanswered(account.name)
            if self._shut.is_an_answer(account.name):
                silent = await self._spool.jobs.silent(account.name, oldest)
                late += [job for job in silent if self._ages.is_past_deadline(job)]
        return late

    async def _end(self, job: FaxJob, event: JobEvent, cause: Cause, **facts: Any) -> bool:
        return await self._done(job, self._ending.end(job, event, status(cause, **facts)))

    async def _done(self, job: FaxJob, commit: Awaitable[FaxJob]) -> bool:
        """Whether it was committed; what is the matter with one job never stops the others."""
        try:
            await commit
        except Outdated:
            return False
        except (NotCommitted, CommitUnclear):
            raise  # the disk: it concerns all of them
        except Exception:
            log.exception("%s could not be changed; the others go on", job.queue_id)
            return False
        return True
