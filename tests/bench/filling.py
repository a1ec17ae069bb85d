"""A spool that is full: rows are copied as they are, whatever columns they have, each copy with names of its own."""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import asyncpg

from mailfax.spool.moving import move
from mailfax.spool.server import Server
from tests.support.site import Site

#: Columns that name a row or point to one.
NAMES = frozenset({"queue_id", "message", "reference", "letter_id", "claim", "about"})


def spool_of(site: Site) -> Path:
    return site.folder / "spool.db"


@contextlib.contextmanager
def opened(file: Path) -> Iterator[sqlite3.Connection]:
    """The database beside the bridge; what is done in the block is committed at its end."""
    with closing(sqlite3.connect(file, timeout=30)) as database, database:
        yield database


def copies(file: Path, table: str, which: str, number: int) -> None:
    """So many copies of the row that ``which`` finds."""
    with opened(file) as database:
        columns = [name for _, name, *_ in database.execute(f"PRAGMA table_info({table})") if name != "seq"]
        values = ", ".join(_copied(name) for name in columns)
        database.execute(
            f"WITH RECURSIVE counted(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM counted WHERE n < {number}) "
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM counted, "
            f"(SELECT * FROM {table} WHERE {which} LIMIT 1)"
        )


def move_to(site: Site, url: str) -> None:
    """Move the spool of a bridge that has stopped into the database of a PostgreSQL server, as ``mailfax migrate``
    does; what autovacuum would learn of it in the next minutes, it learns now."""
    if url.startswith("sqlite:"):
        return

    async def moved() -> None:
        assert await move(site.settings["spool"], site.folder, Server(url), lambda step: None, time.time()) == []
        connection = await asyncpg.connect(url)
        try:
            await connection.execute("VACUUM ANALYZE", timeout=600)
        finally:
            await connection.close()

    asyncio.run(moved())
    site.settings["spool"] = url


def _copied(column: str) -> str:
    """The column of copy ``n``: names get the number before their first dash, so that jobs keep their "-1". The fax
    service knows the first one's id alone: copies have it, too."""
    if column not in NAMES:
        return column
    dash = f"instr({column} || '-', '-')"
    return f"substr({column}, 1, {dash} - 1) || '/' || n || substr({column}, {dash})"
