"""Faxes that failed at the service and did not come from us: whoever owns the account hears of each, once.

In: the ids in the Failed folder, as ``onramp`` lists it now and then. Out: letters, each in one commit with the note
that the fax is foreign, by which nobody looks into it again. What lay there when the account was met is baseline.

LIMITS: nothing is told while the fate of one of our own faxes is not known, since the failed one may be it; a foreign
fax that was met before it failed, in a search for one of ours, is known by then and not told.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from mailfax import letters
from mailfax.config import Account
from mailfax.config.targets import mailboxes
from mailfax.context import Context
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import NotKnown, Unreadable
from mailfax.faxcore.values import FaxDetails
from mailfax.rules.reference import references_in
from mailfax.spool import Outdated

#: Told of in one pass; the others in the next.
MOST = 20


class ForeignFailures:
    """Of one account."""

    def __init__(self, context: Context, client: FaxCore, account: Account) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._client, self._account = client, account

    async def look(self, failed: Sequence[str]) -> None:
        """Tell of those that nobody knows; raises ``NotRead`` or ``AccountTrouble``."""
        name = self._account.name
        unknown = await self._spool.ledger.unknown(name, failed)
        # Asked behind the list: an attempt that made one of these has its id by now, or is one of those.
        if not unknown or await self._spool.jobs.tried(name):
            return
        for fax_id in unknown[:MOST]:
            try:
                details = await self._client.fax_details(fax_id)
            except NotKnown:  # deleted since
                await self._spool.ledger.foreign(name, (fax_id,))
                continue
            except Unreadable:  # asked again with the next list; the others are told of
                continue
            with contextlib.suppress(Outdated):
                await self._note(details)

    async def _note(self, details: FaxDetails) -> None:
        name = self._account.name
        ours = [
            job
            for reference in references_in(details.subject)
            for job in await self._spool.jobs.by_reference(name, reference)
        ]
        sandbox = self._client.observed.is_sandbox
        owed = [
            letters.failed_elsewhere(
                self._site,
                self._marks(),
                to=reader,
                account=name,
                fax_id=details.fax_id,
                number=details.number,
                subject=details.subject,
                said=details.status,
                at=details.created.timestamp() if details.created else None,
                sandbox=sandbox,
            )
            for reader in mailboxes(self._account.deliver_to) or (self._site.postmaster,)
        ]
        # One of ours has had its answer ("may or may not have been sent"): a second would only confuse.
        await self._spool.ledger.foreign(name, (details.fax_id,), letters=() if ours else owed)
