"""Faxes whose 250 may not have been heard, so that their mail may come again: each has a unique key.

In: keys, made by whoever accepts. Out: what is known of them. The key enters with its fax in the commit "accept",
which fails with ``SentBefore`` where it is there already; it goes when its client went on speaking.
``spool.unheard``.

LIMITS: forgetting is not waited for. After a crash in that moment a fax that was heard counts as unheard.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from mailfax.rules.states import JobState
from mailfax.spool.commits import Commit, Hits, Outdated, SentBefore, Statement, Values
from mailfax.spool.engine import CommitUnclear, Engine, NotCommitted, Result

#: Mail servers give up a mail after five days at the latest (RFC 5321 4.5.4.1: "at least 4-5 days").
KEPT_SECONDS: Final = 5 * 86_400.0
#: A row younger than now by more than this was written by a wrong clock.
AHEAD_SECONDS: Final = 86_400.0


@dataclass(frozen=True, slots=True)
class Unheard:
    """One fax by its key. ``instead_of`` is the job that the key may belong to now, and that forbids nothing."""

    key: str
    job: str
    instead_of: str = ""

    def add(self) -> Statement:
        """For the commit that accepts the job."""
        values = {"key": self.key, "job": self.job, "instead_of": self.instead_of}
        return Statement("unheard_add", values, Hits.ONE, SentBefore)


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a key: its job; ``failed``: that has failed, was cancelled or is gone; ``heard``: its 250 was,
    just now."""

    key: str
    job: str
    failed: bool
    heard: bool

    def same(self) -> Statement:
        """The line of history that this fax came again, for the commit that does not fax it."""
        values = {
            "key": self.key,
            "job": self.job,
            "event_word": "came again",
            "detail": f"same as {self.job}: not faxed again",
        }
        return Statement("unheard_same", values, Hits.ONE, SentBefore)


class UnheardFaxes:
    """``spool.unheard``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[str, Values] = {}  #: by job, to be forgotten with the next ride
        self._riding: dict[str, Values] = {}

    async def find(self, keys: Sequence[str]) -> dict[str, Found]:
        """What is known of each key; those of which nothing is are left out."""
        [rows] = await self._engine.read(("unheard_find", {"keys": tuple(keys)}))
        return {
            row["key"]: Found(
                row["key"],
                row["job"],
                failed=row["state"] in (None, JobState.FAILED.value, JobState.CANCELLED.value),
                heard=row["job"] in self._waiting or row["job"] in self._riding,
            )
            for row in rows
        }

    async def same(self, found: Iterable[Found]) -> None:
        """A mail came again and nothing of it is faxed. Raises ``SentBefore`` where that is not so any more."""
        await self._engine.commit(Commit("same-as", tuple(one.same() for one in found)))

    def forget(self, heard: Iterable[Unheard]) -> None:
        """Their 250 was heard: sent again, they are new faxes. Becomes durable with one of the next commits."""
        self._waiting |= {one.job: {"key": one.key, "job": one.job} for one in heard}
        if not self._riding:
            self.set_off()

    def set_off(self) -> None:
        """All that wait, in one commit; those that come meanwhile wait for its end, and take the next."""
        if self._waiting:
            batch, self._waiting = self._waiting, {}
            self._riding |= batch
            commit = Commit("heard", (Statement("unheard_forget", tuple(batch.values()), Hits.SOME),))
            self._engine.ride(commit).add_done_callback(functools.partial(self._arrived, batch))

    def _arrived(self, batch: dict[str, Values], ride: asyncio.Future[Sequence[Result]]) -> None:
        """Durable, or there was no such key any more; where the disk failed, they ride again."""
        if isinstance(ride.exception(), NotCommitted | CommitUnclear):
            self._waiting = batch | self._waiting
        for job in batch:
            self._riding.pop(job, None)
        self.set_off()

    async def sweep(self) -> None:
        """Forget what nobody sends again any more."""
        now = self._engine.clock()
        times = {"before": now - KEPT_SECONDS, "after": now + AHEAD_SECONDS}
        with contextlib.suppress(Outdated):
            await self._engine.commit(Commit("swept", (Statement("unheard_sweep", times, Hits.SOME),)))
