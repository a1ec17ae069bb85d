"""What the sandbox keeps: one SQLite file and a folder of documents, so that it survives being killed.

A fax is accepted when its row is committed; its document was written and fsynced before. One connection, used
from one thread at a time; SQLite's exclusive lock keeps a second sandbox out of the same folder.

STANDARDS  SQLite WAL with synchronous=FULL: a committed row survives loss of power.
LIMITS     One machine, one process.
"""

from __future__ import annotations

import json
import os
import sqlite3
import uuid
from collections.abc import Iterable, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA = """
CREATE TABLE IF NOT EXISTS account (username TEXT PRIMARY KEY, prefix INTEGER NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS seen (call TEXT PRIMARY KEY) STRICT;
CREATE TABLE IF NOT EXISTS fax (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,  -- never used again, so that ids only rise
    id TEXT NOT NULL UNIQUE,
    account TEXT NOT NULL,
    direction TEXT NOT NULL,                -- Outbound or Inbound
    number TEXT NOT NULL,                   -- as sent; of a received fax: the caller's, may be empty
    subject TEXT NOT NULL,
    cover TEXT NOT NULL,                    -- JSON of what its cover page says, or empty: no cover page
    sender TEXT NOT NULL,                   -- the number it was sent from
    recipient TEXT NOT NULL,                -- the number it was sent to
    filename TEXT NOT NULL,
    family TEXT NOT NULL,
    content_type TEXT NOT NULL,
    document TEXT NOT NULL,                 -- name of the file in documents/
    size INTEGER NOT NULL,
    sha256 TEXT NOT NULL,
    created REAL NOT NULL,                  -- the sandbox's clock
    started REAL NOT NULL,                  -- progress at acceptance
    visible_from REAL NOT NULL,             -- the sandbox's clock
    code TEXT NOT NULL,                     -- the magic number's NN, or empty
    pages INTEGER,                          -- cover included; NULL until somebody wants to know
    status TEXT NOT NULL,
    folder TEXT NOT NULL,
    next_at REAL,                           -- progress at which to look again; NULL: never
    completed REAL,
    delivered INTEGER NOT NULL,
    downloaded INTEGER NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS fax_listed ON fax (account, folder, seq, id, downloaded, visible_from, created);
CREATE INDEX IF NOT EXISTS fax_due ON fax (next_at) WHERE next_at IS NOT NULL;
CREATE INDEX IF NOT EXISTS fax_document ON fax (document);
"""


class StateInUse(Exception):
    """Another sandbox works in this folder; the message says so."""


@dataclass(frozen=True, slots=True)
class Draft:
    """A fax about to be stored; the columns of ``fax`` without its names."""

    account: str
    direction: str
    number: str
    subject: str
    cover: str
    sender: str
    recipient: str
    filename: str
    family: str
    content_type: str
    document: str
    size: int
    sha256: str
    created: float
    started: float
    visible_from: float
    code: str
    pages: int | None
    status: str
    folder: str
    next_at: float | None
    completed: float | None
    delivered: int
    downloaded: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Fax(Draft):
    """A stored fax."""

    seq: int
    id: str


_COLUMNS = ", ".join(each.name for each in fields(Draft))
_MARKS = ", ".join("?" for _ in fields(Draft))


class Store:
    """The folder of one sandbox. Every method that writes is durable when it returns."""

    def __init__(self, state: Path) -> None:
        self.documents = state / "documents"
        self.drawn = state / "drawn"
        for folder in (state, self.documents, self.drawn):
            folder.mkdir(parents=True, exist_ok=True)
        self._db = sqlite3.connect(state / "sandbox.db", isolation_level=None, check_same_thread=False, timeout=1)
        self._db.row_factory = sqlite3.Row
        try:
            self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = FULL")
            self._db.executescript(SCHEMA)
        except sqlite3.OperationalError as problem:
            self._db.close()
            raise StateInUse(
                f"The state folder {state} can't be used ({problem}); stop the other sandbox or name another folder."
            ) from problem
        self._sweep()

    def close(self) -> None:
        self._db.close()

    # --- accounts and settings ------------------------------------------------------------------------------

    def meet(self, usernames: Iterable[str]) -> None:
        """Give every account its own id prefix, from 208 as in the reference's examples (gap A13)."""
        with self._transaction():
            for username in usernames:
                self._db.execute(
                    "INSERT INTO account SELECT ?, coalesce(max(prefix) + 1, 208) FROM account WHERE true"
                    " ON CONFLICT DO NOTHING",
                    (username,),
                )

    def setting(self, name: str) -> Any:
        """The stored JSON value; None when there is none."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", (name,)).fetchone()
        return None if row is None else json.loads(row["value"])

    def set(self, name: str, value: Any) -> None:
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", (name, json.dumps(value)))

    def first_call(self, call: str) -> bool:
        """Whether this call was never seen before; from now on it was."""
        return self._db.execute("INSERT INTO seen VALUES (?) ON CONFLICT DO NOTHING", (call,)).rowcount == 1

    # --- faxes ----------------------------------------------------------------------------------------------

    def add(self, drafts: Sequence[Draft], guid: bool) -> list[str]:
        """Commit the faxes together; their ids, in order."""
        with self._transaction():
            return [self._insert(draft, guid) for draft in drafts]

    def _insert(self, draft: Draft, guid: bool) -> str:
        placeholder = str(uuid.uuid4())
        cursor = self._db.execute(
            f"INSERT INTO fax (id, {_COLUMNS}) VALUES (?, {_MARKS})",  # noqa: S608  column names are our own
            (placeholder, *astuple(draft)),
        )
        if guid:
            return placeholder
        named = self._db.execute(
            "UPDATE fax SET id = printf('%d%09d', (SELECT prefix FROM account WHERE username = fax.account),"
            " 100000000 + seq) WHERE seq = ? RETURNING id",
            (cursor.lastrowid,),
        ).fetchone()
        return str(named["id"])

    def fax(self, id: str) -> Fax | None:
        row = self._db.execute("SELECT * FROM fax WHERE id = ?", (id,)).fetchone()
        return None if row is None else _fax(row)

    def ids(self, account: str, folder: str, *, at: float, oldest: float, hide_downloaded: bool) -> list[str]:
        """The ids of a folder, newest first; faxes created before ``oldest`` have expired."""
        rows = self._db.execute(
            "SELECT id FROM fax WHERE account = ? AND folder = ? AND visible_from <= ? AND created >= ?"
            " AND downloaded <= ? ORDER BY seq DESC",
            (account, folder, at, oldest, int(not hide_downloaded)),
        )
        return [row["id"] for row in rows]

    def faxes(self, account: str, folder: str, *, limit: int, offset: int = 0) -> list[Fax]:
        """Newest first, hidden ones too; an empty account or folder means any."""
        rows = self._db.execute(
            "SELECT * FROM fax WHERE (account = ?1 OR ?1 = '') AND (folder = ?2 OR ?2 = '')"
            " ORDER BY seq DESC LIMIT ?3 OFFSET ?4",
            (account, folder, limit, offset),
        )
        return [_fax(row) for row in rows]

    def counts(self) -> dict[tuple[str, str], int]:
        """How many faxes lie in each folder of each account."""
        rows = self._db.execute("SELECT account, folder, count(*) AS n FROM fax GROUP BY account, folder")
        return {(row["account"], row["folder"]): row["n"] for row in rows}

    def due(self, progress: float) -> list[Fax]:
        """Faxes whose next step has begun, oldest first."""
        rows = self._db.execute("SELECT * FROM fax WHERE next_at <= ? ORDER BY seq", (progress,))
        return [_fax(row) for row in rows]

    def same_within(self, draft: Draft, seconds: float) -> bool:
        """Whether number, subject and bytes were accepted before, not longer ago than ``seconds`` (gap A36)."""
        row = self._db.execute(
            "SELECT 1 FROM fax WHERE account = ? AND direction = ? AND number = ? AND subject = ? AND sha256 = ?"
            " AND created >= ? LIMIT 1",
            (draft.account, draft.direction, draft.number, draft.subject, draft.sha256, draft.created - seconds),
        ).fetchone()
        return row is not None

    def change(self, changes: Iterable[tuple[int, dict[str, Any]]], arrivals: Sequence[Draft], guid: bool) -> None:
        """Set columns of faxes by ``seq`` and add what arrives through them, in one commit."""
        with self._transaction():
            for seq, columns in changes:
                setting = ", ".join(f"{name} = ?" for name in columns)
                self._db.execute(
                    f"UPDATE fax SET {setting} WHERE seq = ?",  # noqa: S608  column names are our own
                    (*columns.values(), seq),
                )
            for draft in arrivals:
                self._insert(draft, guid)

    def destroy(self, fax: Fax) -> None:
        """Forget a fax, and its document unless another fax shares it."""
        self._db.execute("DELETE FROM fax WHERE seq = ?", (fax.seq,))
        shared = self._db.execute("SELECT 1 FROM fax WHERE document = ? LIMIT 1", (fax.document,)).fetchone()
        if shared is None:
            (self.documents / fax.document).unlink(missing_ok=True)
        self.forget_drawing(fax.seq)

    def forget_drawing(self, seq: int) -> None:
        for path in self.drawn.glob(f"{seq}.*"):
            path.unlink(missing_ok=True)

    def reset(self) -> None:
        """Forget all faxes and settings; ids go on rising."""
        with self._transaction():
            for table in ("fax", "seen", "setting"):
                self._db.execute(f"DELETE FROM {table}")  # noqa: S608
        self._sweep()

    # --- documents ------------------------------------------------------------------------------------------

    def new_document(self) -> Path:
        """Where to write the bytes of an upload."""
        return self.documents / uuid.uuid4().hex

    def make_durable(self, document: Path) -> None:
        """The document survives loss of power from here on: the file first, then its name in the folder."""
        for path, flags in ((document, os.O_RDONLY), (self.documents, os.O_RDONLY | os.O_DIRECTORY)):
            handle = os.open(path, flags)
            try:
                os.fsync(handle)
            finally:
                os.close(handle)

    def _sweep(self) -> None:
        """Remove what a kill left behind: uploads that were never accepted, drawings of faxes that are gone."""
        owned = {row["document"] for row in self._db.execute("SELECT DISTINCT document FROM fax")}
        for path in self.documents.iterdir():
            if path.name not in owned:
                path.unlink()
        kept = {str(row["seq"]) for row in self._db.execute("SELECT seq FROM fax")}
        for path in self.drawn.iterdir():
            if path.name.partition(".")[0] not in kept or path.suffix == ".part":
                path.unlink()

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            yield
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")


def _fax(row: sqlite3.Row) -> Fax:
    return Fax(**{**{name: row[name] for name in row.keys()}, "downloaded": bool(row["downloaded"])})  # noqa: SIM118
