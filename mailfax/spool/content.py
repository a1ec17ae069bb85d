"""The stored bytes: small ones in their row, large ones elsewhere, durable before their row committed.

In: contents as they grow (``growing.py``), bytes, files. Out: later the bytes by content ID, checked against their
SHA-256. The row makes a content count; what no row counts on is swept (``large.py``).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from pathlib import Path
from typing import Any

from mailfax.spool.engine import Engine
from mailfax.spool.growing import INLINE_BYTES, Content, Digest, Sealed
from mailfax.spool.large import BLOCK_BYTES, ContentDamaged, ContentDeleted, Large, blocks_of


class Contents:
    """All stored bytes. ``spool.content``."""

    def __init__(self, engine: Engine, large: Large) -> None:
        self._engine, self.large = engine, large
        self._ids: deque[str] = deque()

    def begin(self) -> Content:
        """A new content that grows; costs nothing until it is large."""
        while True:
            with contextlib.suppress(IndexError):
                return Content(self.large.grow, self._ids.popleft())
            # Many from one question: it gives way to the writer thread (measured: 80 µs beside a busy one). They
            # begin alike, so that each index has those of one time side by side: it writes a page for many of them.
            drawn = os.urandom(12).hex()
            self._ids.extend(f"{drawn}{number:08x}" for number in range(256))

    def room(self) -> int:
        """Bytes that can still be taken in here; raises OSError where the folder of the spool is gone."""
        disk = os.statvfs(self.large.disk)
        return disk.f_bavail * disk.f_frsize

    async def seal(self, source: bytes | Path | Content) -> tuple[Content, Sealed]:
        """Bytes, the copy of a file, or a grown content; large ones are durable. Raises OSError, ``NotCommitted``."""
        size = source.size if isinstance(source, Content) else len(source) if isinstance(source, bytes) else None
        if size is not None and size <= INLINE_BYTES:
            return self._seal(source)  # nothing that waits for a disk: a change of thread would cost more
        content, sealed = await asyncio.to_thread(self._seal, source)
        if sealed.data is None:
            await self.large.store(content)
        return content, sealed

    def _seal(self, source: bytes | Path | Content) -> tuple[Content, Sealed]:
        if isinstance(source, Content):
            return source, source.seal()
        content = self.begin()
        if isinstance(source, bytes):
            content.write(source)
        else:
            with source.open("rb") as file:
                while block := file.read(BLOCK_BYTES):
                    content.write(block)
        return content, content.seal()

    async def size(self, content_id: str) -> int:
        """How many bytes; raises ``ContentDamaged`` where there is none of this ID."""
        [rows] = await self._engine.read(("content_size", {"content_id": content_id}))
        if not rows or not content_id:
            raise ContentDamaged(f"content {content_id} is not in the spool")
        return int(rows[0]["size"])

    async def read(self, content_id: str) -> bytes:
        """All of it; raises ``ContentDamaged``."""
        return b"".join([block async for block in self.chunks(content_id)])

    async def chunks(self, content_id: str) -> AsyncGenerator[bytes, None]:
        """Block by block; raises ``ContentDamaged``, which may be after the last block."""
        row = await self._row(content_id)
        if row["bytes"] is not None:
            yield _inline(row)
            return
        digest = Digest(row["prefix_size"])
        async with contextlib.aclosing(self.large.blocks(content_id)) as blocks:
            async for block in blocks:
                digest.update(block)
                yield block
        _check(row, digest)

    @contextlib.asynccontextmanager
    async def file(self, content_id: str) -> AsyncIterator[Path]:
        """A file with these bytes for as long as the block lasts, not to be written to; raises ``ContentDamaged``."""
        row = await self._row(content_id)
        if row["bytes"] is not None:
            with _small_file(row) as small:  # as where it is sealed: a change of thread would cost more
                yield small
            return
        if path := self.large.path(content_id):
            digest = Digest(row["prefix_size"])
            await asyncio.to_thread(_read_through, path, digest)
            _check(row, digest)
            yield path
            return
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="mailfax-"))
        try:
            path = folder / content_id
            with path.open("wb") as file:
                async for block in self.chunks(content_id):
                    await asyncio.to_thread(file.write, block)
            yield path
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _row(self, content_id: str) -> Any:
        if not content_id:
            raise ContentDeleted("the content was deleted")
        [rows] = await self._engine.read(("content_get", {"content_id": content_id}))
        if not rows:
            raise ContentDamaged(f"content {content_id} is not in the spool")
        return rows[0]


@contextlib.contextmanager
def _small_file(row: Any) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mailfax-", ignore_cleanup_errors=True) as folder:
        path = Path(folder, row["content_id"])
        path.write_bytes(_inline(row))
        yield path


def _inline(row: Any) -> bytes:
    digest, content = Digest(row["prefix_size"]), bytes(row["bytes"])
    digest.update(content)
    _check(row, digest)
    return content


def _check(row: Any, digest: Digest) -> None:
    if digest.whole() != row["sha256"]:
        raise ContentDamaged(f"content {row['content_id']} is not what was stored")


def _read_through(path: Path, digest: Digest) -> None:
    for block in blocks_of(path):
        digest.update(block)
