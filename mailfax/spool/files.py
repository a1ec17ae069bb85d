"""Large contents as files: they grow without a name, and have one only when all of them is on the disk.

In: blocks. Out: a file ``content/<first two of the id>/<id>``, durable together with its name. Blocks are hashed and
written by threads of their own while the next ones arrive, and the kernel is asked to begin early with the disk: so
little is left for the fsync at the end (measured for 13.5 MB: 0.6 ms instead of 5.5).

LIMITS: where the file system has no ``O_TMPFILE``, a file grows under a name that begins with ".growing-".
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Final

GROWING: Final = ".growing-"
#: After so many bytes of a file the kernel is asked to begin writing them.
_EARLY_BYTES: Final = 1 << 21
_THREADS: Final = ThreadPoolExecutor(2, thread_name_prefix="spool-content")


def file_path(root: Path, content_id: str) -> Path:
    """Where a large content lies."""
    return root / content_id[:2] / content_id


class GrowingFile:
    """A file without a name that is being written. What raises OSError does so again: then it can only be dropped."""

    def __init__(self, file: int, hashed: Callable[[bytes], None]) -> None:
        """``file`` is its descriptor; each of its blocks is given to ``hashed``."""
        self._file, self._hashed = file, hashed
        self._size = self._begun = 0
        self._pending: Future[None] | None = None
        self._open = True

    def append(self, block: bytes) -> None:
        """Hash and write ``block`` in another thread; waits for the block before, so that no more than one is held.

        What goes wrong is raised by the calls that come after.
        """
        self._settle()
        self._pending = _THREADS.submit(self._append, block)

    def _append(self, block: bytes) -> None:
        self._hashed(block)
        view = memoryview(block)
        while view:
            view = view[os.write(self._file, view) :]
        self._size += len(block)
        if self._size - self._begun >= _EARLY_BYTES:
            # On Linux this begins to write dirty pages without waiting for them (mm/fadvise.c). It would drop clean
            # ones from memory, but those that were just written are not.
            os.posix_fadvise(self._file, self._begun, self._size - self._begun, os.POSIX_FADV_DONTNEED)
            self._begun = self._size

    def wait(self) -> None:
        """Until all that was appended is hashed."""
        if self._pending is not None:
            self._pending.exception()

    def _settle(self) -> None:
        """Wait, and raise what went wrong, every time: what was not written once is never complete."""
        if self._pending is not None:
            self._pending.result()

    def open(self) -> BinaryIO:
        """What was appended so far, with a place of its own: this descriptor stands at the end. May raise OSError."""
        self._settle()
        return Path(f"/proc/self/fd/{self._file}").open("rb")

    def finish(self) -> None:
        """All of it is here; raises what went wrong on the way. It can still be opened."""
        self._settle()

    def drop(self) -> None:
        """Close it: nothing remains of what has no name."""
        if self._open:
            self.wait()  # as soon as it is closed, another file may get this descriptor's number
            os.close(self._file)
            self._open = False

    def discard(self) -> None:
        """Remove it, also where it is finished."""
        self.drop()


class NamedFile(GrowingFile):
    """One that gets a name when it is finished, and stays."""

    def __init__(self, path: Path, hashed: Callable[[bytes], None]) -> None:
        """It will be ``path``. May raise OSError."""
        self._path = path
        self._growing: Path | None = None
        folder = path.parent
        _make_folder(folder)
        try:
            file = os.open(folder, os.O_TMPFILE | os.O_RDWR | os.O_CLOEXEC, 0o600)
        except OSError as trouble:
            # NFS, some FUSE and overlay file systems: EOPNOTSUPP; kernels that don't know the flag: EISDIR.
            if trouble.errno not in (errno.EOPNOTSUPP, errno.EISDIR, errno.EINVAL):
                raise
            self._growing = folder / (GROWING + path.name)
            file = os.open(self._growing, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600)
        super().__init__(file, hashed)

    def open(self) -> BinaryIO:
        return super().open() if self._open else self._path.open("rb")

    def finish(self) -> None:
        """Durable under its name when it returns."""
        super().finish()
        os.fsync(self._file)
        with _folder(self._path.parent) as folder:
            if self._growing:
                os.rename(self._growing.name, self._path.name, src_dir_fd=folder, dst_dir_fd=folder)
                self._growing = None
            else:
                # linkat(AT_EMPTY_PATH) needs a capability; through /proc everybody may (open(2), O_TMPFILE). Python
                # calls linkat, which follows the link, only where a folder is given; link would not.
                os.link(f"/proc/self/fd/{self._file}", self._path.name, dst_dir_fd=folder, follow_symlinks=True)
            os.fsync(folder)
        os.close(self._file)
        self._open = False

    def drop(self) -> None:
        super().drop()
        if self._growing:
            self._growing.unlink(missing_ok=True)
            self._growing = None

    def discard(self) -> None:
        self.drop()
        with contextlib.suppress(OSError):
            self._path.unlink(missing_ok=True)


def _make_folder(folder: Path) -> None:
    """The folder and its parent, each durable in the folder above it. One whose name could not be flushed is removed
    again: whoever found it there would count on it, and a second flush that succeeds would prove nothing."""
    for path in (folder.parent, folder):
        if path.is_dir():
            continue
        path.mkdir(mode=0o700, exist_ok=True)
        try:
            with _folder(path.parent) as above:
                os.fsync(above)
        except OSError:
            with contextlib.suppress(OSError):
                path.rmdir()
            raise


@contextlib.contextmanager
def _folder(path: Path) -> Iterator[int]:
    """An open folder, to name files in and to make their names durable."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield folder
    finally:
        os.close(folder)
