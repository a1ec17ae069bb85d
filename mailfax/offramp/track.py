"""Ask FaxCore how submitted faxes went, and write down what it says.

The cheaper of two ways, by bytes: the lists of Sent, Failed and Cancelled settle everything at once; when few are
pending, or the lists have grown long, FaxStatus asks for each. GetFaxDetails is asked once, at a fax's end.

LIMITS: at most one look at the lists in ten seconds and account: three folders, six lists a minute.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from mailfax import maillog
from mailfax.faxcore.errors import AccountTrouble, NotKnown, NotRead
from mailfax.faxcore.values import FaxDetails, Folder, Progress, progress_of
from mailfax.offramp.desk import Desk
from mailfax.offramp.ending import Ending
from mailfax.offramp.folders import BYTES_PER_STATUS, ENDS, look
from mailfax.offramp.outcome import verdict
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
    """Follows submitted jobs, one pass over all accounts a round."""

    def __init__(
        self,
        spool: Spool,
        desk: Desk,
        ending: Ending,
        *,
        deadline_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._desk, self._ending = spool, desk, ending
        self._deadline_seconds = deadline_seconds
        self._monotonic, self._jitter = monotonic, jitter
        self._list_cost: dict[str, int] = {}
        self._listed_at: dict[str, float] = {}

    async def round(self) -> bool:
        """Ask about the jobs that are due; False if none was."""
        asked = False
        for name in await self._desk.watched():
            now = self._spool.now()
            jobs = [job for job in await self._spool.jobs.tracked(name) if job.state is JobState.SUBMITTED]
            due = [job for job in jobs if job.next_attempt_at <= now]
            if not due:
                continue
            asked = True
            try:
                await self._ask(name, due)
            except AccountTrouble as trouble:
                await self._desk.trouble(name, trouble)
            except NotRead as silence:
                await self._wait(due, silence.retry_after or 0.0)
        return asked

    async def _ask(self, name: str, due: list[FaxJob]) -> None:
        cost_of_lists = self._list_cost.get(name, 0)
        if len(due) <= 3 or len(due) * BYTES_PER_STATUS < cost_of_lists:
            await self._ask_each(name, due[:QUESTIONS])
        elif self._monotonic() - self._listed_at.get(name, -LIST_EVERY) >= LIST_EVERY:
            await self._ask_lists(name, due)
        else:
            await self._wait(due, LIST_EVERY)

    async def _ask_lists(self, name: str, due: list[FaxJob]) -> None:
        self._listed_at[name] = self._monotonic()
        by_id = {job.fax_id: job for job in due}
        seen = await look(self._spool, self._desk.client(name), name, ENDS, by_id, unknown=False)
        self._list_cost[name] = seen.cost
        for fax_id, folder in seen.where.items():
            await self._settle(by_id.pop(fax_id), folder)
        # Not listed among the ends: still going on, or moved behind our back (A43), or the list is capped (A33).
        # The old ones are asked for one by one, a few a round.
        rest = sorted(by_id.values(), key=lambda job: job.submitted_at)
        old = [job for job in rest if self._spool.now() - job.submitted_at > 600][:QUESTIONS]
        await self._ask_each(name, old)
        await self._wait([job for job in rest if job not in old])

    async def _ask_each(self, name: str, jobs: list[FaxJob]) -> None:
        client = self._desk.client(name)
        unclear = []
        for job in jobs:
            try:
                word = await client.fax_status(job.fax_id)
            except NotKnown:
                unclear.append(job)  # moved, deleted, or not shown yet: the folders may know (A39)
                continue
            progress = progress_of(word)
            if progress is Progress.UNKNOWN:
                maillog.unknown_word(job, word)
                unclear.append(job)
            elif progress in (Progress.PENDING, Progress.WAITING_FOR_PERSON):
                await self._wait([job])
            else:
                await self._settle(job, None)
        if unclear:
            await self._ask_folders(name, unclear)

    async def _ask_folders(self, name: str, unclear: list[FaxJob]) -> None:
        """The folder decides where the word is unknown or the id is (A14, A15)."""
        by_id = {job.fax_id: job for job in unclear}
        seen = await look(self._spool, self._desk.client(name), name, ENDS, by_id, unknown=False)
        self._list_cost[name] = seen.cost
        for fax_id, folder in seen.where.items():
            await self._settle(by_id.pop(fax_id), folder)
        await self._wait(list(by_id.values()))

    async def _settle(self, job: FaxJob, folder: Folder | None) -> None:
        """Read the details and end the job if they tell of an end."""
        submitted = datetime.fromtimestamp(job.submitted_at, UTC)
        try:
            details = await self._desk.client(job.account).fax_details(job.fax_id, submitted=submitted)
        except NotKnown:
            await self._wait([job])
            return
        await self._learn(job, details)
        end = verdict(details, folder)
        if end is None:
            await self._wait([job])
            return
        changes: dict[str, Any] = {"pages": details.page_count, "pages_delivered": details.pages_delivered}
        with suppress(Outdated):  # another process settled it, or a cancel was noted: the next round sees
            await self._ending.end(job, end.event, end.status, **changes)

    async def _learn(self, job: FaxJob, details: FaxDetails) -> None:
        """An account that gives our reference back can prove absence later."""
        known = (await self._spool.accounts.state(job.account)).reference_returned
        if not known and job.reference in references_in(details.subject):
            await self._spool.accounts.reference_returned(job.account)

    async def _wait(self, jobs: list[FaxJob], at_least: float = 0.0) -> None:
        """Ask again later, or end what has been silent for too long."""
        now = self._spool.now()
        for job in jobs:
            try:
                if now - job.submitted_at > self._deadline_seconds:
                    await self._ending.end(job, JobEvent.DEADLINE, status(Cause.SILENT))
                    continue
                wait = max(schedule.track_interval(now - job.submitted_at, self._jitter()), at_least)
                await self._spool.jobs.postpone(job, now + wait)
            except Outdated:
                continue
