"""What has ended is deleted after a while: its content first, its records later; what a person keeps stays.

In: how many days each kind is kept. Out: how much went. A little in each commit, so that nobody waits for one; each
commit decides by what it finds, so whatever moved on in between is left alone. Content goes only where nothing refers
to it any more. What has not ended is never deleted, whatever its age. ``spool.retention``.

Left of a deleted fax are its fax id in the ledger (nothing is fetched, or taken for somebody else's, a second time),
and the hashes of its lines of history, with a line that says which they were (``seals.py``).

LIMITS: a wrong clock deletes too early: after a leap, and in the first hour of a process, nothing is deleted.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailfax.clock import WAIT_AFTER_LEAP, SteadyClock
from mailfax.config import RetentionConfig
from mailfax.spool.commits import Commit, Hits, Outdated, Statement
from mailfax.spool.content import Contents
from mailfax.spool.engine import Engine
from mailfax.spool.rows import history

DAY: Final = 86_400.0
#: Rows that one commit deletes, about.
BATCH: Final = 100

#: Which kinds of notifications go with what; ``letters`` has no others.
LETTERS: Final = {
    "sent": ("delivered", "failed", "cancelled", "unconfirmed", "mixed", "delayed", "preview", "outcome"),
    "received": ("received",),
    "postmaster": ("alarm", "forward"),
    "junk": (),
}
_FAXES: Final = {"sent": ("message",), "received": ("inbound",), "postmaster": (), "junk": ("junk",)}
#: Rows that are asked for by a name of their own.
_TABLE: Final = {"junk": "inbound"}
#: What is deleted with the records of each table, and how: in this order, the first is the guard.
RECORD: Final = {
    "message": ("mark", "told", "history", "jobs", "document", "gone"),
    "inbound": ("gone", "told", "history"),
    "letter": ("gone", "told", "history"),
}


@dataclass(frozen=True, slots=True)
class Deleted:
    """How many mails, received faxes and notifications lost their content, and how many their records."""

    contents: int = 0
    records: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """Never deleted: the queue ID of a mail, a received fax or a notification, an address, or a whole @domain."""

    what: str
    kept_at: float


class Retention:
    """``spool.retention``."""

    def __init__(self, engine: Engine, contents: Contents) -> None:
        self._engine, self._contents = engine, contents
        self._clock = SteadyClock(engine.clock, settle_seconds=WAIT_AFTER_LEAP)

    async def apply(self, config: RetentionConfig, *, by_person: bool = False) -> Deleted:
        """Delete what is older than ``config`` says; nothing while the clock may be wrong, unless ``by_person``."""
        if not (self._clock.is_steady() or by_person):
            return Deleted()
        contents = records = 0
        for direction, kinds in LETTERS.items():
            content_days, record_days = config.of(direction)
            now = self._engine.clock()
            for rows, kind in (*((faxes, "") for faxes in _FAXES[direction]), *(("letter", kind) for kind in kinds)):
                if content_days:
                    contents += await self._pass(rows, "content", kind, now - content_days * DAY)
                if record_days:
                    records += await self._pass(rows, "record", kind, now - record_days * DAY)
        if contents or records:
            await self._engine.give_back()
        return Deleted(contents, records)

    async def purge(self, table: str, queue_ids: Sequence[str]) -> int:
        """Delete the content of these now, "message", "inbound" or "letter", if they have ended and nobody keeps
        them: how many."""
        [rows] = await self._engine.read((f"{table}_contents", {"ids": tuple(queue_ids)}))
        purged = await self._delete(table, "content", rows, math.inf) if rows else 0
        if purged:
            await self._engine.give_back()
        return purged

    async def keep(self, what: str) -> bool:
        """Never delete it; False where that was so already."""
        return await self._person("kept", "kept_add", what)

    async def release(self, what: str) -> bool:
        """Delete it in its time, as any other; False where it was not kept."""
        return await self._person("kept-released", "kept_remove", what)

    async def kept(self) -> list[Kept]:
        [rows] = await self._engine.read(("kept_list", {}))
        return [Kept(row["what"], row["kept_at"]) for row in rows]

    async def _person(self, commit: str, statement: str, what: str) -> bool:
        line = history(what, commit.replace("kept-released", "no longer kept"), "", "by a person")
        try:
            await self._engine.commit(Commit(commit, (Statement(statement, {"what": what}, Hits.ONE), line)))
        except Outdated:
            return False
        return True

    async def _pass(self, meant: str, part: str, kind: str, before: float) -> int:
        """All that is old enough, oldest first: how many went."""
        behind: dict[str, Any] = {"at": 0.0, "id": ""}
        wanted = {"before": before, "limit": BATCH, **({"kind": kind} if kind else {})}
        deleted = 0
        while True:
            [rows] = await self._engine.read((f"{meant}_{part}_old", wanted | behind))
            if not rows:
                return deleted
            batch, weight = [], 0
            for row in rows:
                batch.append(row)
                weight += row["weight"]
                if weight >= BATCH:
                    break
            deleted += await self._delete(_TABLE.get(meant, meant), part, batch, before)
            behind = {"at": batch[-1]["at"], "id": batch[-1]["id"]}

    async def _delete(self, table: str, part: str, rows: Sequence[Any], before: float) -> int:
        values = {"ids": tuple(row["id"] for row in rows), "before": before}
        if part == "record":
            first, *others = (Statement(f"{table}_record_{step}", values) for step in RECORD[table])
        else:
            ids = {row["content_id"] for row in rows} | {row["more"] for row in rows if row["more"]}
            first = Statement(f"{table}_content_gone", values)
            others = [Statement("document_content_gone", values)] if table == "message" else []
            others.append(Statement("content_delete", {"content_ids": tuple(sorted(ids))}))
        guard = Statement(first.name, first.values, Hits.SOME)
        try:
            results = await self._engine.commit(Commit(f"{part}s-deleted", (guard, *others)))
        except Outdated:
            return 0  # all of them moved on, or are kept
        if part == "content":
            await self._contents.large.remove([row["content_id"] for row in results[-1].rows if row["large"]])
        return results[0].hits
