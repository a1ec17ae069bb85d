"""One writer thread that groups commits, one reader thread that never makes the event loop wait.

In: ``Commit`` values. What is asked for while a group is being committed becomes the next group: one transaction, one
fsync for all, and where one of them fails, a savepoint for each. Its callers go on after COMMIT has returned. Reads
see every commit that returned before.

LIMITS: an input/output error during COMMIT leaves open whether the group is on the disk. The callers hear
``CommitUnclear``, the file is reopened, and no fsync is ever repeated: Linux reports a failed one once, and may have
dropped the pages (the "fsyncgate" of PostgreSQL, 2018).
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import queue
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from mailfax.spool.commits import Commit, Hits, Outdated, Statement, Taken, Values
from mailfax.spool.connection import SpoolRefused, connect, migrate
from mailfax.spool.sql import compile_statement

Hook = Callable[[tuple[str, ...]], None]

#: How many commits share one transaction at most: bounds how long the first of them waits for the others.
GROUP: Final = 256

#: Where several came together, more are on their way: they are waited for so many seconds (measured: a tenth more
#: mails over 16 connections). Who comes alone never waits.
GATHER_SECONDS: Final = 0.001

#: Troubles of the whole file, not of one commit.
_FILE_TROUBLE = {
    sqlite3.SQLITE_FULL: "disk full",
    sqlite3.SQLITE_BUSY: "locked by another process",
    sqlite3.SQLITE_READONLY: "read-only",
    sqlite3.SQLITE_IOERR: "input/output error",
    sqlite3.SQLITE_CORRUPT: "database file damaged",
    sqlite3.SQLITE_NOMEM: "out of memory",
    sqlite3.SQLITE_CANTOPEN: "can't be opened",
}


class NotCommitted(Exception):
    """Surely nothing was stored; ``full`` where the disk is."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The spool could not store this: {reason}.")
        self.reason = reason
        self.full = reason == _FILE_TROUBLE[sqlite3.SQLITE_FULL]


class CommitUnclear(Exception):
    """The disk failed while committing: it may or may not be stored, and nothing may be promised on it."""


#: After these, whatever was prepared for a commit may be thrown away.
SURELY_NOT: Final = (Outdated, Taken, NotCommitted)


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement of a commit did: rows it returned, and how many it hit."""

    rows: Sequence[sqlite3.Row]
    hits: int


@dataclass(slots=True)
class _Request:
    commit: Commit
    future: asyncio.Future[Sequence[Result]]
    outcome: Sequence[Result] | BaseException = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not isinstance(self.outcome, BaseException)


class Bell:
    """Rings when this process committed one of ``news``, names of commits or of statements in them; with None at
    every commit. Each waiting carrier has its own."""

    def __init__(self, news: Iterable[str] | None) -> None:
        self.news = None if news is None else frozenset(news)
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - running out of time is no error here
        """Until it rang since the last wait, or ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        self._rung.clear()


class Engine:
    """The file and its two threads. Belongs to the event loop in which it was opened."""

    def __init__(
        self, path: Path, clock: Callable[[], float], before_commit: Hook | None, after_commit: Hook | None
    ) -> None:
        """Opens and migrates: blocking. Raises ``SpoolRefused``."""
        self.path = path
        self.clock = clock
        self.epoch = 0
        self._before, self._after = before_commit, after_commit
        self._writing = connect(path)
        try:
            migrate(self._writing, path, clock())
            self._reading = connect(path)
            self._reading.execute("PRAGMA query_only=ON")
        except BaseException:
            self._writing.close()
            raise
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._riders: collections.deque[_Request] = collections.deque()
        self._bells: weakref.WeakSet[Bell] = weakref.WeakSet()
        self._closed = False
        self._broken = False

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

    def bell(self, news: Iterable[str] | None = None) -> Bell:
        bell = Bell(news)
        self._bells.add(bell)
        return bell

    async def read(self, *reads: tuple[str, Values]) -> list[list[sqlite3.Row]]:
        """The rows of each (statement name, values), all from one moment."""
        return await self._loop.run_in_executor(self._reader, self._read, reads)

    def _read(self, reads: Sequence[tuple[str, Values]]) -> list[list[sqlite3.Row]]:
        now = self.clock()
        self._reading.execute("BEGIN")
        try:
            return [self._execute(self._reading, name, values, now).fetchall() for name, values in reads]
        finally:
            self._reading.execute("COMMIT")

    async def commit(self, commit: Commit) -> Sequence[Result]:
        """Durable when it returns: one result per statement.

        Raises what the commit's guard says (``Outdated``), a ``Taken``, ``NotCommitted`` or ``CommitUnclear``. A
        caller that is cancelled meanwhile does not know whether it was stored.
        """
        if self._closed:
            raise NotCommitted("the spool is closed")
        request = _Request(commit, self._loop.create_future())
        self._requests.put(request)
        return await request.future

    def ride(self, commit: Commit) -> asyncio.Future[Sequence[Result]]:
        """Have it committed before whatever is asked for next, in its group: it costs no fsync of its own.

        For what may be lost in a crash. Where the disk fails it rides again. The future ends as ``commit`` would
        otherwise; nobody has to wait for it.
        """
        rider = _Request(commit, self._loop.create_future())
        self._riders.append(rider)
        return rider.future

    # From here on: the writer thread.

    def _write(self) -> None:
        asked: list[_Request | None] = []
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
            riders: list[_Request] = []
            if group or not running:
                riders = [self._riders.popleft() for _ in range(len(self._riders))]
                group = riders + group
            if group:
                try:
                    self._commit_group(group)
                except BaseException as trouble:
                    for request in group:
                        request.outcome = trouble
                again = [rider for rider in riders if isinstance(rider.outcome, NotCommitted | CommitUnclear)]
                self._riders.extendleft(reversed(again))
                group = [request for request in group if all(request is not rider for rider in again)]
                with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
                    self._loop.call_soon_threadsafe(self._release, group)

    def _release(self, group: Sequence[_Request]) -> None:
        """In the event loop: let the callers go on, then ring."""
        for request in group:
            if request.future.cancelled():
                continue
            if isinstance(request.outcome, BaseException):
                request.future.set_exception(request.outcome)
            else:
                request.future.set_result(request.outcome)
        if good := [request.commit for request in group if request.good]:
            news = {name for commit in good for name in (commit.name, *(each.name for each in commit.statements))}
            for bell in self._bells:
                if bell.news is None or not bell.news.isdisjoint(news):
                    bell.ring()

    def _commit_group(self, group: Sequence[_Request]) -> None:
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
        if self._after:
            self._after(names)

    def _answer_failed_commit(self, group: Sequence[_Request], trouble: sqlite3.Error) -> None:
        code = _code(trouble)
        outcome: BaseException = NotCommitted(_reason(trouble))
        if code not in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY):
            outcome = CommitUnclear(f"The spool's disk failed while committing: {_reason(trouble)}.")
            self._writing.close()
            self._broken = True
        for request in group:
            if request.good:
                request.outcome = outcome

    def _run_all(self, group: Sequence[_Request], now: float) -> None:
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
            rows: Sequence[sqlite3.Row] = ()
        else:
            cursor = self._execute(self._writing, statement.name, statement.values, now)
            # RETURNING counts rows only as they are fetched.
            rows = cursor.fetchall() if cursor.description is not None else ()
            hits = len(rows) if cursor.description is not None else cursor.rowcount
        if (statement.hits is Hits.ONE and hits != 1) or (statement.hits is Hits.SOME and hits < 1):
            raise statement.miss(f"{statement.name} hit {hits} rows, not {statement.hits.value}")
        return Result(rows, hits)

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
