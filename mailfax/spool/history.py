"""What happened, one line per event, never changed. Written by every commit; read here. ``spool.history``."""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.spool.engine import Engine


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """One event. ``queue_id`` is that of a message, job, received fax or alarm, or an account's name."""

    seq: int
    at: float
    queue_id: str
    event: str
    state: str
    detail: str


class History:
    """``spool.history``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def of(self, queue_id: str) -> list[HistoryLine]:
        """Oldest first; a message's lines together with those of its jobs."""
        [rows] = await self._engine.read(("history_of", {"queue_id": queue_id}))
        return [HistoryLine(*row) for row in rows]
