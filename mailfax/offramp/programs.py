"""Programs hear how the faxes ended that they, or their senders, sent: each fax by itself, and at once.

In: ends that were owed to a program by their own commit (``spool.reports``). Out: a letter to its webhook, in one
commit with the end of that debt: a crash before it leaves all as it was, and of two processes the second finds
nothing to do. From then on it is kept and handed over as every letter is; a second copy has the same ``webhook-id``.
"""

from __future__ import annotations

import math
from contextlib import suppress

from mailfax import letters
from mailfax.context import Context, Worker
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.spool import Outdated

#: So many in a round.
AT_ONCE = 50


class TellPrograms(Worker):
    """Owes programs what they are to hear of the outcomes of some faxes a round."""

    news = ("outcome_owe",)
    next_at = math.inf

    def __init__(self, context: Context, fax_accounts: FaxAccounts) -> None:
        self._spool, self._marks, self._fax_accounts = context.spool, context.marks, fax_accounts

    async def round(self) -> bool:
        """Owe some; False if nothing was due."""
        told = False
        for queue_id in await self._spool.reports.for_programs(AT_ONCE):
            job = await self._spool.jobs.get(queue_id)
            message = job and await self._spool.intake.message(job.message)
            if not (job and message):
                continue  # moved aside just now: it is told of as such
            sandbox = self._fax_accounts.is_sandbox(job.account)
            letter = letters.for_program(message, job, self._marks(), sandbox=sandbox)
            with suppress(Outdated):  # another process was first
                await self._spool.reports.program_told(job, (letter,))
                told = True
        return told
