"""What the spool's questions cost with a million faxes behind them, as ratios to a spool that is nearly empty.

In: a folder. Out: question -> time with much to time with little, each the median of many. The faxes have ended, with
their letters and two lines of history each, as they lie in a spool that was never cleaned; ten wait.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from mailfax.rules.states import JobState
from mailfax.spool import Spool, Wanted
from tests.bench.filling import copies, spool_of
from tests.support.house import House, until

TABLES = ("message", "document", "job", "letter", "history", "history")
#: How often each is asked.
TURNS = 40


def growth(folder: Path, rows: int) -> dict[str, float]:
    """The ratios; fills ``folder`` with about 2 KB a row."""
    little, much = (asyncio.run(_times(_filled(folder / name, n))) for name, n in (("little", 10), ("much", rows)))
    return {question: round(much[question] / little[question], 2) for question in little}


def _filled(folder: Path, rows: int) -> House:
    folder.mkdir()
    house = House(folder)
    try:
        house.start_sandbox()
        bridge = house.start_installed()
        house.send("15555550100")
        until(lambda: house.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "its answer", house.log)
        house.stop(bridge)
        for table in TABLES:
            copies(spool_of(house), table, "1", rows)
        house.control("faults", {"operation": "*", "action": "unauthorized", "count": None})  # then they wait
        bridge = house.start_installed()
        for _ in range(10):
            house.send("15555550100")
        until(lambda: len(house.rows("SELECT 1 FROM job WHERE state = 'ready'")) >= 9, "their pages", house.log)
        house.stop(bridge)
    finally:
        house.close()
    return house


async def _times(house: House) -> dict[str, float]:
    """Seconds of each question, the median."""
    spool = await Spool.open(f"sqlite:///{spool_of(house)}", house.folder)
    try:
        [waiting, *_] = await spool.queue.listing(Wanted(states=(JobState.READY, JobState.DEFERRED)), limit=1)
        name, ended = waiting.job.queue_id, Wanted(states=(JobState.DELIVERED,))
        questions: dict[str, Callable[[], Awaitable[Any]]] = {
            "claim a document": lambda: spool.documents.claim(0.001),
            "make jobs due": spool.jobs.make_due,
            "claim a job": lambda: spool.jobs.claim(["nobody"], 1.0),
            "claim a letter": lambda: spool.outbox.claim(0.001),
            "jobs of a message": lambda: spool.jobs.of(waiting.job.message),
            "letters of a job": lambda: spool.outbox.listing(about=name),
            "history of a job": lambda: spool.history.of(name),
            "jobs that are late": spool.jobs.overdue,
            "jobs to be told of": lambda: spool.jobs.untold(0.0),
            "cancelled meanwhile": spool.jobs.cancel_wanted,
            "counts": spool.counts,
            "first page of the queue": lambda: spool.queue.listing(Wanted(), limit=100),
            "what waits": lambda: spool.queue.listing(Wanted(states=(JobState.READY,)), limit=100),
            "delivered since": lambda: spool.queue.listing(ended, limit=100),
        }
        times = {}
        for question, ask in questions.items():
            took = []
            for _ in range(TURNS):
                began = time.perf_counter()
                await ask()
                took.append(time.perf_counter() - began)
            times[question] = statistics.median(took)
        return times
    finally:
        await spool.close()
