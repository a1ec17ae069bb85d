"""Ask FaxCore how submitted faxes went, and write down what it says.

A few pending faxes are asked for one by one (FaxStatus), each at its own growing intervals. Many are settled by one
list: what is no longer in the Outbox has ended, in whatever folder, and GetFaxDetails tells how. A fax that is still
there costs nothing, neither a call nor a commit; lists of ends, however long, are read only for what stays unclear.

LIMITS: six lists a minute and account, that of received faxes among them.
"""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mailfax import maillog
from mailfax.context import Context, Worker
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotKnown, NotRead, Unavailable, Unreadable
from mailfax.faxcore.values import FaxDetails, Folder, Progress, progress_of
from mailfax.offramp.age import Ages
from mailfax.offramp.ending import Ending
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.folders import BYTES_PER_STATUS, ENDS, Look, look
from mailfax.offramp.outcome import verdict
from mailfax.offramp.silence import SILENT_IN_A_ROW, Silence
from mailfax.rules import schedule
from mailfax.rules.job import FaxJob
from mailfax.rules.reference import references_in
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, status
from mailfax.spool import Outdated, Pending

#: Seconds between two lists: five a minute, and one of the Inbox.
LIST_EVERY = 12.0
#: How often it is looked whether a fax is due, in seconds.
LOOK_EVERY = 1.0
#: Up to so many faxes are asked for one by one.
FEW = 3
#: Single questions in one round: the rest waits for the next.
QUESTIONS = 20
#: Faxes whose end is read at the same time.
AT_ONCE = 4


class Track(Worker):
    """Follows the submitted jobs of one account."""

    news = ("id-given", "late-id", "found")

    def __init__(self, context: Context, fax_accounts: FaxAccounts, ending: Ending, account: str) -> None:
        self._spool, self._ages = context.spool, Ages(context)
        self._elapsed, self._jitter = context.elapsed, context.jitter
        self._fax_accounts, self._ending, self._account = fax_accounts, ending, account
        self._deadline_seconds = context.limits.deadline_seconds
        self._list_cost, self._look_at, self._list_at = 0, 0.0, 0.0
        self._silence = Silence(context.elapsed)
        self._gives_back = False  #: our reference: that is known once and for all

    async def round(self) -> bool:
        """Ask about the faxes that are due; False if none was."""
        name = self._account
        now = self._spool.now()
        if (too_soon := self._look_at - self._elapsed()) > 0:
            self.next_at = now + too_soon
            return False
        self.next_at = math.inf
        if not await self._fax_accounts.watches(name):
            return False
        self._look_at = self._elapsed() + LOOK_EVERY
        # Whose question had no answer stands first all the time: they must not hide those behind them.
        jobs = await self._spool.jobs.submitted(name, QUESTIONS + len(self._silence))
        due = [job for job in jobs if job.track_at <= now]
        due.sort(key=lambda job: self._silence.is_silent(job.queue_id))
        self.next_at = next((job.track_at for job in jobs if job.track_at > now), math.inf)
        # A list tells of all: also of those whose first question is due only later.
        soon: Sequence[Pending | FaxJob] = [job for job in jobs if job.track_at <= now + LIST_EVERY]
        if len(soon) == len(jobs) > FEW:
            soon = await self._spool.jobs.pending(name, now + LIST_EVERY)
        lists = len(soon) > FEW and len(soon) * BYTES_PER_STATUS >= self._list_cost
        if not due and not lists:
            return False
        try:
            if not lists:
                await self._ask_each(due[:QUESTIONS])
            elif self._may_list():
                await self._ask_outbox(soon)
            else:
                self.next_at = min(self.next_at, now + self._list_at - self._elapsed())
                return False
        except AccountTrouble as trouble:
            await self._fax_accounts.trouble(name, trouble)
        except NotRead as silence:
            wait = min(silence.retry_after or 0.0, schedule.RETRY_AFTER_LONGEST)
            self._look_at = self._elapsed() + max(LIST_EVERY, wait)
            await self._end_late([job for job in due if self._silence.is_silent(job.queue_id)])
        return True

    def _may_list(self, lists: int = 1) -> bool:
        """Whether so many lists may be read now; then they count."""
        now = self._elapsed()
        if now < self._list_at:
            return False
        self._list_at = now + lists * LIST_EVERY
        return True

    async def _ask_outbox(self, pending: Sequence[Pending | FaxJob]) -> None:
        """Settle what is not in the Outbox any more."""
        seen = await self._look((Folder.OUTBOX,), pending)
        self._list_cost = seen.cost
        there = [each for each in pending if each.fax_id in seen.where]
        for each in there:
            self._silence.answered(each.queue_id)
        oldest = self._spool.now() - self._deadline_seconds
        late = [each.queue_id for each in there if each.submitted_at < oldest]
        await self._end_late(await self._spool.jobs.several(late))
        gone = await self._spool.jobs.several([each.queue_id for each in pending if each.fax_id not in seen.where])
        await self._settle_by_folder(await self._settle_all(gone))

    async def _settle_all(self, jobs: Sequence[FaxJob]) -> list[FaxJob]:
        """Settle those who have waited longest first, ``AT_ONCE`` at a time; those that are not settled."""
        waiting = deque(sorted(jobs, key=lambda job: job.submitted_at))
        unclear: list[FaxJob] = []

        async def one_after_another() -> None:
            try:
                while waiting:
                    job = waiting.popleft()
                    if not await self._settle(job, None):
                        unclear.append(job)
            except BaseException:
                waiting.clear()  # the account is in trouble: nobody asks on
                raise

        await asyncio.gather(*(one_after_another() for _ in range(AT_ONCE)))
        return unclear

    @property
    def _client(self) -> FaxCore:
        return self._fax_accounts.client(self._account)

    async def _look(self, folders: Sequence[Folder], jobs: Sequence[Pending | FaxJob]) -> Look:
        """Where the faxes of ``jobs`` are among ``folders``; raises ``NotRead``."""
        try:
            seen = await look(
                self._spool, self._client, self._account, folders, {job.fax_id for job in jobs}, unknown=False
            )
        except NotRead:
            for job in jobs:
                self._silence.unanswered(job.queue_id)
            raise
        return seen

    async def _settle_by_folder(self, jobs: list[FaxJob]) -> None:
        """Whose word does not tell an end: the folder decides (A14, A15), or it goes on (A39, A43)."""
        if not jobs:
            return
        if self._may_list(len(ENDS)):
            seen = await self._look(ENDS, jobs)
            for job in jobs:
                if job.fax_id not in seen.where:
                    self._silence.answered(job.queue_id)
            jobs = [
                job
                for job in jobs
                if job.fax_id not in seen.where or not await self._settle(job, seen.where[job.fax_id])
            ]
        await self._pending(jobs)

    async def _ask_each(self, jobs: list[FaxJob]) -> None:
        unclear, silent = [], 0
        for job in jobs:
            try:
                word = await self._client.fax_status(job.fax_id)
            except (NotKnown, Unreadable):
                # Moved, deleted, or not shown yet (A39); or this one fax is not told to us: the folders may know.
                unclear.append(job)
                continue
            except Unavailable as silence:
                silent += 1
                self._silence.unanswered(job.queue_id)
                if silent >= SILENT_IN_A_ROW or len(jobs) == 1:
                    raise
                await self._pending([job], min(silence.retry_after or 0.0, schedule.RETRY_AFTER_LONGEST))
                continue
            silent = 0
            progress = progress_of(word)
            if progress in (Progress.PENDING, Progress.WAITING_FOR_PERSON):
                self._silence.answered(job.queue_id)
                await self._pending([job])
                continue
            if progress is Progress.UNKNOWN:
                maillog.unknown_word(job, word)
            if progress is Progress.UNKNOWN or not await self._settle(job, None):
                unclear.append(job)
        await self._settle_by_folder(unclear)

    async def _settle(self, job: FaxJob, folder: Folder | None) -> bool:
        """Read the details and end the job if they tell of an end; whether it is settled."""
        submitted = datetime.fromtimestamp(job.submitted_at, UTC)
        try:
            details = await self._client.fax_details(job.fax_id, submitted=submitted)
        except (NotKnown, Unreadable):
            return False
        except Unavailable:
            self._silence.unanswered(job.queue_id)
            return False
        self._silence.answered(job.queue_id)
        await self._learn(job, details)
        end = verdict(details, folder)
        if end is None:
            return False
        changes: dict[str, Any] = {"pages": details.page_count, "pages_delivered": details.pages_delivered}
        with suppress(Outdated):  # another process settled it, or a cancel was noted: the next round sees
            await self._ending.end(job, end.event, end.status, **changes)
        return True

    async def _learn(self, job: FaxJob, details: FaxDetails) -> None:
        """An account that gives our reference back can prove absence later."""
        if self._gives_back:
            return
        self._gives_back = (await self._spool.accounts.state(job.account)).reference_returned
        if not self._gives_back and job.reference in references_in(details.subject):
            await self._spool.accounts.reference_returned(job.account)
            self._gives_back = True

    async def _pending(self, jobs: list[FaxJob], at_least: float = 0.0) -> None:
        """Asked, and no end is known: ask again later, or end what has been silent for too long."""
        late = await self._end_late(jobs)
        now = self._spool.now()
        await self._spool.jobs.postpone_all(
            [
                (job, now + max(schedule.track_interval(now - job.submitted_at, self._jitter()), at_least))
                for job in jobs
                if job not in late
            ]
        )

    async def _end_late(self, jobs: list[FaxJob]) -> list[FaxJob]:
        """End what was asked about and is past its deadline; those."""
        late = [job for job in jobs if self._ages.is_past_deadline(job) and self._silence.is_an_answer(job.queue_id)]
        for job in late:
            with suppress(Outdated):
                await self._ending.end(job, JobEvent.DEADLINE, status(Cause.SILENT))
            self._silence.answered(job.queue_id)
        return late
