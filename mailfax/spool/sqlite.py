"""The spool in one SQLite file: a thread that groups commits, and one that reads; the event loop never waits.

Callers go on after COMMIT has returned: one fsync for all of a group.

LIMITS: an input/output error during COMMIT leaves open whether the group is on the disk. The callers hear
``CommitUnclear``, the file is reopened, and no fsync is ever repeated: Linux reports a failed one once, and may have
dropped the pages (the "fsyncgate" of PostgreSQL, 2018).
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

from mailfax.spool.commits import Commit, Statement, Values
from mailfax.spool.connection import connect, give_back, migrate
from mailfax.spool.engine import (
    DISK_FULL,
    GROUP,
    CommitUnclear,
    Engine,
    Hook,
    NotCommitted,
    Request,
    Result,
    Row,
    SpoolRefused,
    checked,
)
from mailfax.spool.mark import Mark, mark_of
from mailfax.spool.sql import compile_statement

#: Where several came together, more are on their way: they are waited for so many seconds (measured: a tenth more
#: mails over 16 connections). Who comes alone never waits.
GATHER_SECONDS: Final = 0.001

#: Commits after which a copy from before them would send a fax twice, and the one that sees to such a copy.
MARKED: Final = frozenset({"claim", "recovered"})

#: Troubles of the whole file, not of one commit.
_FILE_TROUBLE = {
    sqlite3.SQLITE_FULL: DISK_FULL,
    sqlite3.SQLITE_BUSY: "locked by another process",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_CORRUPT: "database file damaged",
    sqlite3.SQLITE_NOMEM: "out of memory",
    sqlite3.SQLITE_CANTOPEN: "can't be opened",
}


class SqliteEngine(Engine):
    """The file and its two threads."""

    def __init__(
        self, path: Path, clock: Callable[[], float], before_commit: Hook | None, after_commit: Hook | None
    ) -> None:
        """Opens and migrates: blocking. Raises ``SpoolRefused``."""
        super().__init__(clock, before_commit, after_commit)
        self.path = path
        self._writing = connect(path)
        try:
            migrate(self._writing, path, clock())
            self._reading = connect(path)
            self._reading.execute("PRAGMA query_only=ON")
        except BaseException:
            self._writing.close()
            raise
        self._mark = Mark(mark_of(path))
        self._requests: queue.SimpleQueue[Request | None] = queue.SimpleQueue()
        self._broken = False

    def is_older_copy(self) -> bool:
        """Whether the file is behind its mark. An empty one is new, and no copy of anything."""
        newest = self._newest_line()
        if not newest:
            self._mark.write(0)
        return newest < self._mark.read()

    def _newest_line(self) -> int:
        return int(self._writing.execute("SELECT COALESCE(MAX(seq), 0) FROM history").fetchone()[0])

    def start(self) -> None:
        """Start both threads; called in the event loop that will use them."""
        self._loop = asyncio.get_running_loop()
        self._reader = ThreadPoolExecutor(1, thread_name_prefix="spool-reader")
        self._writer = threading.Thread(target=self._write, name="spool-writer", daemon=True)
        self._writer.start()

    async def close(self) -> None:
        """Finish what was asked for, then close the file. What comes later is ``NotCommitted``."""
        self._closed = True
        self._requests.put(None)
        await asyncio.to_thread(self._writer.join)
        await asyncio.to_thread(self._reader.shutdown)
        self._reading.close()
        self._writing.close()
        self._mark.close()

    async def read(self, *reads: tuple[str, Values]) -> list[list[Row]]:
        return await self._loop.run_in_executor(self._reader, self._read, reads)

    async def give_back(self) -> None:
        await asyncio.to_thread(give_back, self.path)

    def _read(self, reads: Sequence[tuple[str, Values]]) -> list[list[Row]]:
        now = self.clock()
        self._reading.execute("BEGIN")
        try:
            return [self._execute(self._reading, name, values, now).fetchall() for name, values in reads]
        finally:
            self._reading.execute("COMMIT")

    def _ask(self, request: Request) -> None:
        self._requests.put(request)

    # From here on: the writer thread.

    def _write(self) -> None:
        asked: list[Request | None] = []
        running = True
        while running:
            several = len(asked) > 1
            asked = [self._requests.get()]
            if several:
                time.sleep(GATHER_SECONDS)
            while len(asked) < GROUP and not self._requests.empty():
                asked.append(self._requests.get())
            running = None not in asked
            group = [request for request in asked if request is not None and not request.future.cancelled()]
            riders = self._take_riders()
            group = riders + group
            if group:
                try:
                    self._commit_group(group)
                except BaseException as trouble:
                    for request in group:
                        request.outcome = trouble
                group = self._put_back(riders, group)
                with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                    self._loop.call_soon_threadsafe(self._release, group)

    def _commit_group(self, group: Sequence[Request]) -> None:
        """One transaction for all of them; where the file itself makes trouble, each is tried alone."""
        try:
            if self._broken:
                self._writing = connect(self.path)
                self._broken = False
            self._writing.execute("BEGIN IMMEDIATE")
            self._run_all(group, self.clock())
            names = tuple(request.commit.name for request in group if request.good)
            if not names:
                self._writing.execute("ROLLBACK")
                return
            if self._before:
                self._before(names)
        except sqlite3.Error as trouble:
            self._roll_back()
            if len(group) > 1:
                for request in group:
                    self._commit_group([request])
                return
            group[0].outcome = NotCommitted(_reason(trouble))
            return
        except SpoolRefused as trouble:
            for request in group:
                request.outcome = NotCommitted(str(trouble))
            return
        except BaseException:
            self._roll_back()
            raise
        try:
            self._writing.execute("COMMIT")
        except sqlite3.Error as trouble:
            self._roll_back()
            self._answer_failed_commit(group, trouble)
            return
        if not MARKED.isdisjoint(names):
            self._mark.write(self._newest_line())
        if self._after:
            self._after(names)

    def _answer_failed_commit(self, group: Sequence[Request], trouble: sqlite3.Error) -> None:
        code = _code(trouble)
        outcome: BaseException = NotCommitted(_reason(trouble))
        if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
            outcome = CommitUnclear(f"The spool's disk failed while committing: {_reason(trouble)}.")
            self._writing.close()
            self._broken = True
        for request in group:
            if request.good:
                request.outcome = outcome

    def _run_all(self, group: Sequence[Request], now: float) -> None:
        """Every commit's statements; a miss or a clash undoes that commit alone. Trouble of the file is raised.

        Nearly all succeed, so they are first run without savepoints: with one, SQLite keeps a copy of every page that
        another commit of the group has changed before (measured: a third of all that is written for small mails).
        """
        request = group[0]
        try:
            for request in group:
                request.outcome = self._run(request.commit, now)
            return
        except Exception as trouble:
            self._raise_of_file(trouble)
            request.outcome = _meaning(request.commit, trouble)
        if len(group) == 1:
            return  # there is nothing good in this transaction: it is rolled back
        self._writing.execute("ROLLBACK")
        self._writing.execute("BEGIN IMMEDIATE")
        for request in group:
            self._writing.execute("SAVEPOINT one")
            try:
                request.outcome = self._run(request.commit, now)
            except Exception as trouble:
                self._raise_of_file(trouble)
                self._writing.execute("ROLLBACK TO one")
                request.outcome = _meaning(request.commit, trouble)
            self._writing.execute("RELEASE one")

    def _raise_of_file(self, trouble: Exception) -> None:
        """Go on only after trouble of one commit."""
        if not self._writing.in_transaction or _code(trouble) in _FILE_TROUBLE:
            raise trouble

    def _run(self, commit: Commit, now: float) -> Sequence[Result]:
        return [self._run_statement(statement, now) for statement in commit.statements]

    def _run_statement(self, statement: Statement, now: float) -> Result:
        if isinstance(statement.values, tuple):
            hits = sum(
                max(self._execute(self._writing, statement.name, values, now).rowcount, 0)
                for values in statement.values
            )
            rows: Sequence[Row] = ()
        else:
            cursor = self._execute(self._writing, statement.name, statement.values, now)
            # RETURNING counts rows only as they are fetched.
            rows = cursor.fetchall() if cursor.description is not None else ()
            hits = len(rows) if cursor.description is not None else cursor.rowcount
        return checked(statement, Result(rows, hits))

    def _execute(self, connection: sqlite3.Connection, name: str, values: Values, now: float) -> sqlite3.Cursor:
        text, bound = compile_statement(name, values)
        return connection.execute(text, {"now": now, "epoch": self.epoch, **bound})

    def _roll_back(self) -> None:
        """Some errors of SQLite have ended the transaction already, others leave it open."""
        with contextlib.suppress(sqlite3.Error):
            if self._writing.in_transaction:
                self._writing.execute("ROLLBACK")


def _code(trouble: BaseException) -> int:
    code: Any = getattr(trouble, "sqlite_errorcode", 0)
    return int(code) & 0xFF


def _reason(trouble: sqlite3.Error) -> str:
    return _FILE_TROUBLE.get(_code(trouble), str(trouble))


def _meaning(commit: Commit, trouble: Exception) -> Exception:
    """What a violated UNIQUE means to this commit, where it says so."""
    if isinstance(trouble, sqlite3.IntegrityError):
        for column, error in commit.clashes.items():
            if column in str(trouble):
                return error(f"{column} is in use")
    return trouble
