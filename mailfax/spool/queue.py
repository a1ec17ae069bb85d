"""Faxes as an operator asks for them, with their sender, their subject and the last word on them.

In: filters, or a text. Out: ``Queued`` values, newest first, any number of them, a page at a time. ``spool.queue``.

LIMITS: a whole domain as sender reads every row in the reader thread, and so does ``find`` for less than three
characters, or on a PostgreSQL without pg_trgm.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mailfax.rules.job import FaxJob, InboundFax, Letter
from mailfax.rules.states import NON_FINAL, JobState
from mailfax.spool.engine import Engine
from mailfax.spool.rows import Row, inbound_of, job_of, letter_of, readable

#: Rows read at a time.
EXPORTED = 1000
#: Ended, and no page of it is known to have arrived.
NOT_DELIVERED = (JobState.FAILED, JobState.CANCELLED, JobState.UNCONFIRMED)


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which faxes: all that is given must hold. ``sender`` is an address or "@domain", ``number`` the end of one."""

    states: tuple[JobState, ...] | None = None  #: None: whatever their state
    account: str = ""
    sender: str = ""
    number: str = ""
    since: float = 0.0
    accounts: tuple[str, ...] | None = None  #: of these alone; None: of all


@dataclass(frozen=True, slots=True)
class Queued:
    """A fax with what its row does not say. ``document`` is that state; ``detail`` what was said of its own last."""

    job: FaxJob
    sender: str
    subject: str
    document: str
    detail: str


#: States whose faxes have an index of their own, and the question that reads it.
_INDEXED = {
    "queue_open": frozenset(NON_FINAL),
    "queue_not_delivered": frozenset(NOT_DELIVERED),
    "queue_delivered": frozenset({JobState.DELIVERED}),
}


class Queue:
    """``spool.queue``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def listing(self, wanted: Wanted, *, limit: int = 100, offset: int = 0) -> list[Queued]:
        """Newest first."""
        states = frozenset(JobState if wanted.states is None else wanted.states)
        values: dict[str, Any] = {
            "states": tuple(state.value for state in states),
            **among(wanted.accounts, wanted.account),
            "number": escaped(re.sub(r"\D", "", wanted.number), "%") if wanted.number else "",
            "since": wanted.since,
            "limit": limit,
            "offset": offset,
        }
        if wanted.sender and not wanted.sender.startswith("@"):
            return await self.rows("queue_of_sender", values | {"sender": lower(wanted.sender)})
        values["domain"] = escaped(wanted.sender, "%")
        if wanted.states is None:
            del values["states"]
            return await self.rows("queue_all", values)
        indexed = (name for name, few in _INDEXED.items() if states <= few)
        return await self.rows(next(indexed, "queue_of_states"), values)

    async def find(
        self, text: str, limit: int = 100, accounts: tuple[str, ...] | None = None
    ) -> tuple[list[Queued], list[InboundFax], list[Letter]]:
        """Faxes, received faxes and letters that have ``text`` in a number, an address, the subject or an ID; that of
        the fax service must be whole. Of the letters those that wait or are stuck, and one whose ID this is.
        ``accounts``: the faxes of these alone, and no letters."""
        texts = {text, digits_in(text) or text}
        values = {"text": escaped(text, "%", "%"), "limit": limit}
        [of_ids, mails, letters] = await self._engine.read(
            ("fax_id_find", {"fax_id": text, "limit": limit}),
            ("letter_find", values),
            ("letter_get", {"letter_id": text.upper()}),
        )
        queue_ids = {row["owner"] for row in of_ids}
        for question in ("accepted_find", "searchable_find"):
            queue_ids |= await self._search(question, texts, limit, accounts)
        jobs = await self.named(queue_ids)
        [faxes] = await self._engine.read(("inbound_rows", {"queue_ids": tuple(queue_ids)}))
        mails += [row for row in letters if row["letter_id"] not in {known["letter_id"] for known in mails}]
        if accounts is not None:  # those whose own ID this is were found whatever their account
            jobs = [each for each in jobs if each.job.account in accounts]
            faxes, mails = [row for row in faxes if row["account"] in accounts], []
        return (
            jobs[:limit],
            (await readable(self._engine, "inbound", inbound_of, faxes))[:limit],
            await readable(self._engine, "letter", letter_of, mails),
        )

    async def _search(
        self, question: str, texts: Iterable[str], limit: int, accounts: tuple[str, ...] | None
    ) -> set[str]:
        """The queue IDs of what has one of the texts: of each the newest ``limit``, whether sent or received."""
        values = [
            {"text": escaped(text, "%", "%"), "loosely": f"%{lower(text)}%", "limit": limit, **among(accounts)}
            for text in texts
        ]
        found = await self._engine.read(*((question, each) for each in values))
        return {row["queue_id"] for rows in found for row in rows}

    async def received(self, queue_id: str) -> InboundFax | None:
        """The received fax of that queue ID."""
        [rows] = await self._engine.read(("inbound_by_queue_id", {"queue_id": queue_id}))
        faxes: Sequence[InboundFax] = await readable(self._engine, "inbound", inbound_of, rows)
        return faxes[0] if faxes else None

    async def export(
        self, direction: str, *, since: float, until: float, sender: str = ""
    ) -> AsyncIterator[dict[str, Any]]:
        """All faxes that were accepted ("sent") or listed ("received") since then, oldest first, as the columns of
        the statements ``export_…``. ``sender``: as in ``Wanted``, of faxes that were sent alone."""
        whole = sender.startswith("@")
        values: dict[str, Any] = {"since": since, "up_to": until, "at": 0.0, "id": "", "limit": EXPORTED}
        if direction == "sent":
            values["sender"] = "" if whole else lower(sender)
            values["domain"] = escaped(sender, "%") if whole else ""
        while True:
            [rows] = await self._engine.read((f"export_{direction}", values))
            for row in rows:
                yield dict(row)
            if len(rows) < EXPORTED:
                return
            last = rows[-1]
            values |= {"at": last["at"], "id": last["queue_id" if direction == "sent" else "fax_id"]}

    async def rows(self, question: str, values: dict[str, Any]) -> list[Queued]:
        """The page is found first: neither the rows before it nor those after it are joined with anything."""
        [found] = await self._engine.read((question, values))
        return await self.named(row["queue_id"] for row in found)

    async def named(self, queue_ids: Iterable[str]) -> list[Queued]:
        [rows] = await self._engine.read(("queue_rows", {"queue_ids": tuple(queue_ids)}))
        return await readable(self._engine, "job", _queued, rows)


def among(accounts: tuple[str, ...] | None, account: str = "") -> dict[str, Any]:
    """The values of a statement that asks for faxes of these accounts; of the one that is named, where it is among
    them."""
    if account:
        accounts = (account,) if accounts is None or account in accounts else ()
    return {"everywhere": int(accounts is None), "accounts": accounts or ()}


def _queued(row: Row) -> Queued:
    return Queued(job_of(row), row["of_sender"], row["of_subject"], row["of_document"], row["last_detail"])


def digits_in(text: str) -> str:
    """The digits of a text that is a number: "+1 (555) 123-4567" finds what is dialled as 15551234567. "" for any
    other, and for a few digits, which would find everything."""
    digits = "" if re.search(r"[^\W\d]", text) else re.sub(r"\D", "", text)
    return digits if len(digits) > 3 else ""


def escaped(text: str, before: str = "", after: str = "") -> str:
    """A pattern for LIKE in which the text stands for itself; empty for no text."""
    return before + re.sub("([%_!])", r"!\1", lower(text)) + after if text else ""


def lower(text: str) -> str:
    """As SQL's LOWER, which is sure of ASCII alone."""
    return "".join(char.lower() if char.isascii() else char for char in text)
