"""Pages that change by themselves: an event whenever something was stored, and the page asks for itself again.

In: the bell of the spool. Out: server-sent events without any content: what is shown is asked for as ever, by the
same rules. On SQLite other processes ring no bell: a page looks after ``OTHERS_SECONDS``, too.

STANDARDS: WHATWG HTML 9.2 (server-sent events).
LIMITS: ``EACH`` streams of a user: a browser has a few windows.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Coroutine
from typing import Any

from starlette.exceptions import HTTPException
from starlette.responses import Response, StreamingResponse

from mailfax.pages.visit import Visit

#: Seconds between two events at the least, and at the most.
QUIET_SECONDS, OTHERS_SECONDS = 1.0, 5.0
EACH = 20
#: A stream ends after so many seconds, and the browser asks for another: a session that has ended ends it.
LONGEST_SECONDS = 300.0
_open: Counter[str] = Counter()


async def changes(visit: Visit) -> Response:
    """A stream of events."""
    login = visit.visitor.login
    if _open[login] >= EACH:
        raise HTTPException(429, "Too many windows are open.")
    return StreamingResponse(_events(visit, login), media_type="text/event-stream")


async def _events(visit: Visit, login: str) -> AsyncIterator[bytes]:
    _open[login] += 1
    try:
        bell = visit.spool.bell()
        loop = asyncio.get_running_loop()
        until = loop.time() + LONGEST_SECONDS
        yield b"retry: 3000\n\n"
        stopping = visit.shared.stopping
        while loop.time() < until and not stopping.is_set():
            await _first(bell.wait(OTHERS_SECONDS), stopping.wait())
            yield b"data: changed\n\n"
            await _first(asyncio.sleep(QUIET_SECONDS), stopping.wait())
    finally:
        _open[login] -= 1


async def _first(*waiting: Coroutine[Any, Any, object]) -> None:
    """Until one of them has ended; the others are cancelled."""
    tasks = [asyncio.ensure_future(each) for each in waiting]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
