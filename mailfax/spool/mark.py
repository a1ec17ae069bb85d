"""How far the spool had come, in a small file beside the database: a database that is behind it is an older copy.

In: the newest line of history, each time that a fax is about to be handed over. Out: the same, at the next start.
The file is written after the commit, so it is never ahead of a database that nobody has exchanged.

LIMITS: a copy of the whole folder takes the mark with it, and is not noticed: ``mailfax restore`` or
``mailfax serve --recovered`` says so.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Final

_DIGITS: Final = 20


def mark_of(database: Path) -> Path:
    """The file beside a database."""
    return database.with_name(database.name + ".mark")


class Mark:
    """The file; opened when it is first written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = -1

    def read(self) -> int:
        """0 where there is none, or none that can be read."""
        try:
            return int(self._path.read_text("ascii"))
        except (OSError, ValueError):
            return 0

    def write(self, line: int) -> None:
        """Not flushed: a crash of the machine takes what was written last with it. Never raises OSError: a mark that
        is behind only notices less."""
        with contextlib.suppress(OSError):
            if self._file < 0:
                self._file = os.open(self._path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o600)
            os.pwrite(self._file, f"{line:0{_DIGITS}}".encode("ascii"), 0)

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1
