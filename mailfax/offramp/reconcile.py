"""Find out what became of jobs in doubt, before anything is sent a second time.

A job is in doubt when bytes left us and no clear answer was heard, or when its process died while submitting. It is
looked for in all folders by its reference. Found: it is tracked like any other. *Proven absent*, and only then: it
may be submitted again. Neither by the deadline: unconfirmed, and its sender hears "may or may not have been sent".

Proven absent means all of: the account is known to give our reference back; every outbound folder was listed in full
at least twice, the last time ``settle_seconds`` after the last possible moment of acceptance; each listing showed the
other recent faxes of the account, where there are any; and no id in them was left without an owner.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime

from mailfax import maillog
from mailfax.faxcore.errors import AccountTrouble, NotKnown, NotRead
from mailfax.faxcore.values import FaxDetails, same_number
from mailfax.offramp.desk import Desk
from mailfax.offramp.ending import Ending
from mailfax.offramp.folders import ALL_OUTBOUND, Look, look
from mailfax.rules import schedule
from mailfax.rules.job import FaxJob
from mailfax.rules.reference import references_in
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import FaxIdTaken, Outdated, Spool

#: How many full listings have to miss a fax.
ENOUGH_LISTINGS = 2
#: A listing has to show the newest of our other faxes, this many of them and no older than a day.
RECENT, RECENT_SECONDS = 20, 86_400.0
#: Without a reference, a fax belongs to a job only if it was created this near to the attempt, in seconds: wider than
#: an hour, so that a wrong reading of the service's time zone does not hide it (``docs/faxcore-quirks.md``, A16).
WINDOW = 65 * 60.0


class Reconcile:
    """Looks for jobs in doubt, one pass over all accounts a round."""

    def __init__(
        self,
        spool: Spool,
        desk: Desk,
        ending: Ending,
        *,
        deadline_seconds: float,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._desk, self._ending = spool, desk, ending
        self._deadline_seconds, self._jitter = deadline_seconds, jitter

    async def round(self) -> bool:
        """Look once for every account that has a job in doubt and due; False if there was none."""
        await self._orphaned()
        looked = False
        for name in await self._desk.watched():
            now = self._spool.now()
            jobs = [job for job in await self._spool.jobs.tracked(name) if job.state is JobState.IN_DOUBT]
            if not any(job.next_attempt_at <= now for job in jobs):
                continue
            looked = True
            try:
                await self._look_for(name, jobs)
            except AccountTrouble as trouble:
                await self._desk.trouble(name, trouble)
            except NotRead:
                for job in jobs:
                    await self._unless_too_late(job)
        return looked

    async def _orphaned(self) -> None:
        """A submission whose lease has run out: its process died, and nobody knows how far it came."""
        for job in await self._spool.jobs.expired_submissions():
            doubted = job.after(
                JobEvent.LEASE_EXPIRED, last_byte_at=job.lease_until, next_attempt_at=self._spool.now()
            )
            try:
                doubted = await self._spool.jobs.advance(job, doubted, JobEvent.LEASE_EXPIRED)
            except Outdated:
                continue
            maillog.not_taken(doubted, "its process died while submitting")

    async def _look_for(self, name: str, doubted: list[FaxJob]) -> None:
        began = self._spool.now()
        recent = await self._recent(name)
        seen = await look(
            self._spool, self._desk.client(name), name, ALL_OUTBOUND, {job.fax_id for job in recent}, unknown=True
        )
        left = await self._own(name, seen)
        shows_recent = all(job.fax_id in seen.where for job in recent)
        for job in doubted:
            current = await self._spool.jobs.get(job.queue_id)
            if current is None or current.state is not JobState.IN_DOUBT:
                continue
            try:
                await self._not_found(current, began, trustworthy=shows_recent and not left)
            except Outdated:
                continue

    async def _recent(self, name: str) -> list[FaxJob]:
        """Our newest other faxes at this account: a listing that hides them proves nothing."""
        since = self._spool.now() - RECENT_SECONDS
        jobs = await self._spool.jobs.listing(account=name, limit=10 * RECENT)
        known = sorted(
            (job for job in jobs if job.fax_id and job.submitted_at > since), key=lambda job: -job.submitted_at
        )
        return known[:RECENT]

    async def _own(self, name: str, seen: Look) -> int:
        """Ask about every id that nobody owns; how many of them are left without an owner."""
        left = 0
        for fax_id in seen.unknown:
            try:
                details = await self._desk.client(name).fax_details(fax_id)
            except NotKnown:
                left += 1  # it was there a moment ago: nothing about absence follows from this look
                continue
            if not await self._owner_found(name, details):
                left += 1
        return left

    async def _owner_found(self, name: str, details: FaxDetails) -> bool:
        """Give a fax to the job whose reference it carries. False: it may be ours, and nobody can say whose."""
        named = [
            job
            for reference in references_in(details.subject)
            for job in await self._spool.jobs.by_reference(name, reference)
        ]
        jobs = [job for job in named if same_number(job.number, details.number)]
        if not named and self._desk.account(name).reference == "off":
            jobs = await self._by_window(name, details)
        if not jobs:
            if not named:
                # Every reference is in the spool before its POST: this one was sent from elsewhere.
                await self._spool.ledger.foreign(name, (details.fax_id,))
            return not named
        job = jobs[0]
        if job.state is JobState.SUBMITTING:
            return False  # its POST is still under way here or elsewhere, and will bring the id itself
        try:
            await self._take(job, details)
        except (Outdated, FaxIdTaken):
            return False
        return True

    async def _by_window(self, name: str, details: FaxDetails) -> list[FaxJob]:
        """Without a reference: number, time window and page count decide, with one such fax in flight per number."""
        fitting = []
        for job in await self._spool.jobs.tracked(name):
            if job.state is not JobState.IN_DOUBT or not same_number(job.number, details.number):
                continue
            document = await self._spool.documents.get(job.message)
            pages = document.pages if document else None
            near = details.created is not None and (
                job.submitting_at - WINDOW <= details.created.timestamp() <= job.last_byte_at + WINDOW
            )
            # The service counts its cover page too (A20).
            counted = pages is None or details.page_count in (None, pages, pages + 1)
            if near and counted:
                fitting.append(job)
        return fitting if len(fitting) == 1 else []

    async def _take(self, job: FaxJob, details: FaxDetails) -> None:
        now = self._spool.now()
        event = JobEvent.FOUND if job.state is JobState.IN_DOUBT else JobEvent.LATE_ID
        if job.fax_id or not JOB.may(job.state, event):
            await self._ending.second_fax(job, details.fax_id)
            return
        created = details.created or datetime.fromtimestamp(now, UTC)
        # Never later than now: the service's dates are told, not trusted.
        submitted_at = min(max(created.timestamp(), job.submitting_at), now)
        found = job.after(event, fax_id=details.fax_id, submitted_at=submitted_at, next_attempt_at=now)
        found = await self._spool.jobs.advance(job, found, event, detail=f"fax id {details.fax_id}")
        if job.reference in references_in(details.subject):
            await self._spool.accounts.reference_returned(job.account)
        maillog.submitted(found)

    async def _not_found(self, job: FaxJob, began: float, *, trustworthy: bool) -> None:
        """One more listing without it: proven absent, or looked for again, or ended by the deadline."""
        account = self._desk.account(job.account)
        if trustworthy and began >= job.last_byte_at:
            counted = job.after_absence(began)
            settled = counted.absences >= ENOUGH_LISTINGS and began >= job.last_byte_at + account.settle_seconds
            returned = (await self._spool.accounts.state(job.account)).reference_returned
            if settled and returned and account.resend_when_absent:
                absent = counted.after(JobEvent.PROVEN_ABSENT, next_attempt_at=self._spool.now())
                absent = await self._spool.jobs.advance(
                    job, absent, JobEvent.PROVEN_ABSENT, detail=f"{counted.absences} full listings without it"
                )
                maillog.proven_absent(absent)
                return
            if counted.absences <= ENOUGH_LISTINGS:
                job = await self._spool.jobs.note(job, counted, detail="one more full listing without it")
        await self._unless_too_late(job)

    async def _unless_too_late(self, job: FaxJob) -> None:
        """Look again later: soon at first, and often enough to see the end of the settling time; or end it."""
        account = self._desk.account(job.account)
        now = self._spool.now()
        with suppress(Outdated):
            if now - job.last_byte_at > self._deadline_seconds:
                await self._ending.end(job, JobEvent.DEADLINE, status(Cause.UNCONFIRMED))
                return
            again = schedule.doubt_attempt(job.absences, now, self._jitter())
            await self._spool.jobs.postpone(job, min(again, now + max(account.settle_seconds / 2, 1.0)))
