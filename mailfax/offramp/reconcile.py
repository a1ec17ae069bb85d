"""Find out what became of jobs in doubt, before anything is sent a second time.

A job is in doubt when bytes left us and no clear answer was heard, or when its process died while submitting. It is
looked for in all folders by its reference. Found: it is tracked like any other. *Proven absent*, and only then: it
may be submitted again. Neither by the deadline: unconfirmed, and its sender hears "may or may not have been sent".

Proven absent means all of: the account is known to give our reference back; every outbound folder was listed in full
at least twice, the last time ``settle_seconds`` after the last possible moment of acceptance; each listing showed the
other recent faxes of the account, where there are any; and no id in them was left without an owner.
"""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime

from mailfax import maillog
from mailfax.config import Account
from mailfax.context import Context, Worker
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotKnown, NotRead, Unavailable, Unreadable
from mailfax.faxcore.values import FaxDetails, same_number
from mailfax.offramp.age import Age, Ages
from mailfax.offramp.cover import has_reference
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.folders import ALL_OUTBOUND, Look, look
from mailfax.offramp.silence import SILENT_IN_A_ROW, Silence
from mailfax.rules import schedule
from mailfax.rules.job import FaxJob
from mailfax.rules.reference import references_in
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import FaxIdTaken, Outdated

#: How many full listings have to miss a fax.
ENOUGH_LISTINGS = 2
#: A listing has to show the newest of our other faxes, this many of them and no older than a day.
RECENT, RECENT_SECONDS = 20, 86_400.0
#: Without a reference, a fax belongs to a job only if it was created this near to the attempt, in seconds: wider than
#: an hour, so that a wrong reading of the service's time zone does not hide it (``docs/faxcore-quirks.md``, A16).
WINDOW = 65 * 60.0
#: States in which an attempt may have made a fax whose id nobody has told us.
UNOWNED = (JobState.SUBMITTING, JobState.IN_DOUBT, JobState.DEFERRED, JobState.READY, JobState.HELD)


class Reconcile(Worker):
    """Looks for the jobs in doubt of one account."""

    news = ("no-answer", "lease-expired", "recovered")

    def __init__(self, context: Context, fax_accounts: FaxAccounts, ending: Ending, account: str) -> None:
        self._spool, self._jitter, self._elapsed = context.spool, context.jitter, context.elapsed
        self._ages = Ages(context)
        self._fax_accounts, self._ending, self._name = fax_accounts, ending, account
        self._silence = Silence(context.elapsed)
        self._mute: set[str] = set()  #: ids about which the last question brought no answer: asked about last

    async def round(self) -> bool:
        """Look once if a job is in doubt and due; False if there was none."""
        name = self._name
        first = await self._spool.jobs.in_doubt(name, 1)
        due_at, self.next_at = first[0].reconcile_at if first else math.inf, math.inf
        if due_at > self._spool.now():
            self.next_at = due_at
            return False
        if not await self._fax_accounts.watches(name):
            return False
        jobs = await self._spool.jobs.in_doubt(name)  # one look tells of all
        try:
            await self._look_for(jobs)
        except AccountTrouble as trouble:
            await self._fax_accounts.trouble(name, trouble)
        except NotRead:
            # A deadline is held against a fax only once it was looked for, or nothing was answered for long.
            self._silence.unanswered(name)
            for job in jobs:
                await self._again(job, may_end=self._silence.is_an_answer(name))
        return True

    @property
    def _client(self) -> FaxCore:
        return self._fax_accounts.client(self._name)

    @property
    def _account(self) -> Account:
        return self._fax_accounts.account(self._name)

    async def _look_for(self, doubted: list[FaxJob]) -> None:
        began = self._elapsed()
        recent = await self._recent()
        seen = await look(
            self._spool, self._client, self._name, ALL_OUTBOUND, {job.fax_id for job in recent}, unknown=True
        )
        left = await self._own(seen)
        # One id that was not told may be the very fax: then this was no look to hold a deadline against anything.
        if self._mute:
            self._silence.unanswered(self._name)
        else:
            self._silence.answered(self._name)
        shows_recent = all(job.fax_id in seen.where for job in recent)
        for job in doubted:
            current = await self._spool.jobs.get(job.queue_id)
            if current is None or current.state is not JobState.IN_DOUBT:
                continue
            with suppress(Outdated):
                age = self._ages.of(current)
                at_begin = replace(age, seconds=age.seconds - (self._elapsed() - began))
                await self._not_found(current, at_begin, trustworthy=shows_recent and not left)

    async def _recent(self) -> list[FaxJob]:
        """Our newest other faxes at this account: a listing that hides them proves nothing."""
        return await self._spool.jobs.recent(self._name, self._spool.now() - RECENT_SECONDS, RECENT)

    async def _own(self, seen: Look) -> int:
        """Ask about every id that nobody owns; how many of them are left without an owner."""
        left = silent = 0
        trying = await self._spool.jobs.tried(self._name)
        self._mute &= seen.unknown.keys()
        for fax_id in sorted(seen.unknown, key=self._mute.__contains__):
            try:
                details = await self._client.fax_details(fax_id)
            except (NotKnown, Unreadable):
                left += 1  # listed, and not told to us: nothing about absence follows from this look
                continue
            except Unavailable:
                left += 1
                silent += 1
                self._mute.add(fax_id)
                if silent >= SILENT_IN_A_ROW:
                    raise
                continue
            silent = 0
            self._mute.discard(fax_id)
            left += not await self._owner_found(details, trying)
        return left

    async def _owner_found(self, details: FaxDetails, trying: list[FaxJob]) -> bool:
        """Give a fax to the job whose reference it carries. False: it may be ours, and nobody can say whose."""
        references = references_in(details.subject)
        named = [
            job for reference in references for job in await self._spool.jobs.by_reference(self._name, reference)
        ]
        jobs = [job for job in named if not details.number or same_number(job.number, details.number)]
        if not references:
            jobs = await self._by_window(details, trying)
        if not jobs:
            # With a reference of nobody's, or of a job that looks for no fax, it was sent from elsewhere: ours are in
            # the spool before their POST. Without any, the service may have cut it off (A38): it is foreign only if
            # no attempt whose fate is not known could have made it.
            if named:
                foreign = all(job.state not in UNOWNED for job in named)
            else:
                foreign = bool(references) or not any(_may_have_made(job, details) for job in trying)
            if foreign:
                await self._spool.ledger.foreign(self._name, (details.fax_id,))
            return foreign
        job = jobs[0]
        if job.state is JobState.SUBMITTING:
            return False  # its POST is still under way here or elsewhere, and will bring the id itself
        try:
            await self._take(job, details)
        except (Outdated, FaxIdTaken):
            return False
        return True

    async def _by_window(self, details: FaxDetails, trying: list[FaxJob]) -> list[FaxJob]:
        """Without a reference: number, time window and page count decide, with one such fax in flight per number."""
        fitting = []
        for job in trying:
            if not _may_have_made(job, details):
                continue
            document = await self._spool.documents.get(job.message)
            if document and has_reference(self._account, document, job):
                return []  # it may be this one's, whose reference the service cut off (A38)
            if job.state is not JobState.IN_DOUBT or not same_number(job.number, details.number):
                continue
            pages = job.pages or (document.pages if document else None)
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
        found = job.after(event, fax_id=details.fax_id, submitted_at=submitted_at, track_at=now, status=None)
        found = await self._spool.jobs.advance(job, found, event, detail=f"fax id {details.fax_id}")
        if job.reference in references_in(details.subject):
            await self._spool.accounts.reference_returned(job.account)
        maillog.submitted(found)

    async def _not_found(self, job: FaxJob, age: Age, *, trustworthy: bool) -> None:
        """One more listing without it, begun when it had this age: proven absent, or looked for again, or ended by
        the deadline."""
        account = self._account
        if trustworthy and age.seconds >= 0:
            counted = replace(job, absences=job.absences + 1)
            settled = counted.absences >= ENOUGH_LISTINGS and age.seconds >= account.settle_seconds
            proven = settled and age.believed and await self._absence_counts(job)
            if proven and job.status is not None:  # what kept FaxCore from taking it would do so again
                await self._ending.end(job, JobEvent.REFUSED, job.status)
                return
            if proven and account.resend_when_absent:
                absent = counted.after(JobEvent.PROVEN_ABSENT, submit_at=self._spool.now())
                absent = await self._spool.jobs.advance(
                    job, absent, JobEvent.PROVEN_ABSENT, detail=f"{counted.absences} full listings without it"
                )
                maillog.proven_absent(absent)
                return
            if counted.absences <= ENOUGH_LISTINGS:
                job = await self._spool.jobs.note(job, counted, detail="one more full listing without it")
        await self._again(job, may_end=self._silence.is_an_answer(self._name))

    async def _absence_counts(self, job: FaxJob) -> bool:
        """Whether what is not found by its reference is not there. What an account once gave back proves nothing
        where this fax has no reference."""
        returned = (await self._spool.accounts.state(self._name)).reference_returned
        document = await self._spool.documents.get(job.message)
        # In a restored copy its pages may not be made yet: then it can't be sent, and is looked for until they are.
        carried = document is not None and document.state == "ready" and has_reference(self._account, document, job)
        return returned and carried

    async def _again(self, job: FaxJob, *, may_end: bool) -> None:
        """Look again later: soon at first, and often enough to see the end of the settling time; or end it."""
        with suppress(Outdated):
            if may_end and self._ages.is_past_deadline(job):
                cause = Cause.UNCONFIRMED if job.status is None else Cause.UNCONFIRMED_LARGE
                await self._ending.end(job, JobEvent.DEADLINE, status(cause))
                return
            wait = schedule.doubt_interval(self._ages.of(job).seconds, self._jitter())
            at_most = max(self._account.settle_seconds / 2, 1.0)
            await self._spool.jobs.postpone(job, self._spool.now() + min(wait, at_most))


def _may_have_made(job: FaxJob, details: FaxDetails) -> bool:
    """Whether an attempt of this job, thought absent or not known, may have made a fax without our reference."""
    if details.number and not same_number(job.number, details.number):
        return False
    return details.created is None or details.created.timestamp() >= job.accepted_at - WINDOW
