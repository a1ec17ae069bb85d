"""Damaged rows: which were moved aside, what is still known of them, and that they were answered. ``spool.damage``.

In: rows with ``damaged = 1`` (``rows.move_aside``). Out: ``Damaged`` values; ``told`` commits the letters about them
and ends the rows (``damaged = 2``). Nothing in a damaged row is believed but what it is called: what became of it
stands in the history, which is never changed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from mailfax.rules.job import Letter
from mailfax.rules.states import INBOUND, InboundState, JobState
from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox
from mailfax.spool.rows import history

TABLES: Final = ("document", "inbound", "job", "letter")


@dataclass(frozen=True, slots=True)
class Damaged:
    """One row. ``name`` is the queue ID of a job or a received fax, of a mail for its document, a letter's ID.

    ``state`` is the last one that history knows, ``tried`` whether a document may ever have left us; the others are
    the row's own texts, or "" where there is none: an account, an address (recipients of a letter), the mail.
    """

    table: str
    key: tuple[str, ...]
    name: str
    state: str
    tried: bool
    account: str
    address: str
    message: str
    owed: bool = False  #: it had ended, and nobody was told so yet

    @property
    def is_lost(self) -> bool:
        """A received fax that has to be fetched again."""
        return self.table == "inbound" and self.state not in (InboundState.STORED, InboundState.JUNK)


class Damage:
    """``spool.damage``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox

    async def untold(self) -> list[Damaged]:
        """Rows that were moved aside and that nobody has heard of, up to 100 of each table."""
        found = await self._engine.read(*((f"{table}_damaged", {}) for table in TABLES))
        return [_damaged(table, row) for table, rows in zip(TABLES, found, strict=True) for row in rows]

    async def told(self, rows: Iterable[tuple[Damaged, JobState | None]], letters: Sequence[Letter]) -> None:
        """Their letters are owed; a job has the end that its sender is told. Raises ``Outdated``."""
        statements: list[Statement] = []
        for row, end in rows:
            values: dict[str, Any] = dict(zip(_KEYS[row.table], row.key, strict=True))
            if row.table == "job":
                values["state"] = end.value if end else row.state
            if row.is_lost:
                values["state"] = INBOUND.start.value
            name = "inbound_anew" if row.is_lost else f"{row.table}_told"
            detail = "fetched again" if row.is_lost else ""
            statements += [
                Statement(name, values, Hits.ONE),
                history(row.name, "damage told", end.value if end else row.state, detail),
            ]
            if row.table == "job":
                statements.append(Statement("document_unneeded", {"message": row.message}))
                statements.append(Statement("report_told", {"queue_id": row.name}))
                statements.append(Statement("outcome_told", {"queue_id": row.name}))
        async with self._outbox.sealed(letters) as owed:
            await self._engine.commit(Commit("damage-told", (*statements, *owed), CLASHES))


_KEYS: Final = {
    "document": ("message",),
    "inbound": ("account", "fax_id"),
    "job": ("queue_id",),
    "letter": ("letter_id",),
}


def _damaged(table: str, row: Any) -> Damaged:
    key = tuple(str(row[column]) for column in _KEYS[table])
    return Damaged(
        table,
        key,
        _text(row["name"]) or key[-1],
        _text(row["last_state"]),
        bool(row["tried"]),
        _text(row["account"]),
        _text(row["address"]),
        _text(row["message"]),
        table == "job" and bool(row["owed"]),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
