"""One notification for the faxes of one message: for all that have ended by the time that it is due. Of a fax alone,
or the last one of several, that is at once.

In: outcomes that nobody was told of (``spool.reports``). Out: the letter, in one commit with the end of their rows: a
crash before it leaves all as it was, and of two processes that write the same one, the second finds nothing to do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Set
from contextlib import suppress

from mailfax.context import Context, Worker
from mailfax.offramp.ending import Ending
from mailfax.spool import Outdated

#: So many are written at once: each may wait for its picture.
AT_ONCE = 8


class Report(Worker):
    """Writes reports, all that are due of a few messages a round."""

    news = ("report_owe",)

    def __init__(self, context: Context, ending: Ending) -> None:
        self._spool, self._ending = context.spool, ending

    async def round(self) -> bool:
        """Write some; False if none was due."""
        due = await self._spool.reports.due(AT_ONCE)
        if not due:
            self.next_at = await self._spool.reports.next_at()
            return False
        written = (self._write(message, owed) for message, owed in due.items())
        for came in await asyncio.gather(*written, return_exceptions=True):
            if isinstance(came, BaseException):
                raise came
        return True

    async def _write(self, message: str, owed: Set[str]) -> None:
        jobs = await self._spool.jobs.of(message)
        ended = [job for job in jobs if job.queue_id in owed]
        open_faxes = sum(not job.final and not job.preview for job in jobs)
        # A preview is answered by itself: it is no fax.
        groups = [[job] for job in ended if job.preview]
        groups += [faxes] if (faxes := [job for job in ended if not job.preview]) else []
        for group in groups:  # none where all of them are damaged: they are told of as such
            letters = await self._ending.letters(group, open_faxes=0 if group[0].preview else open_faxes)
            with suppress(Outdated):  # another process was first
                await self._spool.reports.told(group, letters)
