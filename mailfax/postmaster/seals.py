"""The history gets its seals, and the log has each: whoever keeps the log elsewhere can prove the history by it.

In: lines of the history. Out: seals (``spool/seals.py``), and a line of the log for each.
"""

from __future__ import annotations

import logging

from mailfax.context import Context, Worker
from mailfax.spool import BATCH

log = logging.getLogger(__name__)

#: Between two seals, in seconds.
SEAL_EVERY = 60.0


class SealHistory(Worker):
    """Seals the history, once a minute"""

    def __init__(self, context: Context) -> None:
        self._spool, self._elapsed = context.spool, context.elapsed
        self._seal_at = 0.0

    async def round(self) -> bool:
        """Seal what is new; whether more waits."""
        now = self._elapsed()
        if now < self._seal_at:
            return False
        seal = await self._spool.seals.add()
        if seal is not None:
            log.info("the history is sealed up to line %d: seal %s", seal.last_seq, seal.name)
            if seal.lines == BATCH:
                return True
        self._seal_at = now + SEAL_EVERY
        return False
