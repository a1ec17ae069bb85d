"""The spool in a PostgreSQL database, shared by any number of processes: one connection commits, a few others read.

Commits are grouped as on SQLite: one transaction, one flush of the server's log for all of a group. What several
processes must not do at the same time takes a lock before the group's first statement, all of a group in the same
order (``sql.locks``); two that wait for each other all the same are tried again, each alone.

LIMITS: a connection that is lost during COMMIT leaves open whether the group is stored: ``CommitUnclear``. What was
lost before is tried once more on a new connection; then it is ``NotCommitted``.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import re
from collections.abc import AsyncIterable, Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import asyncpg

from mailfax.spool.commits import Commit, Statement, Values
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
    news_of,
)
from mailfax.spool.listening import CHANNEL, Listening, ServerClock
from mailfax.spool.server import Connection, Server, is_lost, make_durable, reason
from mailfax.spool.sql import locks, positional

T = TypeVar("T")

#: So long a whole transaction may take, in seconds: a server that does not answer is one that is not there.
ANSWER_SECONDS: Final = 30.0
#: How often a commit is tried that others keep from being serial with them.
TRIES: Final = 5
#: How many read beside each other.
READERS: Final = 4

UNREACHABLE: Final = "the database can't be reached"
#: Troubles of the whole database, not of one commit.
_TROUBLE: Final = {
    asyncpg.DiskFullError: DISK_FULL,
    asyncpg.DeadlockDetectedError: "busy",
    asyncpg.SerializationError: "busy",
    asyncpg.LockNotAvailableError: "locked by another process",
    asyncpg.QueryCanceledError: "the database was told to stop this",
    asyncpg.OutOfMemoryError: "the database is out of memory",
    asyncpg.TooManyConnectionsError: "the database has too many connections",
    asyncpg.InsufficientResourcesError: "the database has no room",
    asyncpg.PostgresIOError: "input/output error",
    asyncpg.DataCorruptedError: "database damaged",
    asyncpg.IndexCorruptedError: "database damaged",
    asyncpg.InvalidCachedStatementError: "busy",  # a newer mailfax has just added a column
}
_KEY: Final = re.compile(r"\(([^)]*)\)=")


class PostgresqlEngine(Engine):
    """The database, and the connections to it."""

    hears_others = True

    def __init__(
        self, server: Server, clock: Callable[[], float], before_commit: Hook | None, after_commit: Hook | None
    ) -> None:
        super().__init__(clock, before_commit, after_commit)
        self._server = server
        self._writing: Connection = None
        self._reading: Any = None  #: asyncpg.Pool
        self._asked: collections.deque[Request] = collections.deque()
        self._something = asyncio.Event()

    @classmethod
    async def open(
        cls,
        server: Server,
        clock: Callable[[], float] | None,
        before_commit: Hook | None,
        after_commit: Hook | None,
    ) -> PostgresqlEngine:
        """Opens and migrates. Without a ``clock`` it goes by the server's. Raises ``SpoolRefused``."""
        connection = await server.open(clock() if clock else None)
        theirs = None if clock else ServerClock()
        engine = cls(server, clock or theirs or ServerClock(), before_commit, after_commit)
        try:
            if theirs:
                await theirs.set_by(connection)
            engine._listening = Listening(server, theirs, engine._ring)
            await engine._listening.start()
            engine._reading = await asyncpg.create_pool(
                **server.arguments(), min_size=0, max_size=READERS, init=make_durable, reset=_nothing
            )
            engine._write_through(connection)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as trouble:
            connection.terminate()
            raise SpoolRefused(f"{server.name}: can't be opened as the spool: {reason(trouble)}") from trouble
        engine._writer = asyncio.create_task(engine._write(), name="spool-writer")
        return engine

    _listening: Listening
    _writer: asyncio.Task[None]

    async def close(self) -> None:
        self._closed = True
        self._something.set()
        await self._writer
        await self._listening.close()
        self._reading.terminate()
        if self._writing is not None:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await self._writing.close()
            self._drop()

    async def read(self, *reads: tuple[str, Values]) -> list[list[Row]]:
        bound = {"now": self.clock(), "epoch": self.epoch}
        return await self._beside(lambda connection: _read(connection, reads, bound))

    async def weaknesses(self) -> list[str]:
        return await self._beside(_weaknesses)

    async def aside(self, name: str, rows: AsyncIterable[Values]) -> None:
        """Run a block once for each of ``rows``, in a transaction of its own beside those of the commits. Durable
        when it returns; raises ``NotCommitted``, and then some of it may be stored all the same."""
        block, now = positional(name), self.clock()

        async def run(connection: Connection) -> None:
            async with connection.transaction():
                async for values in rows:
                    await connection.execute(block.text, *block.arguments({"now": now, **values}))

        await self._beside(run, tries=1)

    async def _beside(self, work: Callable[[Connection], Awaitable[T]], tries: int = 2) -> T:
        """Do something on one of the reading connections; once more where that was lost."""
        for left in reversed(range(tries)):
            try:
                async with self._reading.acquire(timeout=ANSWER_SECONDS) as connection:
                    try:
                        async with asyncio.timeout(ANSWER_SECONDS):
                            return await work(connection)
                    except BaseException as trouble:
                        # Whatever else is done with a connection that does not answer waits for it, too.
                        if is_lost(trouble) or isinstance(trouble, asyncio.CancelledError):
                            connection.terminate()
                        raise
            except Exception as trouble:
                if is_lost(trouble):
                    if left:
                        continue
                    raise NotCommitted(UNREACHABLE) from trouble
                if (why := _trouble(trouble)) is not None:
                    raise NotCommitted(why) from trouble
                raise
        raise AssertionError("it returned or raised")

    def _ask(self, request: Request) -> None:
        self._asked.append(request)
        self._something.set()

    # From here on: the task that commits.

    async def _write(self) -> None:
        while not self._closed or self._asked or self._riders:
            await self._something.wait()
            self._something.clear()
            while self._asked or (self._closed and self._riders):
                asked = [self._asked.popleft() for _ in range(min(GROUP, len(self._asked)))]
                riders = self._take_riders()
                group = riders + [request for request in asked if not request.future.cancelled()]
                try:
                    await self._commit_group(group)
                except BaseException as trouble:
                    for request in group:
                        request.outcome = trouble
                self._release(self._put_back(riders, group))
                if self._closed and not self._asked:
                    return

    async def _commit_group(self, group: Sequence[Request]) -> None:
        """One transaction for all of them; where the database itself makes trouble, each is tried alone."""
        for left in reversed(range(TRIES)):
            try:
                names = await self._prepare(group)
                break
            except Exception as trouble:
                why = UNREACHABLE if is_lost(trouble) else _trouble(trouble)
                if why is None:
                    raise
                if len(group) > 1 and why != UNREACHABLE:
                    for request in group:
                        await self._commit_group([request])
                    return
                if why != "busy" or not left:
                    for request in group:
                        request.outcome = NotCommitted(why)
                    return
        if names:
            await self._finish(group, names)

    async def _prepare(self, group: Sequence[Request]) -> tuple[str, ...]:
        """All but COMMIT, on a new connection where the one that was there is lost: the names of what is good."""
        if self._writing is not None:
            try:
                return await self._run_all(group)
            except Exception as trouble:
                if not is_lost(trouble):
                    raise
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                self._write_through(await self._server.connect())
        except asyncpg.PostgresError as refused:
            raise ConnectionError(reason(refused)) from refused
        return await self._run_all(group)

    async def _run_all(self, group: Sequence[Request]) -> tuple[str, ...]:
        """Every commit's statements; a miss or a clash undoes that commit alone. Trouble of the database is raised.

        Nearly all succeed, so they are first run without savepoints.
        """
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                now = self.clock()
                await self._begin(group)
                request = group[0]
                try:
                    for request in group:
                        request.outcome = await self._run(request.commit, now)
                except Exception as trouble:
                    _raise_of_database(trouble)
                    request.outcome = _meaning(request.commit, trouble)
                    await self._writing.execute("ROLLBACK")
                    if len(group) > 1:
                        await self._begin(group)
                        await self._run_each(group, now)
                names = tuple(each.commit.name for each in group if each.good)
                if names and self._before:
                    await asyncio.to_thread(self._before, names)
                if not names and len(group) > 1:
                    await self._writing.execute("ROLLBACK")
                return names
        except BaseException as trouble:
            await self._roll_back(trouble)
            raise

    async def _begin(self, group: Sequence[Request]) -> None:
        """Locks come first, and all in one order: a statement sees what was committed before it began."""
        taken: set[int] = set()
        for request in group:
            for statement in request.commit.statements:
                values = statement.values
                taken |= locks(statement.name, values if isinstance(values, tuple) else (values,))
        wanted = "".join(f"; SELECT pg_advisory_xact_lock({number})" for number in sorted(taken))
        await self._writing.execute("BEGIN" + wanted)

    async def _run_each(self, group: Sequence[Request], now: float) -> None:
        for request in group:
            await self._writing.execute("SAVEPOINT one")
            try:
                request.outcome = await self._run(request.commit, now)
            except Exception as trouble:
                _raise_of_database(trouble)
                request.outcome = _meaning(request.commit, trouble)
                await self._writing.execute("ROLLBACK TO SAVEPOINT one")
            await self._writing.execute("RELEASE SAVEPOINT one")

    async def _run(self, commit: Commit, now: float) -> Sequence[Result]:
        return [await self._run_statement(statement, now) for statement in commit.statements]

    async def _run_statement(self, statement: Statement, now: float) -> Result:
        block, bound = positional(statement.name), {"now": now, "epoch": self.epoch}
        rows: Sequence[Row] = ()
        if isinstance(statement.values, tuple):
            each = [block.arguments({**bound, **values}) for values in statement.values]
            hits = len(await self._writing.fetchmany(f"{block.text}\nRETURNING 1", each)) if each else 0
        elif block.returns:
            rows = await self._writing.fetch(block.text, *block.arguments({**bound, **statement.values}))
            hits = len(rows)
        else:
            done = await self._writing.execute(block.text, *block.arguments({**bound, **statement.values}))
            hits = int(done.rpartition(" ")[2])
        return checked(statement, Result(rows, hits))

    async def _finish(self, group: Sequence[Request], names: tuple[str, ...]) -> None:
        """COMMIT, with the news for whoever listens."""
        news = ",".join(sorted(news_of(group)))
        outcome: BaseException | None = None
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                done = await self._writing.execute(f"SELECT pg_notify('{CHANNEL}', '{news}'); COMMIT")
            if done != "COMMIT":
                outcome = NotCommitted("the database has undone it")
        except asyncpg.PostgresError as refused:
            # It said so, and goes on: nothing is stored. Where it ended the connection with that, nobody knows.
            await self._roll_back(refused)
            outcome = NotCommitted(_trouble(refused) or reason(refused))
            if self._writing is None:
                outcome = CommitUnclear(f"The database went away while committing: {reason(refused)}.")
        except BaseException as trouble:
            self._drop()
            outcome = CommitUnclear(f"The connection to the database failed while committing: {reason(trouble)}.")
            if not isinstance(trouble, Exception):
                raise
        if outcome is not None:
            for request in group:
                if request.good:
                    request.outcome = outcome
            return
        if self._after:
            await asyncio.to_thread(self._after, names)

    async def _roll_back(self, trouble: BaseException) -> None:
        """Ready for the next group, or without a connection."""
        if self._writing is None:
            return
        if is_lost(trouble) or self._writing.is_closed():
            self._drop()
            return
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await self._writing.execute("ROLLBACK")
        except Exception:
            self._drop()

    def _write_through(self, connection: Connection) -> None:
        self._writing = connection
        self._listening.own_process = connection.get_server_pid()

    def _drop(self) -> None:
        """Never close: that would wait for an answer."""
        if self._writing is not None:
            self._writing.terminate()
            self._writing = None


async def _nothing(connection: Connection) -> None:
    """Reading leaves nothing behind in a connection that would have to be reset."""


async def _read(connection: Connection, reads: Sequence[tuple[str, Values]], bound: Values) -> list[list[Row]]:
    async def rows(name: str, values: Values) -> list[Row]:
        block = positional(name)
        found: list[Row] = await connection.fetch(block.text, *block.arguments({**bound, **values}))
        return found

    if len(reads) == 1:
        return [await rows(*reads[0])]
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        return [await rows(*each) for each in reads]


async def _weaknesses(connection: Connection) -> list[str]:
    """The settings of the server with which a power failure takes what was answered, or damages everything."""
    settings = {name: await connection.fetchval(f"SHOW {name}") for name in ("fsync", "full_page_writes")}
    return [
        f"{name} is off in the database server; set it on" for name, set_to in settings.items() if set_to == "off"
    ]


def _trouble(trouble: BaseException) -> str | None:
    """What the matter is with the database, or None where it is with one commit."""
    return next((why for kind, why in _TROUBLE.items() if isinstance(trouble, kind)), None)


def _raise_of_database(trouble: Exception) -> None:
    """Go on only after trouble of one commit."""
    if is_lost(trouble) or _trouble(trouble) is not None:
        raise trouble


def _meaning(commit: Commit, trouble: Exception) -> Exception:
    """What a violated UNIQUE means to this commit, where it says so."""
    if isinstance(trouble, asyncpg.UniqueViolationError):
        key = _KEY.search(trouble.detail or "")
        column = f"{trouble.table_name}.{key[1] if key else ''}"
        if error := commit.clashes.get(column):
            return error(f"{column} is in use")
    return trouble
