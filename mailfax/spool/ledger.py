"""The ledger of fax ids: each once per account, with whom it belongs to. No fax is ever counted for two jobs.

In: ids as FaxCore lists them, up to 50,000 at once. Out: those we don't know yet. ``spool.ledger``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mailfax.rules.job import Letter
from mailfax.spool.commits import Commit, Hits, Outdated, Statement
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox
from mailfax.spool.rows import history

#: How many ids one question carries: PostgreSQL and SQLite both plan it well.
CHUNK: Final = 500


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """One fax id. ``kind``: baseline, foreign, job or inbound; ``owner``: the queue ID of a job or received fax."""

    account: str
    fax_id: str
    kind: str
    owner: str
    noted_at: float


class Ledger:
    """``spool.ledger``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox

    async def baseline(self, account: str, ids: Sequence[str]) -> bool:
        """Note what was there when we first met the account, once. False where that was done already."""
        guard = Statement("account_baseline", {"name": account}, Hits.ONE)
        try:
            line = history(account, "baseline", "", f"{len(ids)} ids were there before us")
            await self._engine.commit(Commit("baseline", (guard, _entries(account, ids, "baseline"), line)))
        except Outdated:
            return False
        return True

    async def foreign(self, account: str, ids: Sequence[str], *, letters: Sequence[Letter] = ()) -> None:
        """Note faxes that are surely not of any job, so that nobody looks into them again, with the letters that this
        owes: nothing where all of them were known already."""
        statement = _entries(account, ids, "foreign", Hits.SOME)
        with contextlib.suppress(Outdated):
            async with self._outbox.sealed(letters) as owed:
                await self._engine.commit(Commit("foreign-noted", (statement, *owed), CLASHES))

    async def unknown(self, account: str, ids: Sequence[str]) -> list[str]:
        """Those that the ledger doesn't have, in their order, each once."""
        asked = list(dict.fromkeys(ids))
        known: set[str] = set()
        for start in range(0, len(asked), CHUNK):
            part = tuple(asked[start : start + CHUNK])
            [rows] = await self._engine.read(("ledger_known", {"account": account, "fax_ids": part}))
            known.update(row["fax_id"] for row in rows)
        return [fax_id for fax_id in asked if fax_id not in known]

    async def find(self, account: str, fax_id: str) -> LedgerEntry | None:
        [rows] = await self._engine.read(("ledger_find", {"account": account, "fax_id": fax_id}))
        return LedgerEntry(**{key: rows[0][key] for key in rows[0].keys()}) if rows else None  # noqa: SIM118


def _entries(account: str, ids: Sequence[str], kind: str, hits: Hits = Hits.ANY) -> Statement:
    rows = tuple({"account": account, "fax_id": fax_id, "kind": kind, "owner": ""} for fax_id in ids)
    return Statement("ledger_add", rows, hits)
