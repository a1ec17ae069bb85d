"""What is in a spool, read and changed behind its back, on either engine."""

from __future__ import annotations

import contextlib
import itertools
import os
import re
import sqlite3
from pathlib import Path
from typing import Any

import asyncpg

from mailfax.spool import Spool
from mailfax.spool.files import file_path


class Database:
    """The spool of ``url``; ``folder`` is that of the configuration."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url, self._folder = url, folder

    async def run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """One statement, with "?" where a value belongs; its rows."""
        if self._url.startswith("sqlite:"):
            with contextlib.closing(sqlite3.connect(self._folder / "spool.db", timeout=30)) as file, file:
                return file.execute(sql, values).fetchall()
        numbers = itertools.count(1)
        connection = await asyncpg.connect(self._url)
        try:
            rows = await connection.fetch(re.sub(r"\?", lambda _: f"${next(numbers)}", sql), *values)
            return [tuple(row) for row in rows]
        finally:
            await connection.close()

    async def large(self) -> int:
        """How many large contents there are."""
        if self._url.startswith("sqlite:"):
            return len(list((self._folder / "content").glob("*/*")))
        [(number,)] = await self.run("SELECT COUNT(DISTINCT content_id) FROM chunk")
        return int(number)

    async def large_left(self, spool: Spool) -> int:
        """How many stay. On PostgreSQL what failed is swept, and on SQLite it is gone at once."""
        if self._url.startswith("postgresql:"):
            await self.age_large()
            await spool.sweep()
        return await self.large()

    async def age_large(self) -> None:
        """Large contents have not been touched for long."""
        for path in (self._folder / "content").glob("*/*"):
            os.utime(path, (0, 0))
        if self._url.startswith("postgresql:"):
            await self.run("UPDATE chunk SET made_at = 0")

    async def lose(self, content_id: str) -> None:
        """The bytes of a large content."""
        if self._url.startswith("sqlite:"):
            file_path(self._folder / "content", content_id).unlink()
        else:
            await self.run("DELETE FROM chunk WHERE content_id = ?", content_id)

    async def change(self, content_id: str, data: bytes) -> None:
        """The bytes of a content, wherever they are."""
        path = file_path(self._folder / "content", content_id)
        if path.exists():
            path.write_bytes(data)
            return
        inline = "UPDATE content SET bytes = ? WHERE content_id = ? AND bytes IS NOT NULL RETURNING 1"
        if not await self.run(inline, data, content_id):
            await self.run("UPDATE chunk SET bytes = ? WHERE content_id = ?", data, content_id)
