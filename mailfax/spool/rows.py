"""Rows become values, and values become parameters. A row that can't be read is moved aside and stops nothing else.

In: rows of the spool's tables. Out: the frozen values of ``rules.job``. A damaged row (an unknown state word, text
where a time belongs) is logged once, flagged in the commit "moved-aside", and from then on in no list and no claim;
``Spool.counts`` shows how many there are.
"""

from __future__ import annotations

import dataclasses
import json
import logging
import operator
from collections.abc import Callable, Iterable, Mapping
from typing import Any, TypeVar

from mailfax.config.targets import MAIL, kind_of
from mailfax.rules.envelope import Notify
from mailfax.rules.job import Document, FaxJob, InboundFax, Letter, Message, Spelling, Status
from mailfax.rules.states import InboundState, JobState, LetterState
from mailfax.spool.commits import Commit, Hits, Outdated, Statement
from mailfax.spool.engine import Engine, NotCommitted

log = logging.getLogger("mailfax.spool")
Row = Any  #: sqlite3.Row: columns by name
T = TypeVar("T")

#: What a damaged row raises while it is read.
_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError)
#: Table -> its key columns.
_KEYS = {
    "document": ("message",),
    "job": ("queue_id",),
    "inbound": ("account", "fax_id"),
    "letter": ("letter_id",),
}


async def readable(engine: Engine, table: str, make: Callable[[Row], T], rows: Iterable[Row]) -> list[T]:
    """The rows as values; damaged ones are moved aside."""
    values: list[T] = []
    for row in rows:
        try:
            values.append(make(row))
        except _UNREADABLE as trouble:
            await move_aside(engine, table, {key: row[key] for key in _KEYS[table]}, trouble)
    return values


async def move_aside(engine: Engine, table: str, key: Mapping[str, Any], trouble: Exception) -> None:
    """Flag a row that can't be read, with a line of log and of history."""
    name = " ".join(str(part) for part in key.values())
    log.error("%s %s in the spool can't be read (%s); it is moved aside", table, name, trouble)
    try:
        await engine.commit(
            Commit(
                "moved-aside",
                (
                    Statement(f"{table}_aside", key, Hits.ONE),
                    history(str(tuple(key.values())[-1]), "moved aside", "damaged", f"this {table} can't be read"),
                ),
            )
        )
    except (Outdated, NotCommitted):
        log.debug("%s %s was not moved aside now", table, name)


def history(queue_id: str, event: str, state: str, detail: str = "") -> Statement:
    """One line of history. Neither subjects nor whole numbers belong into ``detail``."""
    return Statement(
        "history_add",
        {"queue_id": queue_id, "event_word": event, "state": state, "detail": detail},
        Hits.ONE,
    )


def message_of(row: Row) -> Message:
    values = _plain(Message, row)
    return Message(**values | {"success_notice": bool(row["success_notice"])})


def message_in_part(row: Row) -> Message:
    """A message whose row is damaged: what can't be read is empty."""
    blanks: dict[str, tuple[object, type | tuple[type, ...]]] = {
        "str": ("", str),
        "int": (0, int),
        "float": (0.0, (int, float)),
        "bool": (True, int),
    }
    values: dict[str, Any] = {}
    for field in dataclasses.fields(Message):
        blank, kind = blanks[str(field.type)]
        values[field.name] = row[field.name] if isinstance(row[field.name], kind) else blank
    return Message(**values)


def message_values(message: Message) -> dict[str, Any]:
    return _fields(message) | {"success_notice": int(message.success_notice)}


def document_of(row: Row) -> Document:
    if row["state"] not in ("pending", "ready", "impossible", "unneeded"):
        raise ValueError(f"unknown state {row['state']!r}")
    return Document(
        **_plain(Document, row)
        | {
            "contents": tuple(json.loads(row["contents"])),
            "skipped": tuple(json.loads(row["skipped"])),
            "slow": bool(row["slow"]),
        }
    )


def document_values(was: Document, now_is: Document) -> dict[str, Any]:
    return _fields(now_is) | {
        "contents": json.dumps(now_is.contents),
        "skipped": json.dumps(now_is.skipped),
        "slow": int(now_is.slow),
        "was_version": was.version,
        "was_epoch": was.epoch,
    }


def _wish_of(words: str | None) -> frozenset[Notify] | None:
    return None if words is None else frozenset(Notify(word) for word in words.split(",") if word)


def _wish(notify: frozenset[Notify] | None) -> str | None:
    return None if notify is None else ",".join(sorted(notify))


def job_of(row: Row) -> FaxJob:
    code = row["status_code"]
    return FaxJob(
        **_plain(FaxJob, row)
        | {
            "state": JobState(row["state"]),
            "notify": _wish_of(row["notify"]),
            "also": tuple(
                Spelling(address, orcpt, _wish_of(wish)) for address, orcpt, wish in json.loads(row["also"])
            ),
            "cancel_requested": bool(row["cancel_requested"]),
            "delay_told": bool(row["delay_told"]),
            "preview": bool(row["preview"]),
            "status": None if code is None else Status(code, row["status_sentence"], row["status_diagnostic"]),
        }
    )


def job_values(job: FaxJob) -> dict[str, Any]:
    status = job.status
    values = _fields(job) | {
        "state": job.state.value,
        "notify": _wish(job.notify),
        "also": json.dumps([(each.address, each.orcpt, _wish(each.notify)) for each in job.also]),
        "cancel_requested": int(job.cancel_requested),
        "delay_told": int(job.delay_told),
        "preview": int(job.preview),
        "epoch_was": job.epoch,
        "status_code": status.code if status else None,
        "status_sentence": status.sentence if status else None,
        "status_diagnostic": status.diagnostic if status else None,
    }
    del values["status"], values["epoch"]
    return values


def inbound_of(row: Row) -> InboundFax:
    return InboundFax(**_plain(InboundFax, row) | {"state": InboundState(row["state"])})


def inbound_values(fax: InboundFax) -> dict[str, Any]:
    return _fields(fax) | {"state": fax.state.value}


def letter_of(row: Row) -> Letter:
    recipients = tuple(json.loads(row["recipients"]))
    return Letter(**_plain(Letter, row) | {"state": LetterState(row["state"]), "recipients": recipients})


def letter_values(letter: Letter) -> dict[str, Any]:
    values = _fields(letter) | {
        "state": letter.state.value,
        "recipients": json.dumps(letter.recipients),
        "elsewhere": int(any(kind_of(recipient) != MAIL for recipient in letter.recipients)),
    }
    del values["content"], values["file"], values["epoch"]
    return values


def _fields(value: object) -> dict[str, Any]:
    names, read = _READERS[type(value)]
    return dict(zip(names, read(value), strict=True))


def _reader(kind: type) -> tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]]]:
    names = tuple(field.name for field in dataclasses.fields(kind))
    return names, operator.attrgetter(*names)


#: Field names, and what reads them all at once: a mail is two such values, a fax is one at each step.
_READERS: dict[type, tuple[tuple[str, ...], Callable[[object], tuple[Any, ...]]]] = {
    kind: _reader(kind) for kind in (Message, Document, FaxJob, InboundFax, Letter)
}


def _plain(kind: type, row: Row) -> dict[str, Any]:
    """The columns that a value's fields are named after; numbers must be numbers, SQLite would take anything."""
    columns = set(row.keys())
    values: dict[str, Any] = {}
    for field in dataclasses.fields(kind):
        if field.name in columns:
            value = row[field.name]
            if field.type in _NUMBERS and not isinstance(value, _NUMBERS[str(field.type)]):
                raise ValueError(f"{field.name} is not a number")
            values[field.name] = value
    return values


_NUMBERS: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "float": (int, float),
    "int | None": (int, type(None)),
    "float | None": (int, float, type(None)),
}
