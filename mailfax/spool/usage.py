"""What was used of each payer's quota and of the site's ceiling, in buckets of an hour; a day is the last 24 of them.

In: who pays, and the limits. Out: statements for the commits that use something up: "accept" counts faxes,
"document-ready" pages. Each is its own guard, so that two mails never share the last fax of a day. ``spool.usage``.

LIMITS: an hour counts as a whole, so that a day is between 23 and 24 hours long. What was used stays used: a fax that
fails later is not given back.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import Final

from mailfax.rules.job import Document, Letter, Message
from mailfax.spool.commits import CeilingReached, Commit, Hits, Outdated, PagesUsedUp, QuotaUsedUp, Statement
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox

HOUR: Final = 3600
#: The payer of everything.
SITE: Final = ""


class Usage:
    """``spool.usage``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox

    def faxes(self, message: Message, faxes: int, ceiling: int) -> list[Statement]:
        """For the commit that accepts ``faxes`` of a message. ``ceiling``: what the site may send in a day, or 0.

        They miss with ``CeilingReached`` or ``QuotaUsedUp``. Without a limit there is nothing to count.
        """
        hour = self._hour()
        statements = []
        if faxes and ceiling:
            site = {"payer": SITE, "hour": hour, "faxes": faxes, "faxes_per_day": ceiling, "pages_per_day": 0}
            statements.append(Statement("spent_faxes", site, Hits.ONE, CeilingReached))
        if faxes and (message.faxes_per_day or message.pages_per_day):
            own = {
                "payer": message.payer,
                "hour": hour,
                "faxes": faxes,
                "faxes_per_day": message.faxes_per_day,
                "pages_per_day": message.pages_per_day,
            }
            statements.append(Statement("spent_faxes", own, Hits.ONE, QuotaUsedUp))
        return statements

    def pages(self, message: Message, document: Document) -> list[Statement]:
        """For the commit that makes its document ready: pages for each job that waits. Misses: ``PagesUsedUp``."""
        if not message.pages_per_day:
            return []
        values = {
            "payer": message.payer,
            "hour": self._hour(),
            "message": message.queue_id,
            "pages": document.pages or 0,
            "pages_per_day": message.pages_per_day,
        }
        return [Statement("spent_pages", values, Hits.ONE, PagesUsedUp)]

    async def of(self, payer: str) -> tuple[int, int]:
        """Faxes and pages that a payer has used in the last 24 hours; ``SITE`` has no pages."""
        [[row]] = await self._engine.read(("spent_sum", {"payer": payer, "hour": self._hour()}))
        return row["faxes"], row["pages"]

    async def ceiling_reached(self, letters: Sequence[Letter]) -> bool:
        """Tell the postmaster, once a day; False where that was done already."""
        told = Statement("alarm_tell", {"what": "ceiling"}, Hits.ONE)
        try:
            async with self._outbox.sealed(letters) as owed:
                await self._engine.commit(Commit("ceiling-reached", (told, *owed), CLASHES))
        except Outdated:
            return False
        return True

    async def sweep(self) -> None:
        """Forget hours that count for nothing any more."""
        old = Statement("spent_sweep", {"hour": self._hour()}, Hits.SOME)
        with contextlib.suppress(Outdated):
            await self._engine.commit(Commit("swept", (old,)))

    def _hour(self) -> int:
        return int(self._engine.clock() // HOUR)
