"""Who proves the author of a mail on a listener with ``proof = "dmarc"``: a relay that we believe, or we ourselves.

In: the configuration, and, mail by mail, client, sender, header block and content. Out: ``Proven``, always: what
can't be found out proves nothing.

STANDARDS: RFC 7489 with RFC 7208 (SPF) and RFC 6376 (DKIM), checked here; RFC 8601 (what a relay tells).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from mailfax.config import Config, ConfigError
from mailfax.proof.author import Unproven, read_author, read_fields
from mailfax.proof.told import judge_told
from mailfax.rules.envelope import Client, Proven

if TYPE_CHECKING:
    from mailfax.proof.here import Content, Here
    from mailfax.proof.questions import Lookup

#: A client waits ten minutes for the answer to its data (RFC 5321 4.5.3.2.6); nobody's DNS is worth more than this.
SECONDS = 15.0


class Prover:
    """``prove`` is what SMTP asks. Raises ``ConfigError`` where mail must be checked here and can't be."""

    def __init__(
        self,
        config: Config,
        *,
        lookup: Lookup | None = None,
        now: Callable[[], float] = time.time,
        seconds: float = SECONDS,
    ) -> None:
        self._authserv_ids = {each.name: each.authserv_id for each in config.listeners if each.proof == "dmarc"}
        self._here: Here | None = None
        unaided = [name for name, authserv_id in self._authserv_ids.items() if not authserv_id]
        if unaided:
            self._here = _equip(f"{config.source.name}: [listener {unaided[0]}] proof", lookup, now, seconds)

    def close(self) -> None:
        """No more checks."""
        if self._here is not None:
            self._here.close()

    async def prove(self, client: Client, sender: str, header_block: bytes, content: Content) -> Proven:
        """What proves the author of a mail that has come in whole. ``header_block`` is as the client sent it."""
        found = await self._find_out(client, sender, header_block, content)
        return Proven("", found.why, found.temporary) if isinstance(found, Unproven) else found

    async def _find_out(
        self, client: Client, sender: str, header_block: bytes, content: Content
    ) -> Proven | Unproven:
        fields = read_fields(header_block)
        if isinstance(fields, Unproven):
            return fields
        author = read_author(fields)
        if isinstance(author, Unproven):
            return author
        authserv_id = self._authserv_ids.get(client.listener)
        if authserv_id:
            if client.relayed:
                return judge_told(fields, authserv_id, author)
            return Unproven("it did not come through the relay that is believed here")
        if self._here is None:
            return Unproven(f"listener {client.listener} proves no authors")
        return await self._here.check(client, sender, author, fields, header_block, content)


def _equip(place: str, lookup: Lookup | None, now: Callable[[], float], seconds: float) -> Here:
    """What checks here, loaded only where it is wanted."""
    from mailfax.proof.here import Here
    from mailfax.proof.questions import NoResolver, by_resolver

    try:
        return Here(lookup or by_resolver(), now=now, seconds=seconds)
    except NoResolver as trouble:
        raise ConfigError(f'{place}: "dmarc" without authserv_id asks the DNS, and {trouble}') from trouble
