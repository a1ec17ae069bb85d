"""One SQLite file, opened so that a commit that returned is on the disk, and brought to the newest schema.

LIMITS: a file system whose fsync is honest and that supports shared memory for WAL (no network mounts).
"""

from __future__ import annotations

import contextlib
import os
import pwd
import sqlite3
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from mailfax.spool.engine import SpoolRefused
from mailfax.spool.sql import migrations

#: How long one process waits for another one's commit, in seconds.
BUSY_SECONDS = 30.0

#: What a group of commits changes must fit in here: SQLite's own 2 MB would be written twice.
CACHE_KILOBYTES = 16_000

#: Pages that are given back to the file system in one commit, and the pause for others behind it: SQLite lets whoever
#: asks again at once have the lock before those who wait for it.
FREED_PAGES, BREATH_SECONDS = 500, 0.02

#: WAL pages (4 KB each) after which a commit also copies them into the database file.
CHECKPOINT_PAGES = 4000


def spool_path(url: str, base: Path) -> Path:
    """``sqlite:////absolute`` or ``sqlite:///beside/the/configuration`` as a path."""
    scheme, separator, rest = url.partition(":///")
    if scheme != "sqlite" or not separator or not rest:
        raise SpoolRefused(f"spool.url: {url!r} is not of the form sqlite:////absolute/path or sqlite:///relative")
    return base / rest


def connect(path: Path) -> sqlite3.Connection:
    """A connection in autocommit mode; its transactions are begun by hand. Raises ``SpoolRefused``."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives -wal and -shm the mode of the database file, so that one must be there first. Only a file that
        # is not there yet may be opened by us: closing *any* descriptor of a file drops all POSIX locks that the
        # process has on it (fcntl(2)), and then another process takes itself for the last one and removes the log
        # that we are still writing to (SQLite, "How to corrupt", 2.2).
        with contextlib.suppress(FileExistsError):
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o600))
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    except (OSError, sqlite3.Error) as trouble:
        raise SpoolRefused(f"{path}: can't be opened as the spool: {trouble}{_whose(path)}") from trouble
    try:
        connection.row_factory = sqlite3.Row
        # Only heeded in a file without tables: lets retention give space back later.
        connection.execute("PRAGMA auto_vacuum=INCREMENTAL")
        _write_ahead(connection)
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        # What is deleted is overwritten. Rows that shrink or go are rewritten anyway; only contents cost more.
        connection.execute("PRAGMA secure_delete=ON")
        connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute("PRAGMA journal_size_limit=67108864")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KILOBYTES}")
        # Copies of pages that a savepoint may have to bring back; none of them is worth a file.
        connection.execute("PRAGMA temp_store=MEMORY")
    except sqlite3.Error as trouble:
        connection.close()
        raise SpoolRefused(f"{path}: is not a spool that can be used here: {trouble}{_whose(path)}") from trouble
    return connection


def _whose(path: Path) -> str:
    """Who may use the spool, where it is somebody else's."""
    try:
        kept = path if path.exists() else next(folder for folder in path.parents if folder.exists())
        there = kept.stat()
    except OSError:  # a folder on the way is closed to us
        return "; run this as the user that mailfax runs as, or as root"
    if os.geteuid() in (0, there.st_uid):
        return ""
    try:
        owner = pwd.getpwuid(there.st_uid).pw_name
    except KeyError:
        owner = str(there.st_uid)
    mode = stat.S_IMODE(there.st_mode)
    return f"; {kept} belongs to {owner} (mode {mode:04o}): run this as {owner}, or as root"


def give_back(path: Path) -> None:
    """Make the file as small as what is in it, a few pages at a time, so that the writer waits for none of them long;
    and empty the log, which still has what was deleted. Where others are in the way, the next time does it."""
    with contextlib.suppress(sqlite3.Error, SpoolRefused), contextlib.closing(connect(path)) as connection:
        _forget_deleted(connection)
        while (free := connection.execute("PRAGMA freelist_count").fetchone()[0]) > 0:
            # A script runs to its end; execute would stop at the first page.
            connection.executescript(f"PRAGMA incremental_vacuum({FREED_PAGES})")
            if connection.execute("PRAGMA freelist_count").fetchone()[0] >= free:
                break  # a file from before it could shrink: what is free is used again
            time.sleep(BREATH_SECONDS)
        connection.execute("PRAGMA busy_timeout=1000")
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()


def _forget_deleted(connection: sqlite3.Connection) -> None:
    """Until the parts of a full-text index are merged, it keeps the characters of deleted rows
    (https://sqlite.org/fts5.html#the_merge_command: all at first, then on with it until nothing changes)."""
    pages = -FREED_PAGES
    while True:
        before = connection.total_changes
        connection.execute("INSERT INTO searched (searched, rank) VALUES ('merge', ?)", (pages,))
        if connection.total_changes - before < 2:
            return
        pages = FREED_PAGES
        time.sleep(BREATH_SECONDS)


def _write_ahead(connection: sqlite3.Connection) -> None:
    """Switch to WAL. SQLite answers "locked" at once, without waiting, where two processes do so together."""
    given_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as trouble:
            if trouble.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > given_up:
                raise
            time.sleep(0.01)
            continue
        if mode != "wal":
            raise sqlite3.OperationalError(f"this file system has no write-ahead log (journal mode {mode})")
        return


def migrate(connection: sqlite3.Connection, path: Path, now: float) -> None:
    """Apply what is missing, in one transaction. A schema newer than this code is refused."""
    try:
        connection.execute("BEGIN IMMEDIATE")
        try:
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migration ("
                "number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
            )
            (newest,) = connection.execute("SELECT COALESCE(MAX(number), 0) FROM migration").fetchone()
            known = migrations()
            if newest > len(known):
                raise SpoolRefused(
                    f"{path}: was written by a newer mailfax (schema {newest}, this one knows {len(known)}). "
                    "Install that version, or restore a backup made before the upgrade."
                )
            for number, name, statements in known[newest:]:
                for statement in statements:
                    connection.execute(statement)
                connection.execute("INSERT INTO migration VALUES (?, ?, ?)", (number, name, now))
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")
    except sqlite3.Error as trouble:
        raise SpoolRefused(f"{path}: can't be brought to the newest schema: {trouble}") from trouble


@contextlib.contextmanager
def alone(path: Path, now: float) -> Iterator[sqlite3.Connection]:
    """The file at the newest schema, kept from everybody else. A log that stands beside it is written back first:
    SQLite does that only for the last one who has the file open."""
    file = connect(path)
    try:
        file.execute("PRAGMA busy_timeout=1000")
        file.execute("PRAGMA locking_mode=EXCLUSIVE")
        try:
            file.execute("PRAGMA journal_mode=DELETE")
        except sqlite3.OperationalError as used:
            raise SpoolRefused(f"{path}: is in use; stop mailfax, and try again") from used
        migrate(file, path, now)
        file.execute("BEGIN EXCLUSIVE")
        yield file
        file.execute("ROLLBACK")
    finally:
        file.close()
