"""What befalls a whole site: its spool comes back as an older copy, and its wall clock leaps by a day.

In: a seed. Out: what is then not promised (``docs/reference/durability.md``): mails that came after the copy was made
are lost with it, and what was told meanwhile may be told again.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import sqlite3
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mailfax.spool.mark import mark_of
from tests.simulation.clockwork import elapsed, this_loop
from tests.simulation.judge import Taken

if TYPE_CHECKING:
    from tests.simulation.world import World

DAY = 86_400.0
#: A copy is the worst where it has a fax that is handed over soon: one is waited for, so many half seconds.
WAITING = "SELECT 1 FROM job WHERE state IN ('accepted', 'ready', 'deferred')"
PATIENCE = 600


class Mishaps:
    """Those of one seed. They are drawn by a chance of their own, so that seeds without any stay what they were."""

    def __init__(self, world: World, length: float) -> None:
        self._world = world
        self._chance = chance = random.Random(f"{world.seed} mishaps")
        self.restores = chance.random() < 0.3
        self.leaps = chance.random() < 0.3
        self.declared = chance.random() < 0.5
        #: Whether a person still has to say so at the next start.
        self.to_declare = False
        self.over = asyncio.Event()
        self.over.set()
        self.copied = chance.uniform(200.0, length)
        self.put_back = self.copied + chance.uniform(60.0, chance.choice((length / 4, length / 4, 5400.0)))
        self.restored = False
        self._sessions: dict[str, list[tuple[float, float]]] = {}

    @property
    def settled(self) -> bool:
        return self.restored or not self.restores

    def handed_over(self, mail: str, began: float) -> None:
        """A client handed a mail over, from ``began`` until now."""
        self._sessions.setdefault(mail, []).append((began, elapsed()))

    def is_lost(self, mail: str) -> bool:
        """Whether it came after the copy was made: nobody knows of it any more, so nothing is promised."""
        sessions = self._sessions.get(mail, ())
        return self.restored and any(began <= self.put_back and end >= self.copied for began, end in sessions)

    def remembered(self, mailbox: Sequence[Taken]) -> list[Taken]:
        """The notifications of which the spool knows: the others are told once more."""
        return [one for one in mailbox if not (self.restored and self.copied <= one.at <= self.put_back)]

    async def restore(self) -> None:
        """Copy the database, put it back later, and let notifications go later still."""
        if not self.restores:
            return
        world, file = self._world, self._world.folder / "spool.db"
        await asyncio.sleep(self.copied)
        copy = sqlite3.connect(":memory:")
        with contextlib.closing(copy), contextlib.closing(sqlite3.connect(file)) as now:
            for _ in range(PATIENCE):
                if now.execute(WAITING).fetchone():
                    break
                await asyncio.sleep(0.5)
            self.put_back += elapsed() - self.copied
            self.copied = elapsed()
            now.backup(copy)
            world.note("copied", "the spool")
            await asyncio.sleep(self.put_back - elapsed())
            self.over.clear()
            for process in tuple(world.running):
                process.die("an older copy is put back")
            while world.running:
                await asyncio.sleep(1.0)
            self.put_back = elapsed()
            if self.declared:
                mark_of(file).unlink(missing_ok=True)
                self.to_declare = True
            copy.backup(now)
            self.restored = True
        world.note("restored", "declared" if self.declared else "not declared")
        self.over.set()
        await asyncio.sleep(self._chance.uniform(600.0, 7200.0))
        while not world.over:
            for process in tuple(world.processes):
                with contextlib.suppress(asyncio.CancelledError):
                    if await process.spawn(process.spool.recovery.release()):
                        world.note("released", "notifications")
            await asyncio.sleep(600.0)

    async def leap(self) -> None:
        """The wall clock leaps by a day, and is put right within the hour, by an operator or an NTP daemon."""
        if not self.leaps:
            return
        loop, world = this_loop(), self._world
        for _ in range(self._chance.choice((1, 2))):
            await asyncio.sleep(self._chance.uniform(300.0, world.storm_ends / 2))
            loop.leapt = self._chance.choice((-DAY, DAY))
            world.note("the clock leaps", f"{loop.leapt:.0f}")
            await asyncio.sleep(self._chance.uniform(60.0, 3000.0))
            loop.leapt = 0.0
            world.note("the clock is put right")
