"""Ask FaxCore how submitted faxes went, and write down what it says.

The cheaper of two ways, by bytes: the lists of Sent, Failed and Cancelled settle everything at once; when few are
pending, or the lists have grown long, FaxStatus asks for each. GetFaxDetails is asked once, at a fax's end.

LIMITS: one look at the three lists in half a minute and account: six lists a minute.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mailfax import maillog
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotKnown, NotRead, Unavailable, Unreadable
from mailfax.faxcore.values import FaxDetails, Folder, Progress, progress_of
from mailfax.offramp.desk import Desk
from mailfax.offramp.ending import Ending
from mailfax.offramp.folders import BYTES_PER_STATUS, ENDS, look
from mailfax.offramp.outcome import verdict
from mailfax.offramp.steady import SILENT_IN_A_ROW, Silence, SteadyClock, elapsed
from mailfax.rules import schedule
from mailfax.rules.job import FaxJob
from mailfax.rules.reference import references_in
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import Outdated, Spool

#: Seconds between two looks at the lists of an account.
LIST_EVERY = 30.0
#: Single questions in one round: the rest waits for the next.
QUESTIONS = 20


class Track:
    """Follows the submitted jobs of one account."""

    def __init__(
        self,
        spool: Spool,
        desk: Desk,
        ending: Ending,
        steady: SteadyClock,
        account: str,
        *,
        deadline_seconds: float,
        monotonic: Callable[[], float] = elapsed,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._desk, self._ending, self._steady = spool, desk, ending, steady
        self._account, self._deadline_seconds = account, deadline_seconds
        self._monotonic, self._jitter = monotonic, jitter
        self._list_cost, self._listed_at = 0, -LIST_EVERY
        self._silence = Silence(monotonic)

    async def round(self) -> bool:
        """Ask about the jobs that are due; False if none was."""
        name, now = self._account, self._spool.now()
        if not await self._desk.watches(name):
            return False
        jobs = [job for job in await self._spool.jobs.tracked(name) if job.state is JobState.SUBMITTED]
        due = [job for job in jobs if job.next_attempt_at <= now]
        due.sort(key=lambda job: self._silence.is_silent(job.queue_id))
        if not due:
            return False
        try:
            await self._ask(due)
        except AccountTrouble as trouble:
            await self._desk.trouble(name, trouble)
        except NotRead as silence:
            wait = min(silence.retry_after or 0.0, schedule.RETRY_AFTER_LONGEST)
            asked = [job for job in due if self._silence.is_silent(job.queue_id)]
            await self._pending(asked, wait)
            await self._later([job for job in due if job not in asked], wait)
        return True

    async def _ask(self, due: list[FaxJob]) -> None:
        if len(due) <= 3 or len(due) * BYTES_PER_STATUS < self._list_cost:
            await self._ask_each(due[:QUESTIONS])
        elif self._monotonic() - self._listed_at >= LIST_EVERY:
            self._listed_at = self._monotonic()
            rest = sorted(await self._ask_folders(due), key=lambda job: job.submitted_at)
            # Not among the ends: still going on, or moved behind our back (A43), or the list is capped (A33). The old
            # ones are asked for one by one, a few a round.
            old = [job for job in rest if self._spool.now() - job.submitted_at > 600][:QUESTIONS]
            await self._later([job for job in rest if job not in old])
            await self._ask_each(old)
        else:
            await self._later(due, LIST_EVERY)

    @property
    def _client(self) -> FaxCore:
        return self._desk.client(self._account)

    async def _ask_folders(self, jobs: list[FaxJob]) -> list[FaxJob]:
        """Settle what lies in an end folder; those that do not."""
        by_id = {job.fax_id: job for job in jobs}
        try:
            seen = await look(self._spool, self._client, self._account, ENDS, by_id, unknown=False)
        except NotRead:
            for job in jobs:
                self._silence.unanswered(job.queue_id)
            raise
        self._list_cost = seen.cost
        for job in jobs:
            if job.fax_id not in seen.where:
                self._silence.answered(job.queue_id)
        for fax_id, folder in seen.where.items():
            if await self._settle(by_id[fax_id], folder):
                del by_id[fax_id]
        return list(by_id.values())

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
                unclear.append(job)  # the folder decides (A14, A15)
        if unclear:
            await self._pending(await self._ask_folders(unclear))

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
        known = (await self._spool.accounts.state(job.account)).reference_returned
        if not known and job.reference in references_in(details.subject):
            await self._spool.accounts.reference_returned(job.account)

    async def _later(self, jobs: list[FaxJob], at_least: float = 0.0) -> None:
        """Ask again later."""
        now = self._spool.now()
        for job in jobs:
            wait = max(schedule.track_interval(now - job.submitted_at, self._jitter()), at_least)
            with suppress(Outdated):
                await self._spool.jobs.postpone(job, now + wait)

    async def _pending(self, jobs: list[FaxJob], at_least: float = 0.0) -> None:
        """Asked, and no end is known: ask again later, or end what has been silent for too long."""
        oldest = self._spool.now() - self._deadline_seconds
        steady = self._steady.is_steady()
        late = [
            job for job in jobs if steady and job.submitted_at < oldest and self._silence.is_an_answer(job.queue_id)
        ]
        for job in late:
            with suppress(Outdated):
                await self._ending.end(job, JobEvent.DEADLINE, status(Cause.SILENT))
            self._silence.answered(job.queue_id)
        await self._later([job for job in jobs if job not in late], at_least)
