"""What the spool's questions cost with a million faxes behind them, as ratios to a spool that is nearly empty.

In: a folder. Out: question -> time with much to time with little, each the median of many. The faxes have ended, with
their letters and two lines of history each, as they lie in a spool that was never cleaned; a tenth as many wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import statistics
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from mailfax.rules.states import JobState
from mailfax.spool import Spool, Wanted
from tests.bench.filling import copies, move_to, spool_of
from tests.support.site import Site, until

TABLES = ("message", "document", "job", "letter", "history", "history")
#: How often each is asked.
TURNS = 200
#: Faxes in the spool that is nearly empty: enough to fill a page of the queue.
PAGE = 100


def growth(folder: Path, rows: int, spools: Sequence[str]) -> dict[str, float]:
    """The ratios; fills ``folder`` with about 2 KB a row. ``spools``: the URLs of two, for little and for much."""
    little, much = _filled(folder / "little", PAGE, PAGE), _filled(folder / "much", rows, rows // 10)
    for site, url in zip((little, much), spools, strict=True):
        move_to(site, url)
    return asyncio.run(_ratios(little, much))


def _filled(folder: Path, rows: int, waiting: int) -> Site:
    folder.mkdir()
    site = Site(folder)
    try:
        site.start_sandbox()
        bridge = site.start_installed()
        site.send("15555550100")
        until(lambda: site.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "its answer", site.log)
        site.stop(bridge)
        for table in TABLES:
            copies(spool_of(site), table, "1", rows)
        site.control("faults", {"operation": "*", "action": "unauthorized", "count": None})  # then they wait
        bridge = site.start_installed()
        for _ in range(10):
            site.send("15555550100")
        until(lambda: len(site.rows("SELECT 1 FROM job WHERE state = 'ready'")) >= 9, "their pages", site.log)
        site.stop(bridge)
        [(queue_id, message), *_] = site.rows("SELECT queue_id, message FROM job WHERE state = 'ready'")
        for table, column, value in (("message", "queue_id", message), ("document", "message", message),
                                     ("job", "queue_id", queue_id)):  # fmt: skip
            copies(spool_of(site), table, f"{column} = '{value}'", waiting)
    finally:
        site.close()
    return site


async def _ratios(little: Site, much: Site) -> dict[str, float]:
    """Both are asked in turn, so that what else the machine does meets both."""
    async with _opened(little) as few, _opened(much) as many:
        beside, asked = await _questions(few), await _questions(many)
        ratios = {}
        for question in asked:
            took: tuple[list[float], list[float]] = ([], [])
            for _ in range(TURNS):
                for times, ask in zip(took, (beside[question], asked[question]), strict=True):
                    began = time.perf_counter()
                    await ask()
                    times.append(time.perf_counter() - began)
            ratios[question] = round(statistics.median(took[1]) / statistics.median(took[0]), 2)
        return ratios


@contextlib.asynccontextmanager
async def _opened(site: Site) -> AsyncIterator[Spool]:
    spool = await Spool.open(site.settings["spool"], site.folder)
    try:
        yield spool
    finally:
        await spool.close()


async def _questions(spool: Spool) -> dict[str, Callable[[], Awaitable[Any]]]:
    [waiting, *_] = await spool.queue.listing(Wanted(states=(JobState.READY, JobState.DEFERRED)), limit=1)
    name, ended = waiting.job.queue_id, Wanted(states=(JobState.DELIVERED,))
    return {
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
        "first page of the queue": lambda: spool.queue.listing(Wanted(), limit=PAGE),
        "what waits": lambda: spool.queue.listing(Wanted(states=(JobState.READY,)), limit=PAGE),
        "find a number": lambda: spool.queue.find("555-555-0100"),
        "find a subject that nobody has": lambda: spool.queue.find("nothing like it"),
        "find a queue ID": lambda: spool.queue.find(name),
        "delivered since": lambda: spool.queue.listing(ended, limit=PAGE),
    }
