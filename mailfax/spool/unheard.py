"""Faxes whose 250 may not have been heard, so that their mail may come again: each has a key.

In: keys, made by whoever accepts. Out: what is known of them. A key enters with its fax in the commit "accept", which
fails with ``SentBefore`` where another fax has it whose client is gone, or belongs to another process; it goes when
its client has heard. ``spool.unheard``.

LIMITS: neither forgetting nor marking is waited for (``engine.RIDE_SECONDS``). After a crash in that moment a fax
that was heard counts as unheard; so it does for another process.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from mailfax.rules.states import JobState
from mailfax.spool.commits import Commit, Hits, Outdated, SentBefore, Statement, Values
from mailfax.spool.engine import Engine, Result

#: Mail servers give up a mail after five days at the latest (RFC 5321 4.5.4.1: "at least 4-5 days").
KEPT_SECONDS: Final = 5 * 86_400.0
#: A row younger than now by more than this was written by a wrong clock.
AHEAD_SECONDS: Final = 86_400.0


class Keys(NamedTuple):
    """By what a fax is known again. ``key``: for certain. ``again``: where its client is gone, too; "" for none."""

    key: str
    again: str = ""


class Row(NamedTuple):
    """One fax by its key."""

    key: str
    job: str

    def values(self) -> Values:
        return {"key": self.key, "job": self.job}


@dataclass(frozen=True, slots=True)
class Found:
    """What is known of a key: its job; ``failed``: that has failed, was cancelled or is gone; ``heard``: its 250 was,
    just now; ``gone``: its client is, or it belongs to another process."""

    keys: Keys
    job: str
    failed: bool
    heard: bool
    gone: bool

    @property
    def row(self) -> Row:
        return Row(self.keys.key, self.job)

    def same(self) -> Statement:
        """The line of history that this fax came again, for the commit that does not fax it."""
        values = {
            "key": self.keys.key,
            "job": self.job,
            "event_word": "came again",
            "detail": f"same as {self.job}: not faxed again",
        }
        return Statement("unheard_same", values, Hits.ONE, SentBefore)


@dataclass(frozen=True, slots=True)
class Unheard:
    """One fax that is accepted. ``instead_of`` are those with its keys that forbid nothing: they are taken over.
    ``gone``: it is a resent one itself, so that its client counts as gone from the beginning."""

    keys: Keys
    job: str
    instead_of: tuple[Found, ...] = ()
    gone: bool = False

    @property
    def row(self) -> Row:
        return Row(self.keys.key, self.job)

    def statements(self) -> list[Statement]:
        """For the commit that accepts the job. Whoever comes second at taking over finds nothing there any more."""
        taken_over = [
            Statement("unheard_forget", found.row.values(), Hits.ONE, SentBefore) for found in self.instead_of
        ]
        values = {"key": self.keys.key, "job": self.job, "again": self.keys.again or None, "gone": int(self.gone)}
        return [*taken_over, Statement("unheard_add", values, Hits.ONE, SentBefore)]


class UnheardFaxes:
    """``spool.unheard``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._waiting: dict[str, Row] = {}  #: by job, to be forgotten with the next ride
        self._riding: dict[str, Row] = {}

    async def find(self, keys: Iterable[Keys]) -> list[Found]:
        """What is known of them."""
        asked = tuple(keys)
        wanted = {"keys": tuple(one.key for one in asked), "agains": tuple(one.again for one in asked if one.again)}
        [rows] = await self._engine.read(("unheard_find", wanted))
        return [
            Found(
                Keys(row["key"], row["again"] or ""),
                row["job"],
                failed=row["state"] in (None, JobState.FAILED.value, JobState.CANCELLED.value),
                heard=row["job"] in self._waiting or row["job"] in self._riding,
                gone=bool(row["gone"]) or row["epoch"] != self._engine.epoch,
            )
            for row in rows
        ]

    async def same(self, found: Iterable[Found]) -> None:
        """A mail came again and nothing of it is faxed. Raises ``SentBefore`` where that is not so any more."""
        await self._engine.commit(Commit("same-as", tuple(one.same() for one in found)))

    def gone(self, rows: Sequence[Row]) -> None:
        """Their client is gone and has not heard. Stored before whatever is asked for from now on."""
        values = tuple(row.values() for row in rows)
        ride = self._engine.ride(Commit("not-heard", (Statement("unheard_gone", values, Hits.SOME),)))
        ride.add_done_callback(lambda ride: ride.exception())  # where it was forgotten meanwhile, nothing is missing

    def forget(self, rows: Iterable[Row]) -> None:
        """Their 250 was heard: sent again, they are new faxes. Becomes durable with a later commit, or soon."""
        self._waiting |= {row.job: row for row in rows}
        if not self._riding:
            self.set_off()

    def set_off(self) -> None:
        """All that wait, in one commit; those that come meanwhile wait for its end, and take the next."""
        if self._waiting:
            batch, self._waiting = self._waiting, {}
            self._riding |= batch
            values = tuple(row.values() for row in batch.values())
            ride = self._engine.ride(Commit("heard", (Statement("unheard_forget", values, Hits.SOME),)))
            ride.add_done_callback(functools.partial(self._arrived, batch))

    def _arrived(self, batch: dict[str, Row], ride: asyncio.Future[Sequence[Result]]) -> None:
        """Durable, or there was no such key any more."""
        ride.exception()
        for job in batch:
            self._riding.pop(job, None)
        self.set_off()

    async def sweep(self) -> None:
        """Forget what nobody sends again any more."""
        now = self._engine.clock()
        times = {"before": now - KEPT_SECONDS, "after": now + AHEAD_SECONDS}
        with contextlib.suppress(Outdated):
            await self._engine.commit(Commit("swept", (Statement("unheard_sweep", times, Hits.SOME),)))
