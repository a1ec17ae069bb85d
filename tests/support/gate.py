"""The whole entrance of mailfax for tests from outside: real configuration, listeners, rules, proofs and spool.

The service runs in a thread of this process and carries nothing, so that what has arrived stays to be looked at.
``Gate.ports`` names the listeners' ports; ``Gate.arrivals()`` tells every mail as the spool has it.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import sqlite3
import threading
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import trustme

from mailfax.config import Config, load
from mailfax.passwords import hash_password
from mailfax.service import Service, loop_factory

HEAD = """\
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "gate.example.com"
password_file = "passwords"

[spool]
url = "sqlite:///spool.db"

[[account]]
name = "main"
base_url = "http://127.0.0.1:9/api/"
username = "5557152222"
deliver_to = ["office@example.com"]

[relay]
maildir = "mail"
"""


@dataclass(frozen=True)
class Arrival:
    """One mail in the spool: its rows, and every byte of it."""

    message: Mapping[str, Any]
    jobs: tuple[Mapping[str, Any], ...]
    content: bytes

    @property
    def numbers(self) -> list[str]:
        return [job["number"] for job in self.jobs]

    def notify(self) -> list[set[str] | None]:
        """What each recipient's sender wants to hear about; None where nothing was said."""
        return [None if job["notify"] is None else set(job["notify"].split(",")) for job in self.jobs]


class Gate:
    """A running entrance."""

    def __init__(self, folder: Path, service: Service, loop: asyncio.AbstractEventLoop) -> None:
        self.folder, self._service, self._loop = folder, service, loop
        assert service.listeners is not None
        self.ports = {name: port for name, (_, port) in service.listeners.addresses.items()}
        self._seen: set[str] = set()

    def arrivals(self) -> list[Arrival]:
        """The mails that came since this was asked last, in the order in which they came."""
        with closing(sqlite3.connect(f"file:{self.folder / 'spool.db'}?mode=ro", uri=True, timeout=10)) as database:
            database.row_factory = sqlite3.Row
            messages = database.execute("SELECT * FROM message ORDER BY received_at, queue_id").fetchall()
            jobs = database.execute("SELECT * FROM job ORDER BY queue_id").fetchall()
        new = [dict(row) for row in messages if row["queue_id"] not in self._seen]
        self._seen |= {row["queue_id"] for row in new}
        return [
            Arrival(
                row,
                tuple(dict(job) for job in jobs if job["message"] == row["queue_id"]),
                self._content(row["content_id"]),
            )
            for row in new
        ]

    def _content(self, content_id: str) -> bytes:
        reading = self._service.spool.content.read(content_id)
        return asyncio.run_coroutine_threadsafe(reading, self._loop).result()


@contextmanager
def gate(folder: Path, listeners: str, users: Mapping[str, str] | None = None, *, keys: str = "") -> Iterator[Gate]:
    """Open the gate. ``listeners``: its ``[[listener]]`` and ``[[sender]]`` tables, "{pem}" standing for a
    certificate with its key; ``users``: "name" or "name:listener" -> password; ``keys``: keys above all tables.
    The authority is ``ca.pem``."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(folder / "ca.pem")
    pem = folder / "gate.pem"
    certificate = authority.issue_cert("127.0.0.1", "localhost", "gate.example.com")
    certificate.private_key_and_cert_chain_pem.write_to_path(pem)
    (folder / "mailfax.toml").write_text(
        keys + HEAD + listeners.replace("{pem}", f'certificate = "{pem}"\nkey = "{pem}"')
    )
    lines = []
    for user, password in (users or {}).items():
        name, bound, listener = user.partition(":")
        lines.append(f"{name}:{hash_password(password)}{bound}{listener}\n")
    (folder / "passwords").touch(0o600)
    (folder / "passwords").write_text("".join(lines))
    config = load(folder / "mailfax.toml", {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "secret"})
    opened: concurrent.futures.Future[tuple[Service, asyncio.AbstractEventLoop]] = concurrent.futures.Future()
    closing_time = threading.Event()
    thread = threading.Thread(target=_serve, args=(config, opened, closing_time))
    thread.start()
    try:
        yield Gate(folder, *opened.result(timeout=30))
    finally:
        closing_time.set()
        thread.join()


def _serve(config: Config, opened: concurrent.futures.Future[Any], closing_time: threading.Event) -> None:
    """A thread's whole life: build, wait, close. Stopped before it runs, a service carries nothing."""

    async def serve() -> None:
        try:
            service = await Service.start(config)
        except BaseException as trouble:
            opened.set_exception(trouble)
            return
        opened.set_result((service, asyncio.get_running_loop()))
        await asyncio.to_thread(closing_time.wait)
        service.stop()
        await service.run()

    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve())
