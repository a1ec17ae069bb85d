"""Who has seen which fax: a line of its history, durable before the first byte of content leaves.

In: a visitor and a fax. A page has many pictures: one line stands for all that somebody sees of a fax within
``SAME_SECONDS``. A download always has a line of its own.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from mailfax.spool import Spool

SAME_SECONDS = 600.0
REMEMBERED = 10_000


@dataclass(slots=True)
class Viewings:
    """For all visitors together."""

    _seen: dict[tuple[str, str], float] = field(default_factory=dict)

    async def pages(self, spool: Spool, queue_id: str, login: str) -> None:
        """Its pages are looked at."""
        key, now = (queue_id, login), time.monotonic()
        if now - self._seen.get(key, -SAME_SECONDS) < SAME_SECONDS:
            return
        await spool.shown.viewed(queue_id, "its pages", login)
        self._seen.pop(key, None)
        self._seen[key] = now
        if len(self._seen) > REMEMBERED:
            del self._seen[next(iter(self._seen))]

    async def download(self, spool: Spool, queue_id: str, login: str) -> None:
        """It is downloaded."""
        await spool.shown.viewed(queue_id, "downloaded", login)
