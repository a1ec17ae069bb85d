"""Faxes as an operator asks for them, with their sender, their subject and the last word on them.

In: filters, or a text. Out: ``Queued`` values, newest first, any number of them, a page at a time. ``spool.queue``.

LIMITS: ``find`` reads every row: about a second for a million faxes, in the reader thread.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mailfax.rules.job import FaxJob, InboundFax, Letter
from mailfax.rules.states import JobState
from mailfax.spool.engine import Engine
from mailfax.spool.rows import Row, inbound_of, job_of, letter_of, readable


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which faxes: all that is given must hold. ``sender`` is an address or "@domain", ``number`` the end of one."""

    states: tuple[JobState, ...] | None = None  #: None: whatever their state
    account: str = ""
    sender: str = ""
    number: str = ""
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Queued:
    """A fax with what its row does not say. ``document`` is that state; ``detail`` what was said of its own last."""

    job: FaxJob
    sender: str
    subject: str
    document: str
    detail: str


class Queue:
    """``spool.queue``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def listing(self, wanted: Wanted, *, limit: int = 100, offset: int = 0) -> list[Queued]:
        """Newest first."""
        values: dict[str, Any] = {
            "account": wanted.account,
            "sender": _escaped(wanted.sender, "%" if wanted.sender.startswith("@") else ""),
            "number": _escaped(re.sub(r"\D", "", wanted.number), "%") if wanted.number else "",
            "since": wanted.since,
            "limit": limit,
            "offset": offset,
        }
        if wanted.states is None:
            return await self._read("queue_all", values)
        return await self._read("queue_waiting", values | {"states": tuple(state.value for state in wanted.states)})

    async def find(self, text: str, limit: int = 100) -> tuple[list[Queued], list[InboundFax], list[Letter]]:
        """Faxes, received faxes and letters that have ``text`` in a number, an ID, an address or the subject."""
        digits = re.sub(r"\D", "", text)
        values = {
            "text": _escaped(text, "%", "%"),
            # "+1 (555) 123-4567" finds what is dialled as 15551234567; two digits would find everything.
            "digits": f"%{digits}%" if len(digits) > 3 and not re.search(r"[^\W\d]", text) else "",
            "limit": limit,
        }
        jobs = await self._read("queue_find", values)
        [faxes, mails] = await self._engine.read(("inbound_find", values), ("letter_find", values))
        return (
            jobs,
            await readable(self._engine, "inbound", inbound_of, faxes),
            await readable(self._engine, "letter", letter_of, mails),
        )

    async def received(self, queue_id: str) -> InboundFax | None:
        """The received fax of that queue ID."""
        [rows] = await self._engine.read(("inbound_by_queue_id", {"queue_id": queue_id}))
        faxes: Sequence[InboundFax] = await readable(self._engine, "inbound", inbound_of, rows)
        return faxes[0] if faxes else None

    async def _read(self, name: str, values: dict[str, Any]) -> list[Queued]:
        [rows] = await self._engine.read((name, values))
        return await readable(self._engine, "job", _queued, rows)


def _queued(row: Row) -> Queued:
    return Queued(job_of(row), row["of_sender"], row["of_subject"], row["of_document"], row["last_detail"])


def _escaped(text: str, before: str = "", after: str = "") -> str:
    """A pattern for LIKE in which the text stands for itself; empty for no text."""
    # SQL's LOWER is sure of ASCII alone.
    lower = "".join(char.lower() if char.isascii() else char for char in text)
    return before + re.sub("([%_!])", r"!\1", lower) + after if text else ""
