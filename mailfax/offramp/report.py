"""One notification for the faxes of one message: for all that have ended by the time that it is due.

In: outcomes that nobody was told of (``spool.reports``). Out: the letter, in one commit with the end of their rows: a
crash before it leaves all as it was, and of two processes that write the same one, the second finds nothing to do.
"""

from __future__ import annotations

from contextlib import suppress

from mailfax.context import Context, Worker
from mailfax.offramp.ending import Ending
from mailfax.spool import Outdated


class Report(Worker):
    """Writes reports, one a round."""

    news = ("report_owe",)

    def __init__(self, context: Context, ending: Ending) -> None:
        self._spool, self._ending = context.spool, ending

    async def round(self) -> bool:
        """Write one report; False if none was due."""
        due = await self._spool.reports.due()
        if due is None:
            self.next_at = await self._spool.reports.next_at()
            return False
        message, owed = due
        jobs = await self._spool.jobs.of(message)
        ended = [job for job in jobs if job.queue_id in owed]
        if ended:  # else all of them are damaged, and told of as such
            open_faxes = sum(not job.final and not job.preview for job in jobs)
            letters = await self._ending.letters(ended, open_faxes=open_faxes)
            with suppress(Outdated):  # another process was first
                await self._spool.reports.told(ended, letters)
        return True
