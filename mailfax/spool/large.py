"""Where contents are that are too large for their row: files beside SQLite, rows of a megabyte each on PostgreSQL.

In: a content that has grown. Out: its bytes, block by block. Either way they are durable before the row that makes
them count commits, and those that no row counts on are swept an hour later.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import os
import tempfile
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, Protocol

from mailfax.spool.commits import Commit, Hits, Outdated, Statement, Values
from mailfax.spool.engine import Engine
from mailfax.spool.files import GrowingFile, NamedFile, file_path
from mailfax.spool.growing import Content
from mailfax.spool.sweep import ORPHAN_SECONDS, remove_files, sweep_orphans

if TYPE_CHECKING:
    from mailfax.spool.postgresql import PostgresqlEngine

BLOCK_BYTES: Final = 1 << 20


class ContentDamaged(Exception):
    """The bytes of a content are gone, or not those that were stored."""


class ContentDeleted(ContentDamaged):
    """They were deleted, as [retention] says or by a person (``retention.py``)."""


class Large(Protocol):
    """What both are."""

    @property
    def disk(self) -> Path:
        """A folder of the file system on which they grow."""

    def grow(self, content_id: str, hashed: Callable[[bytes], None]) -> GrowingFile:
        """A file for a content that grows. May raise OSError."""

    async def store(self, content: Content) -> None:
        """Make the bytes of a sealed content durable; not again where that was done. Raises ``NotCommitted``."""

    def blocks(self, content_id: str) -> AsyncGenerator[bytes, None]:
        """The stored bytes. Raises ``ContentDamaged``."""

    def path(self, content_id: str) -> Path | None:
        """The file that they are, where they are one."""

    async def remove(self, content_ids: Sequence[str]) -> None:
        """Remove what has no row any more; what a crash leaves is swept."""

    async def sweep(self) -> int:
        """Remove what no row counts on, and nobody touched for an hour: how much."""


class Files:
    """A folder beside the database."""

    def __init__(self, engine: Engine, folder: Path) -> None:
        self._engine, self.folder = engine, folder

    @property
    def disk(self) -> Path:
        return self.folder.parent

    def grow(self, content_id: str, hashed: Callable[[bytes], None]) -> GrowingFile:
        return NamedFile(self.path(content_id), hashed)

    async def store(self, content: Content) -> None:
        content.is_stored = True  # it was so when it was sealed

    def path(self, content_id: str) -> Path:
        return file_path(self.folder, content_id)

    async def blocks(self, content_id: str) -> AsyncGenerator[bytes, None]:
        blocks = blocks_of(self.path(content_id))
        while block := await asyncio.to_thread(next, blocks, b""):
            yield block

    async def remove(self, content_ids: Sequence[str]) -> None:
        paths = [self.path(content_id) for content_id in content_ids]
        await asyncio.to_thread(remove_files, paths)

    async def sweep(self) -> int:
        # Files carry the time of the file system, not of the spool's clock.
        return await sweep_orphans(self._engine, self.folder, time.time() - ORPHAN_SECONDS)


def blocks_of(path: Path) -> Iterator[bytes]:
    """A file's bytes, block by block. Raises ``ContentDamaged``."""
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except OSError as trouble:
        raise ContentDamaged(f"content {path.name} can't be read: {trouble.strerror}") from trouble


async def _rows(content_id: str, file: BinaryIO) -> AsyncGenerator[Values, None]:
    for part in itertools.count():
        block = await asyncio.to_thread(file.read, BLOCK_BYTES)
        if not block:
            return
        yield {"content_id": content_id, "part": part, "bytes": block}


class Chunks:
    """Rows of the database. They grow in a file of the working folder, and enter before the commit that counts on
    them, beside it: a large mail keeps no small one waiting."""

    def __init__(self, engine: PostgresqlEngine) -> None:
        self._engine = engine

    @property
    def disk(self) -> Path:
        return Path(tempfile.gettempdir())

    def grow(self, content_id: str, hashed: Callable[[bytes], None]) -> GrowingFile:
        with tempfile.TemporaryFile() as file:
            return GrowingFile(os.dup(file.fileno()), hashed)

    async def store(self, content: Content) -> None:
        if content.is_stored:
            return
        with content.open() as file:
            await self._engine.aside("chunk_add", _rows(content.content_id, file))
        content.is_stored = True

    def path(self, content_id: str) -> Path | None:
        return None

    async def blocks(self, content_id: str) -> AsyncGenerator[bytes, None]:
        for part in itertools.count():
            [rows] = await self._engine.read(("chunk_get", {"content_id": content_id, "part": part}))
            if not rows:
                return
            yield rows[0]["bytes"]

    async def remove(self, content_ids: Sequence[str]) -> None:
        for content_id in content_ids:  # one at a time: each may be a thousand rows for the server
            gone = Statement("chunk_remove", {"content_id": content_id}, Hits.SOME)
            with contextlib.suppress(Outdated):
                await self._engine.commit(Commit("swept", (gone,)))

    async def sweep(self) -> int:
        old = {"before": self._engine.clock() - ORPHAN_SECONDS}
        try:
            results = await self._engine.commit(Commit("swept", (Statement("chunk_sweep", old, Hits.SOME),)))
        except Outdated:
            return 0
        return results[0].hits
