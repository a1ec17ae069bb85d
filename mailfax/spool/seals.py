"""The history under seal: a chain of hashes over its lines, and the proof that none was changed. ``spool.seals``.

In: the lines that were written since the last seal. Out: seals, each over the one before; ``Verdict``. Lines are
written by many at once, so they are not chained as they are written: whoever seals waits until every transaction that
could still add a line below the newest has ended, and keeps nobody waiting. What retention deletes leaves its hash in
the seal, and a line that says which lines went (``retention.py``): so a lawful deletion is told from any other.

LIMITS: lines younger than the last seal (a minute) are proven by nothing. Whoever can write to the database can make
the whole chain anew: then it has not the seal that you kept elsewhere (docs/decisions/0013-seals-of-the-history.md).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mailfax.spool.commits import Commit, Hits, Outdated, Statement
from mailfax.spool.engine import Engine, Row

#: Lines of one seal at the most, and seals that are read together.
BATCH, PAGE = 1000, 50
#: How often, and how long apart, those who write are looked at before sealing is left for the next time.
TRIES, TRY_SECONDS = 20, 0.1
#: The queue ID and the event of the line that says what retention deleted; the statements write them.
DELETED: Final = ("[retention]", "deleted")
#: So much of a line's hash stands in its seal: with its seq, 32 bytes.
LEAF_BYTES, _LEAF = 24, struct.Struct(">q24s")
#: So many problems are told.
MOST_PROBLEMS = 100


@dataclass(frozen=True, slots=True)
class Seal:
    """A seal. ``name`` is what to keep elsewhere."""

    number: int
    made_at: float
    last_seq: int
    leaves: bytes
    hash: str

    @property
    def name(self) -> str:
        return f"{self.number}:{self.hash}"

    @property
    def lines(self) -> int:
        return len(self.leaves) // _LEAF.size


NONE = Seal(0, 0.0, 0, b"", "")


@dataclass(slots=True)
class Verdict:
    """What was found. ``lines`` are there and sealed, ``deleted`` were by retention, ``unsealed`` are too new.

    ``soonest``: after how many seconds under seal the first of the deleted went. ``problems``: a sentence each, in
    the order of the history, of ``MOST_PROBLEMS`` at the most; none: the history is whole.
    """

    newest: Seal = NONE
    lines: int = 0
    deleted: int = 0
    unsealed: int = 0
    soonest: float = 0.0
    problems: list[str] = field(default_factory=list)

    def wrong(self, sentence: str) -> None:
        if len(self.problems) < MOST_PROBLEMS:
            self.problems.append(sentence)


class Seals:
    """``spool.seals``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(self) -> Seal | None:
        """Seal the oldest lines that have none; None where there are none, or where it can't be known yet."""
        [newest] = await self._engine.read(("seal_newest", {}))
        before = _seal(newest[0]) if newest else NONE
        settled = await self._settled()
        [rows] = await self._engine.read(("history_span", _span(before.last_seq, settled, BATCH)))
        if not rows:
            return None
        seal = _next(before, self._engine.clock(), rows)
        values = {
            "seal": seal.number,
            "sealed_at": seal.made_at,
            "last_seq": seal.last_seq,
            "leaves": seal.leaves,
            "hash": seal.hash,
        }
        try:
            await self._engine.commit(Commit("sealed", (Statement("seal_add", values, Hits.ONE),)))
        except Outdated:
            return None  # another process was quicker
        return seal

    async def _settled(self) -> int:
        """No line up to this seq is added any more; 0 where that can't be known yet.

        A line has its seq from a transaction that held its lock on the table by then: all who hold one after the
        newest line was read are waited for, but for nobody who came later.
        """
        [[row]] = await self._engine.read(("history_newest", {}))
        writing: set[str] | None = None
        for _ in range(TRIES):
            [rows] = await self._engine.read(("history_writers", {}))
            now = {row["holder"] for row in rows}
            writing = now if writing is None else writing & now
            if not writing:
                return int(row["seq"])
            await asyncio.sleep(TRY_SECONDS)
        return 0

    async def verify(self, kept: str = "") -> Verdict:
        """Recompute everything. ``kept``: the name of a seal that was kept elsewhere, which must be in the chain."""
        verdict, missing, before = Verdict(), dict[int, Seal](), NONE
        names = {""}
        while True:
            [rows] = await self._engine.read(("seal_after", {"seal": before.number, "limit": PAGE}))
            if not rows:
                break
            for row in rows:
                seal = _seal(row)
                names |= {seal.name} & {kept}
                _judge_seal(verdict, before, seal)
                await self._judge_lines(verdict, missing, before, seal)
                before = seal
        verdict.newest = before
        after = before.last_seq
        while rows := (await self._engine.read(("history_span", _span(after, 2**62, BATCH))))[0]:
            verdict.unsealed += len(rows)
            _lawful(verdict, missing, rows)
            after = rows[-1]["seq"]
        for seq, seal in missing.items():
            verdict.wrong(f"line {seq} was removed; it was there when seal {seal.number} was made")
        if kept not in names:
            verdict.wrong(
                f"seal {kept} is not in the chain: it was made anew, or cut off, or this spool is an older copy"
            )
        return verdict

    async def _judge_lines(self, verdict: Verdict, missing: dict[int, Seal], before: Seal, seal: Seal) -> None:
        leaves = dict(_LEAF.iter_unpack(seal.leaves)) if len(seal.leaves) % _LEAF.size == 0 else {}
        # Lines of seals that are gone are not held against this one.
        behind = before.last_seq if seal.number == before.number + 1 else min(leaves, default=seal.last_seq) - 1
        while rows := (await self._engine.read(("history_span", _span(behind, seal.last_seq, BATCH))))[0]:
            behind = rows[-1]["seq"]
            good = []
            for row in rows:
                known = leaves.pop(row["seq"], None)
                if known is None:
                    verdict.wrong(f"{_named(row)} was inserted; it was not there when seal {seal.number} was made")
                elif known != _hashed(row):
                    verdict.wrong(f"{_named(row)} was altered after seal {seal.number} was made")
                else:
                    good.append(row)
            verdict.lines += len(good)
            _lawful(verdict, missing, good)
        missing |= dict.fromkeys(leaves, seal)


def _judge_seal(verdict: Verdict, before: Seal, seal: Seal) -> None:
    if seal.number != before.number + 1:
        verdict.wrong(f"the seals between {before.number} and {seal.number} were removed")
    elif seal.hash != _chained(before.hash, seal.number, seal.made_at, seal.last_seq, seal.leaves):
        verdict.wrong(f"seal {seal.number} was altered, or one before it was made anew")


def _lawful(verdict: Verdict, missing: dict[int, Seal], rows: Sequence[Row]) -> None:
    """What these lines say that retention deleted is not missing."""
    for row in rows:
        if (row["queue_id"], row["event"]) != DELETED:
            continue
        for word in str(row["detail"]).split():
            seal = missing.pop(int(word), None) if word.isdecimal() and len(word) < 20 else None
            if seal is not None:
                waited = row["at"] - seal.made_at
                verdict.soonest = min(verdict.soonest, waited) if verdict.deleted else waited
                verdict.deleted += 1


def _next(before: Seal, now: float, rows: Sequence[Row]) -> Seal:
    leaves = b"".join(_LEAF.pack(row["seq"], _hashed(row)) for row in rows)
    number, last = before.number + 1, rows[-1]["seq"]
    return Seal(number, now, last, leaves, _chained(before.hash, number, now, last, leaves))


def _chained(before: str, number: int, made_at: float, last_seq: int, leaves: bytes) -> str:
    return _sha256(before, number, made_at, last_seq, hashlib.sha256(leaves).hexdigest()).hex()


def _hashed(row: Row) -> bytes:
    """The leaf of a line. A NUL counts as what PostgreSQL keeps of it, so that a line may move there."""
    values = (row["seq"], row["at"], row["queue_id"], row["event"], row["state"], row["detail"])
    return _sha256(*(each.replace("\0", "\ufffd") if isinstance(each, str) else each for each in values))[:LEAF_BYTES]


def _sha256(*values: Any) -> bytes:
    """Of a JSON array in ASCII: anybody can compute it."""
    return hashlib.sha256(json.dumps(values, separators=(",", ":"), default=repr).encode("ascii")).digest()


def _named(row: Row) -> str:
    return f"line {row['seq']} ({row['queue_id'] or '-'}: {row['event']})"


def _span(after: int, last: int, limit: int) -> dict[str, int]:
    return {"behind": after, "last_seq": last, "limit": limit}


def _seal(row: Row) -> Seal:
    return Seal(row["number"], row["made_at"], row["last_seq"], _octets(row["leaves"]), row["hash"])


def _octets(value: Any) -> bytes:
    """What somebody has put there instead of leaves is no reason to fail."""
    return value if isinstance(value, bytes) else repr(value).encode()
