"""The first page: what needs a person, how the accounts and the relay are, and how much was faxed in the last days.

LIMITS: figures of the charts are a minute old, or as old as the last look at them.
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from starlette.responses import Response

from mailfax.pages import charts, faxes
from mailfax.pages.visit import Visit
from mailfax.rules.states import NON_FINAL
from mailfax.spool import AccountState, Hour, Wanted

#: How long figures are remembered, in seconds.
REMEMBERED = 60.0
#: Faxes of the first page.
FEW = 8
_asking: set[asyncio.Task[list[Hour]]] = set()
_figures: dict[tuple[int, int], tuple[float, list[Hour]]] = {}


async def home(visit: Visit) -> Response:
    """For operators of the site an overview; for others the faxes that are theirs to see."""
    newest = await faxes.faxes_of(visit, Wanted(), 1, FEW)
    rows = await faxes.told(visit, newest.rows)
    if not visit.visitor.sees_the_site:
        waiting = await faxes.faxes_of(visit, Wanted(NON_FINAL), 1, FEW)
        return visit.page("own", rows=rows, waiting=await faxes.told(visit, waiting.rows))
    now = visit.spool.now()
    counts = await visit.spool.counts()
    hours = await _hours(visit, 7)
    day = [hour for hour in hours if hour.at > now - 86_400 - 3600]
    return visit.page(
        "overview",
        rows=rows,
        counts=counts,
        waiting=sum(counts.jobs.get(state, 0) for state in NON_FINAL),
        accounts=await _accounts(visit),
        disk=visit.bridge.disk(),
        relay=visit.bridge.relay(),
        recovery=await visit.spool.recovery.waits_since(),
        by_hour=charts.by_hour(day, now, visit.bridge.zone),
        by_day=charts.by_day(hours, now, visit.bridge.zone),
    )


async def _accounts(visit: Visit) -> list[dict[str, Any]]:
    known = {state.name: state for state in await visit.spool.accounts.listing()}
    return [
        {
            "name": name,
            "number": visit.bridge.accounts.account(name).username,
            "state": known.get(name, AccountState(name)),
            "sandbox": visit.bridge.accounts.is_sandbox(name),
        }
        for name in visit.bridge.accounts.names()
    ]


async def _hours(visit: Visit, days: int) -> list[Hour]:
    """The last days hour by hour, for all visitors together. What is old is told once more, and asked for anew
    meanwhile: a week may have many faxes."""
    key = id(visit.spool), days

    async def ask() -> list[Hour]:
        hours = await visit.spool.shown.hours(visit.spool.now() - days * 86_400)
        _figures.clear()
        _figures[key] = time.monotonic(), hours
        return hours

    if key not in _figures:
        return await ask()
    at, hours = _figures[key]
    if time.monotonic() - at > REMEMBERED and not _asking:
        task = asyncio.create_task(ask())
        _asking.add(task)
        task.add_done_callback(_asking.discard)
        task.add_done_callback(lambda asked: asked.cancelled() or asked.exception())
    return hours
