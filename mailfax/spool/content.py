"""Bytes that must survive: small ones in their row, large ones in a file that is durable before its row commits.

In: blocks as they arrive. Out: ``Sealed``, ready for a commit; later the bytes by content ID, checked against their
SHA-256. A large content grows in an unnamed file (``O_TMPFILE``), so that a crash leaves nothing behind, and gets its
name only once it is complete; the row makes it count. A file without a row is swept (``sweep.py``).

A content may begin with lines of ours, its prefix. Every byte is hashed once, and the prefix last: so what came
before it is the SHA-256 of what was sent, by which two mails are known for the same.

LIMITS: where the file system has no ``O_TMPFILE``, it grows under a name that begins with ".growing-".
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import io
import os
import shutil
import tempfile
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from mailfax.spool.commits import Hits, Statement
from mailfax.spool.engine import Engine

#: Up to here a row is cheaper than the two fsyncs of a file (measured: 0.47 ms against 0.54 ms at 20 KB).
INLINE_BYTES: Final = 65_536
BLOCK_BYTES: Final = 1 << 20
GROWING: Final = ".growing-"


class ContentDamaged(Exception):
    """The bytes of a content are gone, or not those that were stored."""


@dataclass(frozen=True, slots=True)
class Sealed:
    """A complete content. ``data`` is None where the bytes are in a file, which is durable already."""

    content_id: str
    size: int
    prefix_size: int
    sha256: str
    data: bytes | None

    def statement(self) -> Statement:
        """The row that makes it count."""
        return Statement(
            "content_add",
            {
                "content_id": self.content_id,
                "size": self.size,
                "prefix_size": self.prefix_size,
                "sha256": self.sha256,
                "bytes": self.data,
            },
            Hits.ONE,
        )


class Digest:
    """Hashes the bytes of a content, whose first ``prefix_size`` are its prefix."""

    def __init__(self, prefix_size: int = 0) -> None:
        self._missing = prefix_size
        self._prefix = b""
        self._sent = hashlib.sha256()

    def update(self, block: bytes) -> None:
        if self._missing:
            self._prefix += block[: self._missing]
            block, self._missing = block[self._missing :], max(0, self._missing - len(block))
        self._sent.update(block)

    def sent(self) -> str:
        """SHA-256 of what followed the prefix, in hex."""
        return self._sent.hexdigest()

    def whole(self) -> str:
        """SHA-256 of what followed the prefix and then the prefix, in hex: without one, that of the bytes."""
        whole = self._sent.copy()
        whole.update(self._prefix)
        return whole.hexdigest()


class Content:
    """One growing content. ``write`` and ``seal`` may raise OSError (disk full, input/output error)."""

    def __init__(self, root: Path, content_id: str) -> None:
        self.content_id = content_id
        self.size = 0
        self._root = root
        self._memory = bytearray()
        self._file = -1
        self._growing: Path | None = None
        self._prefix_size = 0
        self._digest = Digest()
        self._sealed: Sealed | None = None
        self._abandoned = False

    def __del__(self) -> None:
        self.abandon()

    @property
    def sent_sha256(self) -> str:
        """SHA-256, in hex, of what was written so far, without the prefix."""
        return self._digest.sent()

    def prefix(self, block: bytes) -> None:
        """Our own lines, before anything is written; once."""
        if self.size:
            raise ValueError("a prefix comes first")
        self._prefix_size, self._digest = len(block), Digest(len(block))
        self.write(block)

    def write(self, block: bytes) -> None:
        """Append; blocking, but only as long as the page cache takes."""
        self._check_open()
        self._digest.update(block)
        self.size += len(block)
        if self._file < 0 and self.size <= INLINE_BYTES:
            self._memory += block
            return
        try:
            if self._file < 0:
                self._begin_file()
                _write_all(self._file, self._memory)
                self._memory = bytearray()
            _write_all(self._file, block)
        except OSError:
            self.abandon()
            raise

    def open(self) -> BinaryIO:
        """What was written so far, to be read from its first byte. May raise OSError."""
        if self._abandoned:
            raise ValueError("this content was abandoned")
        if self._sealed:
            data = self._sealed.data
            return io.BytesIO(data) if data is not None else file_path(self._root, self.content_id).open("rb")
        if self._file < 0:
            return io.BytesIO(bytes(self._memory))
        # A descriptor with a place of its own: the one that grows stands at the end.
        return Path(f"/proc/self/fd/{self._file}").open("rb")

    def abandon(self) -> None:
        """Forget what was written. Without effect once it is sealed: then its row decides."""
        self._abandoned = True
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
        if self._growing:
            self._growing.unlink(missing_ok=True)
            self._growing = None
        self._memory = bytearray()

    def discard(self) -> None:
        """Remove a sealed content whose commit surely failed."""
        if self._sealed and self._sealed.data is None:
            with contextlib.suppress(OSError):
                file_path(self._root, self.content_id).unlink(missing_ok=True)

    def seal(self) -> Sealed:
        """Complete, and durable where it is a file. Blocking: not for the event loop. The same answer every time."""
        if self._sealed is None:
            self._check_open()
            if self._file >= 0:
                try:
                    self._name_file()
                except OSError:
                    # Never a second fsync: it would report success for pages that the kernel has dropped.
                    self.abandon()
                    raise
            data = bytes(self._memory) if self.size <= INLINE_BYTES else None
            self._sealed = Sealed(self.content_id, self.size, self._prefix_size, self._digest.whole(), data)
            self._memory = bytearray()
        return self._sealed

    def _check_open(self) -> None:
        if self._sealed or self._abandoned:
            raise ValueError("this content is complete, or was abandoned")

    def _begin_file(self) -> None:
        folder = file_path(self._root, self.content_id).parent
        _make_folder(folder)
        try:
            self._file = os.open(folder, os.O_TMPFILE | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        except OSError as trouble:
            # NFS, some FUSE and overlay file systems: EOPNOTSUPP; kernels that don't know the flag: EISDIR.
            if trouble.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            self._growing = folder / (GROWING + self.content_id)
            self._file = os.open(self._growing, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)

    def _name_file(self) -> None:
        path = file_path(self._root, self.content_id)
        os.fsync(self._file)
        with _folder(path.parent) as folder:
            if self._growing:
                os.rename(self._growing.name, path.name, src_dir_fd=folder, dst_dir_fd=folder)
                self._growing = None
            else:
                # linkat(AT_EMPTY_PATH) needs a capability; through /proc everybody may (open(2), O_TMPFILE). Python
                # calls linkat, which follows the link, only where a folder is given; link would not.
                os.link(f"/proc/self/fd/{self._file}", path.name, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        os.close(self._file)
        self._file = -1


class Contents:
    """All stored bytes. ``spool.content``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.root = engine.path.parent / "content"
        self._ids: deque[str] = deque()

    def begin(self) -> Content:
        """A new content that grows; costs nothing until it is large."""
        while True:
            with contextlib.suppress(IndexError):
                return Content(self.root, self._ids.popleft())
            # Many from one question: it gives way to the writer thread (measured: 80 µs beside a busy one).
            drawn = os.urandom(16 * 256).hex()
            self._ids.extend(drawn[start : start + 32] for start in range(0, len(drawn), 32))

    def room(self) -> int:
        """Bytes that can still be stored; raises OSError where the folder of the spool is gone."""
        disk = os.statvfs(self.root.parent)
        return disk.f_bavail * disk.f_frsize

    async def seal(self, source: bytes | Path | Content) -> tuple[Content, Sealed]:
        """Bytes, the copy of a file, or a grown content, durable as far as a file can be. May raise OSError."""
        size = source.size if isinstance(source, Content) else len(source) if isinstance(source, bytes) else None
        if size is not None and size <= INLINE_BYTES:
            return self._seal(source)  # nothing that waits for a disk: a change of thread would cost more
        return await asyncio.to_thread(self._seal, source)

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
        if not rows:
            raise ContentDamaged(f"content {content_id} is not in the spool")
        return int(rows[0]["size"])

    async def read(self, content_id: str) -> bytes:
        """All of it; raises ``ContentDamaged``."""
        return b"".join([block async for block in self.chunks(content_id)])

    async def chunks(self, content_id: str) -> AsyncGenerator[bytes, None]:
        """Block by block; raises ``ContentDamaged``, which may be after the last block."""
        row = await self._row(content_id)
        digest = Digest(row["prefix_size"])
        if row["bytes"] is not None:
            digest.update(row["bytes"])
            _check(row, digest)
            yield row["bytes"]
            return
        blocks = _blocks(file_path(self.root, content_id))
        while block := await asyncio.to_thread(next, blocks, b""):
            digest.update(block)
            yield block
        _check(row, digest)

    @contextlib.asynccontextmanager
    async def file(self, content_id: str) -> AsyncIterator[Path]:
        """A file with these bytes for as long as the block lasts, not to be written to; raises ``ContentDamaged``."""
        row = await self._row(content_id)
        digest = Digest(row["prefix_size"])
        if row["bytes"] is None:
            path = file_path(self.root, content_id)
            await asyncio.to_thread(_read_through, path, digest)
            _check(row, digest)
            yield path
            return
        digest.update(row["bytes"])
        _check(row, digest)
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="mailfax-"))
        try:
            path = folder / content_id
            await asyncio.to_thread(path.write_bytes, row["bytes"])
            yield path
        finally:
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _row(self, content_id: str) -> Any:
        [rows] = await self._engine.read(("content_get", {"content_id": content_id}))
        if not rows:
            raise ContentDamaged(f"content {content_id} is not in the spool")
        return rows[0]


def file_path(root: Path, content_id: str) -> Path:
    """Where a large content lies."""
    return root / content_id[:2] / content_id


def _check(row: Any, digest: Digest) -> None:
    if digest.whole() != row["sha256"]:
        raise ContentDamaged(f"content {row['content_id']} is not what was stored")


def _blocks(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while block := file.read(BLOCK_BYTES):
                yield block
    except OSError as trouble:
        raise ContentDamaged(f"content {path.name} can't be read: {trouble.strerror}") from trouble


def _read_through(path: Path, digest: Digest) -> None:
    for block in _blocks(path):
        digest.update(block)


def _write_all(file: int, block: bytes | bytearray) -> None:
    view = memoryview(block)
    while view:
        view = view[os.write(file, view) :]


def _make_folder(folder: Path) -> None:
    """The folder and its parent, each durable in the folder above it."""
    for path in (folder.parent, folder):
        if not path.is_dir():
            path.mkdir(mode=0o700, exist_ok=True)
            with _folder(path.parent) as above:
                os.fsync(above)


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    """An open folder, to name files in and to make their names durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)
