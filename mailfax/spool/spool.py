"""``Spool``: the parts of the spool over one engine. Opening it allocates this process's epoch by a commit."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailfax.config import Config, RetentionConfig
from mailfax.spool.accounts import Accounts
from mailfax.spool.bearers import Bearers
from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.connection import spool_path
from mailfax.spool.content import Contents
from mailfax.spool.damage import Damage
from mailfax.spool.documents import Documents
from mailfax.spool.engine import Bell, Engine, Hook, NotCommitted, Result, SpoolRefused
from mailfax.spool.history import History
from mailfax.spool.inbound import Inbound
from mailfax.spool.intake import Intake
from mailfax.spool.jobs import Jobs
from mailfax.spool.large import Chunks, Files, Large
from mailfax.spool.ledger import Ledger
from mailfax.spool.moments import make_wrong_moments_due
from mailfax.spool.outbox import Outbox
from mailfax.spool.processes import Processes
from mailfax.spool.queue import Queue
from mailfax.spool.recovery import Recovery
from mailfax.spool.reports import Reports
from mailfax.spool.retention import Retention
from mailfax.spool.seals import Seals
from mailfax.spool.shown import Shown
from mailfax.spool.sqlite import SqliteEngine
from mailfax.spool.unheard import UnheardFaxes
from mailfax.spool.usage import Usage

KEEP_ALL = RetentionConfig()
#: So often the first commit of a process is tried: each try waits for locks (10 s on PostgreSQL).
FIRST_TRIES = 3


def is_postgresql(url: str) -> bool:
    """Whether a spool is a PostgreSQL database."""
    return url.startswith(("postgresql://", "postgres://"))


@dataclass(frozen=True, slots=True)
class Counts:
    """How many of each there are, by state word; ``damaged`` by table, and those are in none of the others."""

    jobs: dict[str, int] = field(default_factory=dict)
    letters: dict[str, int] = field(default_factory=dict)
    inbound: dict[str, int] = field(default_factory=dict)
    documents: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, int] = field(default_factory=dict)


class Spool:
    """All durable state. Made by ``open``; belongs to the event loop in which that ran."""

    def __init__(self, engine: Engine, large: Large) -> None:
        self._engine = engine
        self.content = Contents(engine, large)
        self.outbox = Outbox(engine, self.content)
        self.usage = Usage(engine, self.outbox)
        self.unheard = UnheardFaxes(engine)
        self.intake = Intake(engine, self.content, self.outbox, self.usage)
        self.documents = Documents(engine, self.content, self.outbox, self.usage)
        self.jobs = Jobs(engine, self.outbox)
        self.reports = Reports(engine, self.outbox)
        self.accounts = Accounts(engine, self.outbox)
        self.ledger = Ledger(engine, self.outbox)
        self.inbound = Inbound(engine, self.content, self.outbox)
        self.history = History(engine)
        self.seals = Seals(engine)
        self.queue = Queue(engine)
        self.damage = Damage(engine, self.outbox)
        self.recovery = Recovery(engine, self.outbox)
        self.processes = Processes(engine)
        self.bearers = Bearers(engine)
        self.shown = Shown(engine, self.queue)
        self.retention = Retention(engine, self.content)

    @classmethod
    async def open(
        cls,
        url: str,
        base: Path,
        *,
        password: str = "",
        ca_file: Path | None = None,
        clock: Callable[[], float] | None = None,
        serves: bool = False,
        before_commit: Hook | None = None,
        after_commit: Hook | None = None,
    ) -> Spool:
        """Open or make the spool of ``url``, relative to ``base``. Raises ``SpoolRefused``.

        ``serves``: this is the service, no command. ``password`` and ``ca_file`` are for a PostgreSQL server.
        group, in another thread than that of the event loop, just before and just after it becomes durable.
        """
        engine: Engine
        large: Large
        noticed: tuple[Statement, ...] = ()
        if is_postgresql(url):
            # Most need no second engine: its library is read only where it is used.
            from mailfax.spool.postgresql import PostgresqlEngine
            from mailfax.spool.server import Server

            shared = await PostgresqlEngine.open(Server(url, password, ca_file), clock, before_commit, after_commit)
            engine, large = shared, Chunks(shared)
        else:
            path = spool_path(url, base)
            file = await asyncio.to_thread(SqliteEngine, path, clock or time.time, before_commit, after_commit)
            if file.is_older_copy():
                noticed = (Statement("recovery_begin", {}),)
            file.start()
            engine, large = file, Files(file, path.parent / "content")
        try:
            values = {"host": socket.gethostname(), "pid": os.getpid(), "serves": int(serves)}
            started = Statement("process_start", values, Hits.ONE)
            others = (
                Statement("process_forget", {}),
                Statement("unheard_all_gone", {}),
                Statement("content_none", {"bytes": b""}),
            )
            results = await _first(engine, Commit("process-started", (started, *others, *noticed)))
            engine.epoch = int(results[0].rows[0]["epoch"])
        except BaseException:
            await engine.close()
            raise
        return cls(engine, large)

    async def close(self) -> None:
        """Finish what is pending, and give the accounts that this process polls back."""
        self.unheard.set_off()
        ended = (Statement("process_end", {}, Hits.ONE), Statement("process_release_accounts", {}))
        try:
            await self._engine.commit(Commit("process-ended", ended))
        except NotCommitted:
            pass  # its leases run out by themselves
        finally:
            await self._engine.close()

    @property
    def epoch(self) -> int:
        """This process, among all that ever opened this spool."""
        return self._engine.epoch

    def now(self) -> float:
        """The spool's clock."""
        return self._engine.clock()

    @property
    def hears_others(self) -> bool:
        """Whether bells ring for what other processes commit, too."""
        return self._engine.hears_others

    def bell(self, news: Iterable[str] | None = None) -> Bell:
        """Rings at each commit that has one of these names, or a statement that has; with None at every commit. On
        SQLite for commits of this process alone. Each worker takes its own."""
        return self._engine.bell(news)

    async def weaknesses(self) -> list[str]:
        """What makes it less durable than it should be, in a clause each."""
        return await self._engine.weaknesses()

    async def counts(self) -> Counts:
        counts = Counts()
        tables = {
            "job": counts.jobs,
            "letter": counts.letters,
            "inbound": counts.inbound,
            "document": counts.documents,
        }
        [rows] = await self._engine.read(("counts", {}))
        for row in rows:
            table, word = (counts.damaged, row["what"]) if row["damaged"] else (tables[row["what"]], row["state"])
            table[word] = table.get(word, 0) + row["n"]
        return counts

    async def backlog(self, accounts: Sequence[str]) -> dict[str, float]:
        """For how many seconds the first of the faxes to submit, documents to make and notifications to send has been
        due; 0 where none is."""
        heads = await self.jobs.heads(accounts)
        documents = [await self.documents.next_at(slow=slow) for slow in (False, True)]
        firsts = {
            "faxes": min([heads.deferred, *heads.ready.values()]),
            "documents": min(documents),
            "notifications": min(await self.outbox.next_at()),
        }
        return {what: max(0.0, self.now() - first) for what, first in firsts.items()}

    async def mend_moments(self, longest_lease: float) -> int:
        """Make due what waits for a moment that only a wrong clock can have written: how many rows."""
        return await make_wrong_moments_due(self._engine, longest_lease)

    async def sweep(self, retention: RetentionConfig = KEEP_ALL) -> int:
        """Forget old hours and keys, what ended longer ago than it is kept, and large contents without a row that
        nobody touched for an hour: how many of these."""
        await self.usage.sweep()
        await self.unheard.sweep()
        await self.retention.apply(retention)
        return await self.content.large.sweep()


async def _first(engine: Engine, commit: Commit) -> Sequence[Result]:
    """The results of the first commit. A process that stands still in the middle of one of its own holds others up,
    for 15 seconds at the most (``server``): it is waited for."""
    for _ in range(FIRST_TRIES - 1):
        with contextlib.suppress(NotCommitted):
            return await engine.commit(commit)
    try:
        return await engine.commit(commit)
    except NotCommitted as why:
        raise SpoolRefused(f"{why} Try again when that is over.") from None


async def open_spool(
    config: Config, *, serves: bool = False, before_commit: Hook | None = None, after_commit: Hook | None = None
) -> Spool:
    """The spool of a configuration, as ``Spool.open``."""
    spool = config.spool
    return await Spool.open(
        spool.url,
        config.source.parent,
        password=spool.password,
        ca_file=spool.ca_file,
        serves=serves,
        before_commit=before_commit,
        after_commit=after_commit,
    )
