"""A spool moves from its SQLite file into a PostgreSQL database, whole or not at all.

In: the file of a spool that nobody uses, and an empty database. Out: everything in the database, in one transaction;
then the file is set aside under another name, so that no bridge goes on with it and faxes what the other has faxed.

LIMITS: a text in a column of numbers, which only SQLite takes, becomes 0, and its row a damaged one.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncGenerator, Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from mailfax.spool.connection import alone, spool_path
from mailfax.spool.engine import SpoolRefused
from mailfax.spool.files import file_path
from mailfax.spool.large import BLOCK_BYTES, ContentDamaged, blocks_of
from mailfax.spool.mark import mark_of
from mailfax.spool.server import Connection, Server, reason

#: In an order in which each row finds those that it refers to.
TABLES: Final = (
    *(
        "content",
        "message",
        "document",
        "job",
        "report",
        "outcome_owed",
        "account",
        "fax_id",
        "inbound",
        "letter",
        "history",
    ),
    *("unheard", "spent", "alarm", "process", "recovery", "kept", "bearer", "seal"),
)
#: Those whose rows are counted by state.
_COUNTED: Final = ("job", "letter", "inbound", "document")
#: Rows that are read and written together.
BATCH: Final = 1000
#: What the file is called afterwards: its name with this at the end.
MOVED: Final = ".moved"

#: What a type of SQLite takes, and what stands for anything else.
_KINDS: Final[dict[str, tuple[tuple[type, ...], Any]]] = {
    "TEXT": ((str,), ""),
    "DOUBLE PRECISION": ((int, float), 0.0),
    "BIGINT": ((int,), 0),
    "INTEGER": ((int,), 0),
    "BLOB": ((bytes,), b""),
}


@dataclass(frozen=True, slots=True)
class Step:
    """How far it is. ``done`` and ``of`` are rows of a table, or files of large contents."""

    what: str
    done: int
    of: int


async def move(source: str, base: Path, target: Server, told: Callable[[Step], None], now: float) -> list[str]:
    """Move the spool of the URL ``source``, relative to ``base``; what could not be moved, in a sentence each.

    ``told`` hears of each step. Raises ``SpoolRefused`` where nothing was moved.
    """
    path = spool_path(source, base)
    if not path.is_file():
        raise SpoolRefused(f"{path}: there is no spool")
    with alone(path, now) as file:
        connection = await target.open(now)
        try:
            async with connection.transaction():
                await _require_empty(connection, target)
                lost = await _copy(file, path.parent / "content", connection, told)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError) as trouble:
            raise SpoolRefused(f"{target.name}: {reason(trouble)}; the spool is where it was: {path}") from trouble
        finally:
            connection.terminate()
    path.rename(path.with_name(path.name + MOVED))
    mark_of(path).unlink(missing_ok=True)
    return lost


async def _require_empty(connection: Connection, target: Server) -> None:
    for table in ("message", "history", "process"):
        if await connection.fetchval(f"SELECT EXISTS (SELECT 1 FROM {table})"):  # noqa: S608 - a name of ours
            raise SpoolRefused(f"{target.name}: is a spool that was used already; name an empty database")


async def _copy(
    file: sqlite3.Connection, folder: Path, connection: Connection, told: Callable[[Step], None]
) -> list[str]:
    # The triggers would count each row in one that was changed as often in this very transaction: slower each time.
    for table in _COUNTED:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    for table in TABLES:
        [total] = file.execute(f"SELECT COUNT(*) FROM {table}").fetchone()  # noqa: S608 - a name of ours
        told(Step(table, 0, total))
        columns = _columns(file, table)
        done = 0
        for rows in _batches(file, table, columns):
            await connection.copy_records_to_table(table, records=rows, columns=list(columns))
            done += len(rows)
            told(Step(table, done, total))
    for table in _COUNTED:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
        await connection.execute(
            f"INSERT INTO tally (what, state, damaged, n) "  # noqa: S608 - names of ours
            f"SELECT '{table}', state, damaged, COUNT(*) FROM {table} GROUP BY state, damaged"
        )
    next_line = "(SELECT COALESCE(MAX(seq), 0) + 1 FROM history)"
    await connection.execute(f"SELECT setval(pg_get_serial_sequence('history', 'seq'), {next_line}, false)")
    return await _copy_large(file, folder, connection, told)


def _columns(file: sqlite3.Connection, table: str) -> dict[str, tuple[str, bool]]:
    """Name -> type, and whether it must not be NULL."""
    return {
        row["name"]: (row["type"], bool(row["notnull"]))
        for row in file.execute("SELECT * FROM pragma_table_info(?)", (table,))
    }


def _batches(
    file: sqlite3.Connection, table: str, columns: dict[str, tuple[str, bool]]
) -> Iterable[Sequence[tuple[Any, ...]]]:
    cursor = file.execute(f"SELECT {', '.join(columns)} FROM {table}")  # noqa: S608 - names of ours
    places = list(columns)
    damaged = places.index("damaged") if "damaged" in columns else None
    while rows := cursor.fetchmany(BATCH):
        yield [_fitting(row, list(columns.values()), damaged) for row in rows]


def _fitting(row: Sequence[Any], types: Sequence[tuple[str, bool]], damaged: int | None) -> tuple[Any, ...]:
    """The values as PostgreSQL takes them."""
    values: list[Any] = []
    fits = True
    for value, (kind, required) in zip(row, types, strict=True):
        taken, instead = _KINDS[kind]
        if value is None and not required:
            values.append(None)
        elif isinstance(value, taken):
            values.append(value.replace("\0", "\ufffd") if isinstance(value, str) else value)
        else:
            values.append(instead)
            fits = False
    if not fits and damaged is not None:
        values[damaged] = values[damaged] or 1
    return tuple(values)


async def _copy_large(
    file: sqlite3.Connection, folder: Path, connection: Connection, told: Callable[[Step], None]
) -> list[str]:
    """Contents that are files become rows of a megabyte."""
    large = file.execute("SELECT content_id, made_at FROM content WHERE bytes IS NULL").fetchall()
    lost: list[str] = []
    for number, (content_id, made_at) in enumerate(large):
        told(Step("files", number, len(large)))
        try:
            async with contextlib.aclosing(_parts(file_path(folder, content_id), content_id, made_at)) as parts:
                async for part in parts:
                    await connection.copy_records_to_table(
                        "chunk", records=[part], columns=["content_id", "part", "made_at", "bytes"]
                    )
        except ContentDamaged as damaged:
            lost.append(str(damaged))
    told(Step("files", len(large), len(large)))
    return lost


async def _parts(path: Path, content_id: str, made_at: float) -> AsyncGenerator[tuple[str, int, float, bytes], None]:
    blocks, part = blocks_of(path), 0
    while block := await asyncio.to_thread(next, blocks, b""):
        assert len(block) <= BLOCK_BYTES
        yield content_id, part, made_at, block
        part += 1
