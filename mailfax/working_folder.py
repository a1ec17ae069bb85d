"""One folder for all temporary files of a process; those of dead processes are removed when the next one starts.

In: nothing. Out: from ``working_folder()`` on, ``tempfile`` makes everything inside it. A process that was killed
leaves its pages behind, strangers' faxes among them: they must not stay until somebody cleans the machine.

LIMITS: a folder belongs to a live process as long as that holds its lock (``flock``, which ends with the process).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

PREFIX = "mailfax-run-"


@contextlib.contextmanager
def working_folder() -> Iterator[Path]:
    """Make this process's folder and sweep those of dead ones; raises OSError where the disk takes none."""
    before = tempfile.tempdir
    root = Path(tempfile.gettempdir())
    folder, lock = _made()
    try:
        sweep(root)
        tempfile.tempdir = str(folder)
        yield folder
    finally:
        tempfile.tempdir = before
        shutil.rmtree(folder, ignore_errors=True)
        os.close(lock)


def _made() -> tuple[Path, int]:
    """A folder, and the descriptor that locks it."""
    while True:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        # Until it is locked, another process that starts at the same moment takes it for a dead one's.
        with contextlib.suppress(FileNotFoundError):
            lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.is_dir():
                return folder, lock
            os.close(lock)


def sweep(root: Path) -> int:
    """Remove the folders of our own dead processes below ``root``: how many."""
    removed = 0
    for folder in root.glob(f"{PREFIX}*"):
        # Another user's folder, or a link that somebody put there, is none of ours.
        with contextlib.suppress(OSError):
            there = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(there).st_uid == os.getuid():
                    fcntl.flock(there, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
                    removed += 1
            finally:
                os.close(there)
    return removed
