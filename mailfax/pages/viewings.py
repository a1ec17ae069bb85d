"""Who has seen which fax: a line of its history, durable before the first byte of content leaves.

In: a visitor and a fax. A page has many pictures: one line stands for all that somebody sees of a fax within
``SAME_SECONDS``. A download always has a line of its own.
"""

from __future__ import annotations

import asyncio
import math
import time
from dataclasses import dataclass, field
from weakref import WeakValueDictionary

from mailfax.spool import Spool

SAME_SECONDS = 600.0
REMEMBERED = 10_000


@dataclass(slots=True)
class Viewings:
    """For all visitors together."""

    _seen: dict[tuple[str, str], float] = field(default_factory=dict)
    _locks: WeakValueDictionary[tuple[str, str], asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def pages(self, spool: Spool, queue_id: str, login: str) -> None:
        """Its pages are looked at."""
        key = queue_id, login
        # Many pictures are asked for at once: the others wait until the line is durable.
        async with self._locks.setdefault(key, asyncio.Lock()):
            now = time.monotonic()
            if now - self._seen.get(key, -math.inf) < SAME_SECONDS:
                return
            await spool.shown.viewed(queue_id, "its pages", login)
            self._seen.pop(key, None)
            self._seen[key] = now
            if len(self._seen) > REMEMBERED:
                del self._seen[next(iter(self._seen))]

    async def download(self, spool: Spool, queue_id: str, login: str) -> None:
        """It is downloaded."""
        await spool.shown.viewed(queue_id, "downloaded", login)
