"""What pages ask: the faxes of one user, how many there were in each hour, and who has seen which. ``spool.shown``.

In: ``Owner``, and filters as for operators. Out: the same values as ``spool.queue`` gives.

LIMITS: a text is looked for in all faxes of the user; pages go by when the message came.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from mailfax.rules.job import InboundFax
from mailfax.rules.states import JobState
from mailfax.spool.commits import Commit
from mailfax.spool.engine import Engine
from mailfax.spool.queue import Queue, Queued, Wanted, digits_in, escaped, lower
from mailfax.spool.rows import history, inbound_of, readable

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose faxes: those that ``login`` sent, and those that came from one of ``addresses``."""

    login: str
    addresses: tuple[str, ...]

    def has(self, sender: str, login: str) -> bool:
        """Whether a message of that sender and login is theirs."""
        return lower(sender) in self.lowered or bool(login and lower(login) == lower(self.login))

    @property
    def lowered(self) -> tuple[str, ...]:
        return tuple(lower(address) for address in self.addresses)

    def recipients(self) -> tuple[str, ...]:
        """As a letter of a received fax has them."""
        return tuple(json.dumps([address]) for address in self.lowered) or ("",)


@dataclass(frozen=True, slots=True)
class Hour:
    """``at`` is when it began; ``faxes``: state word -> how many that were accepted in it are there now."""

    at: float
    faxes: dict[str, int]
    received: int = 0


@dataclass(frozen=True, slots=True)
class Spent:
    """``faxes`` of a sender and billing code to numbers that begin with ``prefix``, and their pages that arrived."""

    sender: str
    code: str
    prefix: str
    faxes: int
    pages: int


class Shown:
    """``spool.shown``."""

    def __init__(self, engine: Engine, queue: Queue) -> None:
        self._engine, self._queue = engine, queue

    async def faxes(
        self, owner: Owner, wanted: Wanted, text: str = "", *, limit: int = 100, offset: int = 0
    ) -> list[Queued]:
        """Those of a user, newest first; ``text`` as in ``queue.find``."""
        values: dict[str, Any] = {
            "states": tuple(JobState if wanted.states is None else wanted.states),
            "number": escaped(re.sub(r"\D", "", wanted.number), "%") if wanted.number else "",
            "since": wanted.since,
            "text": escaped(text, "%", "%"),
            "digits": escaped(digits_in(text), "%", "%"),
            "limit": limit + offset,
        }
        found = await self._engine.read(
            ("shown_by_login", values | {"who": lower(owner.login)}),
            *(("shown_by_address", values | {"who": address}) for address in owner.lowered),
        )
        newest = sorted({(row["received_at"], row["queue_id"]) for rows in found for row in rows}, reverse=True)
        named = await self._queue.named(queue_id for _, queue_id in newest[offset : offset + limit])
        return sorted(named, key=lambda each: each.job.accepted_at, reverse=True)

    async def received(self, owner: Owner, *, limit: int = 100, offset: int = 0) -> list[InboundFax]:
        """Received faxes that were mailed to a user, newest first."""
        values = {"recipients": owner.recipients(), "limit": limit, "offset": offset}
        [rows] = await self._engine.read(("shown_received", values))
        return await readable(self._engine, "inbound", inbound_of, rows)

    async def may_see_received(self, owner: Owner, queue_id: str) -> bool:
        """Whether a received fax was mailed to them."""
        values = {"recipients": owner.recipients(), "about": queue_id}
        [rows] = await self._engine.read(("shown_received_one", values))
        return bool(rows)

    async def hours(self, since: float) -> list[Hour]:
        """Each full hour since then in which there was any fax, oldest first."""
        [sent, received] = await self._engine.read(
            ("shown_hours", {"since": since}), ("shown_hours_received", {"since": since})
        )
        hours: dict[int, Hour] = {}
        for row in sent:
            hours.setdefault(row["hour"], Hour(row["hour"] * HOUR, {})).faxes[row["state"]] = row["n"]
        for row in received:
            before = hours.get(row["hour"], Hour(row["hour"] * HOUR, {}))
            hours[row["hour"]] = Hour(before.at, before.faxes, row["n"])
        return [hours[hour] for hour in sorted(hours)]

    async def spent(self, since: float, *, digits: int) -> list[Spent]:
        """What was faxed since then; ``digits``: how long the prefixes are."""
        [rows] = await self._engine.read(("shown_spent", {"since": since, "prefix_size": digits}))
        return [Spent(row["sender"], row["code"], row["prefix"], row["faxes"], row["pages"]) for row in rows]

    async def by_key(self, header_message_id: str) -> str:
        """The queue ID of what was sent by the pages under that Message-ID, or ""."""
        [rows] = await self._engine.read(("shown_by_key", {"header_message_id": header_message_id}))
        return str(rows[0]["queue_id"]) if rows else ""

    async def viewed(self, queue_id: str, what: str, by: str) -> None:
        """Write down that somebody sees the content of a fax; durable before it is shown."""
        await self._engine.commit(Commit("viewed", (history(queue_id, "viewed", "", f"{what}, by {by}"),)))
