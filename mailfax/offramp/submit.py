"""Claim a job, hand its document to FaxCore, write down what was heard.

The claim is committed before the first byte leaves. The lease that it takes outlives the whole POST: the last bytes
are held back unless enough of it is left for the service's own limit and an answer, so that nobody else can come to
believe that this job is free while its document may still be accepted.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from mailfax import maillog
from mailfax.context import Context, Worker
from mailfax.faxcore.errors import InDoubt
from mailfax.faxcore.verdict import ASP_NET_BODY_LIMIT
from mailfax.offramp import trouble
from mailfax.offramp.cover import may_have_reference
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.sending import Compose
from mailfax.rules import schedule
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import Claimed, FaxIdTaken, Outdated

#: A lease is this many times the time that FaxCore has for its answer: two parts for the upload, one for the answer.
LEASE_FACTOR = 3.0


class Submit(Worker):
    """Submits jobs, one a round."""

    news = (
        *("document_jobs_ready", "job_due", "release", "resent", "account-resumed", "baseline", "no-answer"),
        *("completed", "failed-there", "cancelled-there", "deadline"),  # the next one may go to their number
    )

    def __init__(
        self,
        context: Context,
        fax_accounts: FaxAccounts,
        ending: Ending,
        compose: Compose,
        *,
        blocked: Mapping[str, str] | None = None,
    ) -> None:
        """``blocked``: digits of numbers, and why nobody may fax there: it may have been said since the fax came."""
        self._blocked, self._postmaster = blocked or {}, context.site.postmaster
        self._spool, self._elapsed, self._jitter = context.spool, context.elapsed, context.jitter
        self._boot, self._steady = context.boot, context.steady
        self._fax_accounts, self._ending, self._compose = fax_accounts, ending, compose
        self._per_number = context.limits.faxes_per_number

    async def round(self) -> bool:
        """Submit one job; False if none was waiting."""
        open_now = await self._fax_accounts.open_for_submission()
        heads = await self._spool.jobs.heads(open_now)
        if heads.deferred <= self._spool.now():
            await self._spool.jobs.make_due()
            heads = await self._spool.jobs.heads(open_now)
        due = heads.due(self._spool.now())
        # One lease for all: the longest answer time among the accounts.
        answer_seconds = max((self._fax_accounts.account(name).timeout_seconds for name in due), default=0.0)
        claimed_at = self._elapsed()
        # Without a reference two faxes to one number could not be told apart: one at a time.
        one_by_one = [name for name in due if not may_have_reference(self._fax_accounts.account(name))]
        claimed = await self._spool.jobs.claim(
            due,
            answer_seconds * LEASE_FACTOR,
            one_by_one=one_by_one,
            per_number=self._per_number,
            leapt=self._steady.leapt(),
        )
        if claimed is None:
            self.next_at = heads.next_at(self._spool.now())
            return False
        lease_ends = claimed_at + answer_seconds * LEASE_FACTOR
        await self._hand_over(claimed, may_finish=lambda: self._elapsed() + answer_seconds < lease_ends)
        return True

    async def _hand_over(self, claimed: Claimed, *, may_finish: Callable[[], bool]) -> None:
        job, message, document = claimed.job, claimed.message, claimed.document
        account = self._fax_accounts.account(job.account)
        if job.number in self._blocked:
            with suppress(Outdated):
                await self._write_down(job, self._not_meant)
            return
        maillog.submitting(job)
        pages: int | None = None
        try:
            async with self._compose.sending(account, message, document, job) as sending:
                pages = sending.pages
                if sending.upload.length > ASP_NET_BODY_LIMIT:
                    maillog.large_document(job, sending.upload.length)
                client = self._fax_accounts.client(job.account)
                fax_id = await client.send_fax(sending.upload, sending.chunks, may_finish=may_finish)
        except Exception as raised:  # every kind has its answer in trouble.decide
            why = raised
            with suppress(
                Outdated
            ):  # our lease ran out, and somebody has taken it for in doubt: reconcile settles it
                await self._write_down(job, lambda job: self._not_taken(replace(job, pages=pages), why))
            return
        try:
            await self._write_down(job, lambda job: self._taken(job, fax_id))
        except Outdated:
            await self._learned_late(job, fax_id)

    async def _write_down(self, job: FaxJob, write: Callable[[FaxJob], Awaitable[None]]) -> None:
        """Commit the answer to our attempt; raises ``Outdated`` once the job is no longer ours.

        A cancel or a delay may have been noted meanwhile: then the answer belongs to the newer version.
        """
        while True:
            try:
                await write(job)
                return
            except Outdated:
                current = await self._spool.jobs.get(job.queue_id)
                if current is None or _attempt(current) != _attempt(job):
                    raise
                job = current

    async def _not_meant(self, job: FaxJob) -> None:
        """It never left us: nobody may fax there any more."""
        facts = {"number": f"+{job.number}", "why": self._blocked[job.number].rstrip(".")}
        told = status(Cause.NUMBER_BLOCKED, postmaster=self._postmaster, **facts)
        await self._ending.end(job, JobEvent.REFUSED, told)

    async def _taken(self, job: FaxJob, fax_id: str) -> None:
        now = self._spool.now()
        asked_at = now + schedule.track_interval(0.0, self._jitter())
        changes = {"fax_id": fax_id, "submitted_at": now, "track_at": asked_at, **self._last_byte(now)}
        taken = job.after(JobEvent.ID_GIVEN, **changes)
        try:
            taken = await self._spool.jobs.advance(job, taken, JobEvent.ID_GIVEN, detail=f"fax id {fax_id}")
        except FaxIdTaken:
            # An id that another fax owns is no answer to this one.
            await self._not_taken(job, InDoubt("", diagnostic=f"FaxCore gave the id {fax_id}, which another fax has"))
            return
        maillog.submitted(taken)
        await self._fax_accounts.well(job.account)

    async def _learned_late(self, job: FaxJob, fax_id: str) -> None:
        """Our lease ran out while FaxCore was answering: the id is worth more than whatever was concluded since."""
        while True:
            current = await self._spool.jobs.get(job.queue_id)
            if current is None or current.fax_id == fax_id:
                return
            with suppress(Outdated):
                if current.fax_id or not JOB.may(current.state, JobEvent.LATE_ID):
                    await self._ending.second_fax(current, fax_id)
                    return
                now = self._spool.now()
                late = current.after(JobEvent.LATE_ID, fax_id=fax_id, submitted_at=now, track_at=now, status=None)
                try:
                    late = await self._spool.jobs.advance(current, late, JobEvent.LATE_ID, detail=f"fax id {fax_id}")
                except FaxIdTaken:
                    return  # another fax has this id: it says nothing about ours
                maillog.submitted(late)
                return

    async def _not_taken(self, job: FaxJob, raised: Exception) -> None:
        now = self._spool.now()
        decision = trouble.decide(job, raised, now=now, jitter=self._jitter())
        if decision.told is not None:
            await self._ending.end(job, decision.event, decision.told, detail=decision.detail)
            return
        if decision.account is not None:
            # The pause comes first: a crash between the two commits must not leave a job that tries again at once.
            await self._fax_accounts.trouble(job.account, decision.account, sending=True)
        waiting = job.after(decision.event, status=decision.suspected, **self._last_byte(now))
        waiting = waiting.put_off(decision.next_attempt_at)
        await self._spool.jobs.advance(job, waiting, decision.event, detail=decision.detail)
        maillog.not_taken(waiting, decision.detail)
        if decision.event is JobEvent.NO_ANSWER:
            await self._fax_accounts.unclear(job.account)

    def _last_byte(self, now: float) -> dict[str, Any]:
        """The last moment at which FaxCore may have taken a fax, on both clocks."""
        return {"last_byte_at": now, "last_byte_elapsed": self._elapsed(), "last_byte_boot": self._boot}


def _attempt(job: FaxJob) -> tuple[JobState, int, int]:
    """What makes two versions of a job the same attempt."""
    return job.state, job.epoch, job.attempts
