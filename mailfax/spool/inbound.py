"""Received faxes: listed, fetched, and stored together with the letter that carries them.

In: what an Inbox listing showed. Out: faxes to fetch. ``spool.inbound``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from mailfax.rules.job import InboundFax, Letter
from mailfax.rules.states import INBOUND, InboundEvent, InboundState
from mailfax.spool.commits import Commit, Hits, Statement, Values, commit_name
from mailfax.spool.content import Contents
from mailfax.spool.engine import SURELY_NOT, Engine
from mailfax.spool.outbox import CLASHES, Outbox
from mailfax.spool.queue import among
from mailfax.spool.rows import history, inbound_of, inbound_values, readable

#: Of these a site has few: the statement names them too, and has an index of them alone.
OPEN = frozenset(InboundState) - INBOUND.final


class Inbound:
    """``spool.inbound``."""

    def __init__(self, engine: Engine, contents: Contents, outbox: Outbox) -> None:
        self._engine, self._contents, self._outbox = engine, contents, outbox

    async def listed(self, account: str, faxes: Sequence[InboundFax]) -> int:
        """Enter LISTED faxes with their ids into the ledger; those known already are left out. How many were new."""
        rows = tuple(
            inbound_values(fax) | {"kind": "inbound", "owner": fax.queue_id}
            for fax in faxes
            if fax.account == account
        )
        results = await self._engine.commit(
            Commit(
                "inbound-listed",
                (
                    Statement("account_listed", {"name": account}, Hits.ONE),
                    Statement("ledger_add", rows),
                    Statement("inbound_add_history", rows),
                    Statement("inbound_add", rows),
                ),
            )
        )
        return results[-1].hits

    async def due(self, account: str, limit: int = 50) -> list[InboundFax]:
        """Faxes to fetch now: LISTED, and UNREADABLE ones to try again."""
        return await self._read("inbound_due", {"account": account, "limit": limit})

    async def again(self, limit: int = 20) -> list[InboundFax]:
        """Those that a person wants brought once more, of all accounts, oldest first."""
        return await self._read("inbound_again", {"limit": limit})

    async def advance(
        self,
        was: InboundFax,
        now_is: InboundFax,
        event: InboundEvent,
        *,
        detail: str = "",
        content: bytes | Path | None = None,
        letters: Sequence[Letter] = (),
    ) -> InboundFax:
        """Store ``now_is = was.after(event, …)``, with its pages and the letters that this owes.

        Raises ``Outdated``, ``OSError``, ``NotCommitted``.
        """
        grown, sealed = None, None
        if content is not None:
            grown, sealed = await self._contents.seal(content)
            now_is = replace(now_is, content_id=sealed.content_id)
        guard = Statement(
            "inbound_change",
            inbound_values(now_is) | {"was_state": was.state.value, "was_version": was.version},
            Hits.ONE,
        )
        line = history(was.queue_id or was.fax_id, event.value, now_is.state, detail)
        pages = (sealed.statement(),) if sealed else ()
        try:
            async with self._outbox.sealed(letters) as owed:
                await self._engine.commit(
                    Commit(commit_name(event, "inbound-"), (guard, line, *pages, *owed), CLASHES)
                )
        except SURELY_NOT:
            if grown:
                grown.discard()
            raise
        return replace(now_is, version=was.version + 1)

    async def get(self, account: str, fax_id: str) -> InboundFax | None:
        faxes = await self._read("inbound_get", {"account": account, "fax_id": fax_id})
        return faxes[0] if faxes else None

    async def last_at(self, account: str) -> float:
        """When its newest fax was first seen; 0.0 where there is none."""
        [rows] = await self._engine.read(("inbound_last", {"account": account}))
        return float(rows[0]["listed_at"]) if rows else 0.0

    async def habit(self, account: str, since: float) -> tuple[int, float]:
        """How many of its faxes were first seen since then, and the longest time between two, in seconds."""
        [rows] = await self._engine.read(("inbound_habit", {"account": account, "since": since}))
        return int(rows[0]["faxes"]), float(rows[0]["longest"] or 0.0)

    async def listing(
        self,
        *,
        states: Sequence[InboundState] | None = None,
        accounts: tuple[str, ...] | None = None,
        limit: int = 100,
        offset: int = 0,
    ) -> list[InboundFax]:
        """Newest first; with ``accounts`` of these alone."""
        meant = frozenset(InboundState if states is None else states)
        question = "inbound_open" if meant <= OPEN else "inbound_newest"
        words = tuple(state.value for state in meant)
        return await self._read(question, {"states": words, **among(accounts), "limit": limit, "offset": offset})

    async def _read(self, name: str, values: Values) -> list[InboundFax]:
        [rows] = await self._engine.read((name, values))
        return await readable(self._engine, "inbound", inbound_of, rows)
