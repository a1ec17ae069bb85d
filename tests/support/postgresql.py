"""A PostgreSQL server of the tests' own: started in a folder of its own, on a socket and a loopback port, as a user
other than root, without a daemon of the system."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import asyncpg
import trustme

from mailfax.spool.server import Server
from tests.support.ports import free_port

#: Whatever the disk does is no question of these tests.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "on",
    "shared_buffers": "16MB",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
    "log_min_messages": "fatal",
    "ssl": "on",
}


#: Settings with which one can measure.
IN_USE = {
    "fsync": "on",
    "full_page_writes": "on",
    "shared_buffers": "128MB",
    "max_wal_size": "1GB",
    "autovacuum": "on",
}

#: A user that is asked for a password (``Cluster.lock``); beside it only one of the name "mailfax" is.
LOCKED = "locked"


def programs() -> Path:
    """Where ``initdb`` and its like are: Debian keeps them out of the PATH."""
    found = shutil.which("pg_ctl")
    assert found, "needs pg_ctl"
    return Path(found).resolve().parent


def user() -> dict[str, Any]:
    """As whom the server runs: it refuses to be root's."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            there = pwd.getpwnam(name)
            return {"user": there.pw_uid, "group": there.pw_gid, "extra_groups": ()}
    raise AssertionError("there is no user that the server could run as")


class Cluster:
    """One server. ``stop`` removes it with all its data."""

    def __init__(self, settings: dict[str, str] | None = None) -> None:
        self._settings = {**SETTINGS, **(settings or {})}
        self.folder = Path(tempfile.mkdtemp(prefix="pg-", dir=os.environ.get("TMPDIR", "/tmp")))
        self._numbers = itertools.count(1)
        self._template = ""
        self._user = user()
        if self._user:
            os.chown(self.folder, self._user["user"], self._user["group"])
        self.data = self.folder / "data"
        self.port = free_port()
        self._run("initdb", "-D", self.data, "-U", "tester", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync")
        rules = self.data / "pg_hba.conf"
        rules.write_text(f"host all {LOCKED},mailfax 127.0.0.1/32 scram-sha-256\n{rules.read_text()}")
        self.authority = trustme.CA()
        issued = self.authority.issue_cert("localhost")
        issued.cert_chain_pems[0].write_to_path(self.data / "server.crt")
        issued.private_key_pem.write_to_path(self.data / "server.key")
        for file in self.data.glob("server.*"):
            file.chmod(0o600)
            if self._user:
                os.chown(file, self._user["user"], self._user["group"])
        self.start()

    def _run(self, program: str, *arguments: object) -> None:
        done = subprocess.run(
            [programs() / program, *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, "LC_ALL": "C"},
            timeout=60,
            **self._user,
        )
        assert done.returncode == 0, done.stdout.decode()

    def start(self) -> None:
        settings = {**self._settings, "port": str(self.port), "unix_socket_directories": str(self.folder)}
        options = " ".join(f"-c {key}={value}" for key, value in settings.items())
        self._run("pg_ctl", "start", "-w", "-s", "-D", self.data, "-l", self.folder / "log", "-o", options)

    def kill(self) -> None:
        """As if the machine had lost its power."""
        self._run("pg_ctl", "stop", "-w", "-s", "-m", "immediate", "-D", self.data)

    def stop(self) -> None:
        with contextlib.suppress(AssertionError):
            self.kill()
        shutil.rmtree(self.folder, ignore_errors=True)

    def url(self, database: str) -> str:
        return f"postgresql://tester@127.0.0.1:{self.port}/{database}"

    async def lock(self, password: str) -> str:
        """The user that is asked for a password."""
        await self.run(f"DROP ROLE IF EXISTS {LOCKED}")
        await self.run(f"CREATE ROLE {LOCKED} SUPERUSER LOGIN PASSWORD '{password}'")
        return LOCKED

    async def empty_database(self) -> str:
        """The URL of a database without anything in it."""
        name = f"empty_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name}")
        return self.url(name)

    async def run(self, sql: str) -> None:
        connection = await asyncpg.connect(self.url("postgres"))
        try:
            await connection.execute(sql)
        finally:
            await connection.close()

    async def new_database(self) -> str:
        """The URL of a spool that nobody has opened yet: a copy of one at the newest schema, which is quick."""
        if not self._template:
            self._template = (await self.empty_database()).rpartition("/")[2]
            await (await Server(self.url(self._template)).open(None)).close()
        name = f"spool_{next(self._numbers)}"
        await self.run(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        return self.url(name)
