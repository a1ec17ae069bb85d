"""End what waited too long, and honour a cancel once it is sure that nothing was sent.

A job that could not be submitted in time expires; one of a paused account does not (its expiry is frozen). The wall
clock may jump: while it disagrees with the monotonic clock, nothing expires.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from mailfax.offramp.desk import Desk
from mailfax.offramp.ending import Ending
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, status
from mailfax.spool import Outdated, Spool

#: Wall and monotonic clock may part by this many seconds between two rounds (a leap, slewing) before we wait.
TOLERATED = 120.0
#: How long nothing expires after the clocks parted: time for an operator or an NTP daemon to put it right.
WAIT_AFTER_JUMP = 3600.0


class Deadlines:
    """Ends overdue and cancelled jobs, one pass a round."""

    def __init__(
        self,
        spool: Spool,
        desk: Desk,
        ending: Ending,
        *,
        deadline_seconds: float,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._spool, self._desk, self._ending, self._monotonic = spool, desk, ending, monotonic
        self._deadline_seconds = deadline_seconds
        self._gap = spool.now() - monotonic()
        self._expire_after = monotonic()

    async def round(self) -> bool:
        """End what has to end; False if there was nothing."""
        ended = False
        for job in await self._spool.jobs.cancel_wanted():
            ended |= await self._end(job, JobEvent.CANCEL, Cause.CANCELLED_HERE)
        if self._clock_is_steady():
            for job in await self._spool.jobs.overdue():
                why = "its account or its document was not ready" if not job.attempts else "no attempt got through"
                ended |= await self._end(job, JobEvent.EXPIRED, Cause.EXPIRED, why=why)
            for job in await self._abandoned():
                ended |= await self._end(job, JobEvent.DEADLINE, Cause.ACCOUNT_GONE)
        return ended

    async def _abandoned(self) -> list[FaxJob]:
        """Faxes that FaxCore may have, of accounts that are not in the configuration any more: nobody asks about
        them, and past the deadline their senders must hear that nobody knows."""
        gone = [state.name for state in await self._spool.accounts.listing() if state.name not in self._desk.lines]
        jobs = [job for name in gone for job in await self._spool.jobs.tracked(name)]
        oldest = self._spool.now() - self._deadline_seconds
        return [job for job in jobs if max(job.submitted_at, job.last_byte_at) < oldest]

    async def _end(self, job: FaxJob, event: JobEvent, cause: Cause, **facts: Any) -> bool:
        try:
            await self._ending.end(job, event, status(cause, **facts))
        except Outdated:
            return False
        return True

    def _clock_is_steady(self) -> bool:
        gap = self._spool.now() - self._monotonic()
        if abs(gap - self._gap) > TOLERATED:
            self._expire_after = self._monotonic() + WAIT_AFTER_JUMP
        self._gap = gap
        return self._monotonic() >= self._expire_after
