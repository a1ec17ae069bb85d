"""Reports that are owed: faxes that have ended, and of which nobody was told yet, nor any program.

In: the ends of faxes, each with its commit (``owe``). Out: the outcomes of one message that one notification is to
tell, and that it was written (``told``): the letters, and the end of the rows that they tell of, in one commit.
Programs hear of each fax by itself and at once (``for_programs``, ``program_told``). ``spool.reports``.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from mailfax.rules import schedule
from mailfax.rules.job import FaxJob, Letter
from mailfax.rules.states import JobState
from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox


class Reports:
    """``spool.reports``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox

    async def next_at(self) -> float:
        """When the next one is due."""
        [rows] = await self._engine.read(("report_head", {}))
        return float(rows[0]["due_at"]) if rows else math.inf

    async def due(self, limit: int) -> dict[str, set[str]]:
        """Messages whose report is due, up to ``limit``: the queue IDs of their faxes that have ended and of which
        nobody was told."""
        [rows] = await self._engine.read(("report_due", {"limit": limit}))
        found: dict[str, set[str]] = {}
        for row in rows:
            found.setdefault(row["message"], set()).add(row["job"])
        return found

    async def told(self, jobs: Sequence[FaxJob], letters: Sequence[Letter]) -> None:
        """The letters tell of these and of no others. Raises ``Outdated`` where another process has told of one."""
        rows = tuple(Statement("report_told", {"queue_id": job.queue_id}, Hits.ONE) for job in jobs)
        async with self._outbox.sealed(letters) as owed:
            await self._engine.commit(Commit("reported", (*rows, *owed), CLASHES))

    async def for_programs(self, limit: int) -> list[str]:
        """Queue IDs of faxes that have ended and of which a program is to hear, the oldest ends first."""
        [rows] = await self._engine.read(("outcome_due", {"limit": limit}))
        return [row["job"] for row in rows]

    async def program_told(self, job: FaxJob, letters: Sequence[Letter]) -> None:
        """The letter that tells a program of this fax is owed. Raises ``Outdated`` where another process owes it."""
        row = Statement("outcome_told", {"queue_id": job.queue_id}, Hits.ONE)
        async with self._outbox.sealed(letters) as owed:
            await self._engine.commit(Commit("program-told", (row, *owed), CLASHES))


def owe(jobs: Sequence[FaxJob]) -> list[Statement]:
    """For the commit in which these faxes of one message end: they are told of later, and no more than once."""
    if not jobs:
        return []
    rows = [{"queue_id": job.queue_id, "message": job.message, "wait": _wait(job)} for job in jobs]
    return [
        *(Statement("report_owe", row, Hits.ONE) for row in rows),
        Statement("report_whole", {"message": jobs[0].message}),
        *(
            Statement("outcome_owe", {"queue_id": job.queue_id, "message": job.message})
            for job in jobs
            if not job.preview
        ),
    ]


def _wait(job: FaxJob) -> float:
    return schedule.REPORT_DELIVERED if job.state is JobState.DELIVERED else schedule.REPORT_FAILED
