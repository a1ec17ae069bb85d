"""A person wants a received fax once more: its pages are here, and new letters bring them where the routes say now.

The wish is a state (``mailfax resend``), so that it outlives everybody; the new letters have Message-IDs of their own
and enter the spool with the end of that state. A junk fax goes where it had gone if it were none.

LIMITS: of a fax that was brought as PDF and as TIFF the first one is here, and comes again.
"""

from __future__ import annotations

import asyncio
import logging
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mailfax import letters, maillog
from mailfax.config import Account, Received
from mailfax.context import Context, Worker
from mailfax.letters import Arrival
from mailfax.onramp.bring import bring
from mailfax.onramp.fetch import as_brought
from mailfax.render import Renderer
from mailfax.rules.caller import Contacts
from mailfax.rules.job import InboundFax
from mailfax.rules.routing import Call, Routing
from mailfax.rules.states import InboundEvent
from mailfax.spool import ContentDamaged, Outdated

log = logging.getLogger(__name__)


class BringAgain(Worker):
    """Of all accounts, one pass a round. ``is_sandbox`` says whether an account's service is one."""

    news = ("inbound-resend",)

    def __init__(
        self,
        context: Context,
        accounts: Sequence[Account],
        renderer: Renderer,
        *,
        routing: Routing,
        contacts: Contacts,
        look: Received,
        is_sandbox: Callable[[str], bool],
    ) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._accounts, self._renderer = {account.name: account for account in accounts}, renderer
        self._routing, self._contacts, self._look = routing, contacts, look
        self._is_sandbox = is_sandbox

    async def round(self) -> bool:
        """Bring those that are wanted; whether any was brought. One that can't be now waits, and stops no other."""
        brought = 0
        for fax in await self._spool.inbound.again():
            if fax.account not in self._accounts:
                continue  # it waits for its account to be there again: who reads its faxes stands there
            try:
                await self._bring(fax)
                brought += 1
            except Outdated:
                continue
            except Exception:
                log.exception("received fax %s could not be sent again", fax.queue_id)
        return bool(brought)

    async def _bring(self, fax: InboundFax) -> None:
        try:
            with tempfile.TemporaryDirectory(prefix="mailfax-") as folder:
                async with self._spool.content.file(fax.content_id) as kept:
                    pages = Path(folder) / "fax"
                    await asyncio.to_thread(pages.symlink_to, kept)
                    await self._owe(fax, pages)
        except ContentDamaged as damaged:
            lost = fax.after(InboundEvent.CONTENT_LOST, next_attempt_at=self._spool.now(), problem=str(damaged))
            event = InboundEvent.CONTENT_LOST
            maillog.fax_not_stored(await self._spool.inbound.advance(fax, lost, event), str(damaged))

    async def _owe(self, fax: InboundFax, pages: Path) -> None:
        routed = self._routing.to(Call(fax.account, fax.caller, fax.listed_at), even_junk=True)
        with await asyncio.to_thread(pages.open, "rb") as file:
            form = letters.PDF if file.read(4) == b"%PDF" else letters.TIFF
        account = self._accounts[fax.account]
        brought = await as_brought(self._renderer, account, [(form, pages)], pages.parent)
        arrival = Arrival(
            number=account.username,
            announced_pages=None,
            forms=tuple(form for form, _ in brought.files),
            route=routed.why,
            caller_name=self._contacts.name_of(fax.caller),
            look=self._look,
            picture=brought.picture,
            answers_to=self._contacts.answers_to(fax.caller),
            locked=brought.locked,
            sandbox=self._is_sandbox(fax.account),
        )
        files = [path for _, path in brought.files]
        owed = await asyncio.to_thread(bring, self._site, fax, arrival, self._marks, files, to=routed.to)
        again, detail = fax.after(InboundEvent.BROUGHT), f"by {routed.why}"
        again = await self._spool.inbound.advance(fax, again, InboundEvent.BROUGHT, detail=detail, letters=owed)
        maillog.fax_stored(again)
