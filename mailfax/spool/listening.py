"""What other processes commit, and what time it is there: one connection that listens to the PostgreSQL server.

In: notifications with the names of what was committed. Out: ``ring(names)``, or ``ring(None)`` where some may have
been missed. The spool's clock is the server's, so that machines whose clocks differ agree about every lease: it is
read now and then, and counted on by this machine's clock that nobody can set.

LIMITS: a notification says what, not which row; whoever it wakes asks the spool.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Iterable
from typing import Final

import asyncpg

from mailfax.clock import elapsed
from mailfax.spool.server import Connection, Server, is_lost

log = logging.getLogger("mailfax.spool")

CHANNEL: Final = "mailfax"
#: How often the server is asked for the time, which also shows whether it is there; and how long for an answer.
ASK_EVERY, ANSWER_SECONDS = 10.0, 10.0
#: After a lost connection, in seconds.
AGAIN_SECONDS: Final = 1.0


class ServerClock:
    """Seconds since 1970 UTC, by the server's clock."""

    def __init__(self) -> None:
        self._offset = 0.0

    def __call__(self) -> float:
        return elapsed() + self._offset

    async def set_by(self, connection: Connection) -> None:
        """Ask the server; the answer was true in the middle of the waiting for it."""
        before = elapsed()
        there = await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        self._offset = there - (before + elapsed()) / 2


class Listening:
    """Listens until it is closed, through every loss of the connection."""

    def __init__(
        self, server: Server, clock: ServerClock | None, ring: Callable[[Iterable[str] | None], None]
    ) -> None:
        self._server, self._clock, self._ring = server, clock, ring
        self._task: asyncio.Task[None] | None = None
        self.own_process = 0  #: of the connection that commits for us: its notifications are no news

    async def start(self) -> None:
        """Nothing is missed from here on. May raise what ``Server.connect`` does."""
        connection = await self._begin()
        self._task = asyncio.create_task(self._listen(connection), name="spool-listener")

    async def close(self) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _begin(self) -> Connection:
        connection = await self._server.connect()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                await connection.add_listener(CHANNEL, self._heard)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _listen(self, connection: Connection) -> None:
        while True:
            try:
                await self._stay(connection)
            except Exception as trouble:
                if not is_lost(trouble):
                    log.exception("listening to the database failed")
            finally:
                connection.terminate()
            log.warning("the database can't be reached; mailfax goes on when it is there again")
            connection = await self._begin_again()
            log.warning("the database is there again")
            self._ring(None)

    async def _begin_again(self) -> Connection:
        while True:
            await asyncio.sleep(AGAIN_SECONDS)
            with contextlib.suppress(asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError):
                return await self._begin()

    async def _stay(self, connection: Connection) -> None:
        """Until the connection is lost."""
        gone = asyncio.Event()
        connection.add_termination_listener(lambda _: gone.set())
        while not connection.is_closed():
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_EVERY):
                    await gone.wait()
                    return
            async with asyncio.timeout(ANSWER_SECONDS):
                if self._clock is not None:
                    await self._clock.set_by(connection)
                else:
                    await connection.fetchval("SELECT 1")

    def _heard(self, connection: Connection, process: int, channel: str, names: str) -> None:
        if process != self.own_process:
            self._ring(names.split(","))
