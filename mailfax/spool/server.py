"""A PostgreSQL server as the spool uses it: how it is reached, what a connection needs, the newest schema.

In: ``postgresql://user@host/database``, and the password from the environment. Out: connections, and in plain words
why there is none. Off loopback they are encrypted, and the server's certificate is verified.

STANDARDS: PostgreSQL 13 or newer; connection URIs of libpq (34.1.1.2) with hosts, ports and a socket's folder.
LIMITS: a pooler that gives each transaction another connection (PgBouncer's transaction mode) can't stand between.
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import asyncpg

from mailfax.config.places import database_hosts, is_loopback
from mailfax.spool.engine import SpoolRefused
from mailfax.spool.sql import MIGRATING, POSTGRESQL, migrations

#: So long a server has to take a connection, in seconds.
CONNECT_SECONDS: Final = 10.0
OLDEST_VERSION: Final = 13

_SETTINGS: Final = {
    "application_name": "mailfax",
    "default_transaction_isolation": "read committed",
    "jit": "off",  # costs more than any statement of ours
    # Who is stopped in the middle of a transaction, or whose machine is gone, keeps no lock for long.
    "idle_in_transaction_session_timeout": "15s",
    "lock_timeout": "10s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}

Connection = Any  #: asyncpg.Connection: the library has no types

#: What a connection that is lost, or can't be had, raises; beside what the server says before it ends one.
_LOST: Final = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
_ENDED: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.CannotConnectNowError,
    asyncpg.IdleInTransactionSessionTimeoutError,
    asyncpg.ReadOnlySQLTransactionError,  # it was the primary, and is none any more
    asyncpg.TargetServerAttributeNotMatched,
)


def is_lost(trouble: BaseException) -> bool:
    """Whether this connection is of no use any more, or there was none."""
    # An argument of a wrong type is an InterfaceError, too.
    return isinstance(trouble, (*_LOST, *_ENDED)) and not isinstance(trouble, ValueError | TypeError)


@dataclass(frozen=True)
class Server:
    """Where it is, and who we are there."""

    url: str
    password: str = ""
    ca_file: Path | None = None

    @property
    def name(self) -> str:
        """The URL without its scheme, for people."""
        return self.url.partition("://")[2]

    async def connect(self) -> Connection:
        """A connection in autocommit mode, to a server that can be written to."""
        connection = await asyncpg.connect(**self.arguments())
        try:
            await make_durable(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    def arguments(self) -> Mapping[str, Any]:
        """What every connection is opened with."""
        return {
            "dsn": self.url,
            "password": self.password or None,
            "ssl": self._encryption(),
            "timeout": CONNECT_SECONDS,
            "server_settings": dict(_SETTINGS),
            "target_session_attrs": "read-write",
            # There are some hundred statements, and the text of none of them ever changes.
            "statement_cache_size": 500,
            "max_cached_statement_lifetime": 0,
        }

    def _encryption(self) -> ssl.SSLContext | bool:
        if all(is_loopback(host) for host in database_hosts(self.url)):
            return False
        return ssl.create_default_context(cafile=str(self.ca_file) if self.ca_file else None)

    async def open(self, now: float | None) -> Connection:
        """The first connection, at the newest schema. ``now``: the clock of the spool, or None for that of the
        server. Raises ``SpoolRefused``."""
        try:
            connection = await self.connect()
        except asyncpg.InvalidAuthorizationSpecificationError as refused:
            said = "set MAILFAX_SPOOL_PASSWORD in the environment or in .env" if not self.password else str(refused)
            raise SpoolRefused(f"{self.name}: the server does not let this user in: {said}") from refused
        except ssl.SSLError as trouble:
            raise SpoolRefused(
                f"{self.name}: its certificate can't be verified ({trouble.reason}); set ca_file in [spool] to the "
                "authority that signed it"
            ) from trouble
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as trouble:
            raise SpoolRefused(f"{self.name}: can't be opened as the spool: {reason(trouble)}") from trouble
        try:
            await self._check(connection)
            await self._migrate(connection, now)
        except (asyncpg.PostgresError, asyncpg.InterfaceError, OSError, TimeoutError) as trouble:
            connection.terminate()
            raise SpoolRefused(f"{self.name}: can't be brought to the newest schema: {reason(trouble)}") from trouble
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _check(self, connection: Connection) -> None:
        version = connection.get_server_version()
        if version.major < OLDEST_VERSION:
            raise SpoolRefused(f"{self.name}: PostgreSQL {version.major} is too old; {OLDEST_VERSION} is needed")
        encoding = await connection.fetchval("SHOW server_encoding")
        if encoding != "UTF8":
            raise SpoolRefused(
                f"{self.name}: the database has the encoding {encoding}; make one with "
                "createdb --encoding=UTF8 --template=template0"
            )

    async def _migrate(self, connection: Connection, now: float | None) -> None:
        """Apply what is missing, in one transaction, one process at a time. A newer schema is refused."""
        async with connection.transaction():
            await connection.execute("SET LOCAL lock_timeout = 0")
            await connection.execute("SELECT pg_advisory_xact_lock($1)", MIGRATING)
            await connection.execute(
                "CREATE TABLE IF NOT EXISTS migration ("
                "number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
            )
            newest = await connection.fetchval("SELECT COALESCE(MAX(number), 0) FROM migration")
            known = migrations(POSTGRESQL)
            if newest > len(known):
                raise SpoolRefused(
                    f"{self.name}: was written by a newer mailfax (schema {newest}, this one knows {len(known)}). "
                    "Install that version, or restore a backup made before the upgrade."
                )
            for number, name, statements in known[newest:]:
                for statement in statements:
                    await connection.execute(statement)
                await connection.execute(
                    "INSERT INTO migration VALUES ($1, $2, "
                    "COALESCE($3::float8, extract(epoch FROM clock_timestamp())::float8))",
                    *(number, name, now),
                )


async def make_durable(connection: Connection) -> None:
    """Whatever this database or user was told: a commit that returned is on the disk."""
    if await connection.fetchval("SHOW synchronous_commit") == "off":
        await connection.execute("SET synchronous_commit = on")


def reason(trouble: BaseException) -> str:
    """What is the matter, in a few words."""
    return str(trouble).partition("\n")[0] or type(trouble).__name__
