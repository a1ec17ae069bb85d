"""Who is signed in to the pages, and the tokens of programs. ``spool.bearers``.

In: the secret that a browser or a program shows. Kept is only its hash, so that a copy of the spool lets nobody in.
Each was drawn at random with 256 bits: it needs no salt, and is found by its hash.

LIMITS: when a session was used last is written down once a minute at the most.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from mailfax.spool.commits import Commit, Hits, Outdated, Statement
from mailfax.spool.engine import Engine
from mailfax.spool.rows import history

SESSION: Final = "session"
TOKEN: Final = "token"  # noqa: S105 - a word, not a secret
#: Seconds between two notes of one being used.
NOTED_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Bearer:
    """``stamp`` stands for the password of ``login`` when it was made; ``ends_at`` is 0 where it never ends."""

    hash: str
    kind: str
    name: str
    login: str
    stamp: str
    made_at: float
    used_at: float
    ends_at: float


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


class Bearers:
    """``spool.bearers``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def add(
        self, secret: str, kind: str, login: str, *, name: str = "", stamp: str = "", seconds: float = 0.0
    ) -> bool:
        """One more, good for ``seconds`` (0: for ever); those that have ended go. False: a token has that name."""
        values = {
            "hash": hashed(secret),
            "kind": kind,
            "name": name,
            "login": login,
            "stamp": stamp,
            "ends_at": self._engine.clock() + seconds if seconds else 0.0,
        }
        word = "signed in" if kind == SESSION else "token made"
        try:
            await self._engine.commit(
                Commit(
                    "bearer-added",
                    (
                        Statement("bearer_add", values, Hits.ONE),
                        Statement("bearer_sweep", {}),
                        history(login, word, "", name),
                    ),
                )
            )
        except Outdated:
            return False
        return True

    async def find(self, secret: str) -> Bearer | None:
        """Whose it is; None where there is no such one, or it has ended."""
        [rows] = await self._engine.read(("bearer_get", {"hash": hashed(secret)}))
        return Bearer(*rows[0]) if rows else None

    async def used(self, bearer: Bearer) -> None:
        """Note that it was used just now."""
        if abs(self._engine.clock() - bearer.used_at) < NOTED_SECONDS:
            return
        try:
            await self._engine.commit(
                Commit("bearer-used", (Statement("bearer_use", {"hash": bearer.hash}, Hits.ONE),))
            )
        except Outdated:
            return  # it has ended in between

    async def remove(self, kind: str, *, secret: str = "", name: str = "") -> bool:
        """End a session by its secret, or a token by its name; False where there is none."""
        values = {"kind": kind, "hash": hashed(secret) if secret else "", "name": name}
        try:
            await self._engine.commit(Commit("bearer-removed", (Statement("bearer_remove", values, Hits.ONE),)))
        except Outdated:
            return False
        return True

    async def tokens(self) -> list[Bearer]:
        """All tokens, by name."""
        [rows] = await self._engine.read(("bearer_tokens", {}))
        return [Bearer(*row) for row in rows]
