"""``Spool``: the rooms of the spool over one engine. Opening it allocates this process's epoch by a commit."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from mailfax.spool.accounts import Accounts
from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.connection import spool_path
from mailfax.spool.content import Contents
from mailfax.spool.damage import Damage
from mailfax.spool.documents import Documents
from mailfax.spool.engine import Bell, Engine, Hook, NotCommitted
from mailfax.spool.history import History
from mailfax.spool.inbound import Inbound
from mailfax.spool.intake import Intake
from mailfax.spool.jobs import Jobs
from mailfax.spool.ledger import Ledger
from mailfax.spool.moments import make_wrong_moments_due
from mailfax.spool.outbox import Outbox
from mailfax.spool.queue import Queue
from mailfax.spool.sweep import ORPHAN_SECONDS, sweep_orphans
from mailfax.spool.unheard import UnheardFaxes
from mailfax.spool.usage import Usage


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

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.content = Contents(engine)
        self.outbox = Outbox(engine, self.content)
        self.usage = Usage(engine, self.outbox)
        self.unheard = UnheardFaxes(engine)
        self.intake = Intake(engine, self.content, self.outbox, self.usage)
        self.documents = Documents(engine, self.content, self.outbox, self.usage)
        self.jobs = Jobs(engine, self.outbox)
        self.accounts = Accounts(engine, self.outbox)
        self.ledger = Ledger(engine)
        self.inbound = Inbound(engine, self.content, self.outbox)
        self.history = History(engine)
        self.queue = Queue(engine)
        self.damage = Damage(engine, self.outbox)

    @classmethod
    async def open(
        cls,
        url: str,
        base: Path,
        *,
        clock: Callable[[], float] = time.time,
        before_commit: Hook | None = None,
        after_commit: Hook | None = None,
    ) -> Spool:
        """Open or make the spool of ``url``, relative to ``base``. Raises ``SpoolRefused``.

        The hooks get the names of the commits of a group, in the writer thread, just before and just after it
        becomes durable.
        """
        engine = await asyncio.to_thread(Engine, spool_path(url, base), clock, before_commit, after_commit)
        engine.start()
        try:
            started = Statement("process_start", {"host": socket.gethostname(), "pid": os.getpid()}, Hits.ONE)
            others = (Statement("process_forget", {}), Statement("unheard_all_gone", {}))
            results = await engine.commit(Commit("process-started", (started, *others)))
            engine.epoch = int(results[0].rows[0]["epoch"])
        except BaseException:
            await engine.close()
            raise
        return cls(engine)

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

    def bell(self, news: Iterable[str] | None = None) -> Bell:
        """Rings at each commit of this process that has one of these names, or a statement that has; with None at
        every commit. Each carrier takes its own."""
        return self._engine.bell(news)

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
            "notifications": await self.outbox.next_at(),
        }
        return {what: max(0.0, self.now() - first) for what, first in firsts.items()}

    async def mend_moments(self, longest_lease: float) -> int:
        """Make due what waits for a moment that only a wrong clock can have written: how many rows."""
        return await make_wrong_moments_due(self._engine, longest_lease)

    async def sweep(self) -> int:
        """Forget old hours and keys; remove content files without a row that nobody touched for an hour: how many."""
        await self.usage.sweep()
        await self.unheard.sweep()
        # Files carry the time of the file system, not of the spool's clock.
        return await sweep_orphans(self._engine, self.content.root, time.time() - ORPHAN_SECONDS)
