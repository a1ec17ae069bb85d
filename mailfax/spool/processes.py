"""The processes that serve, and what became of their last reload. ``spool.processes``.

LIMITS: one that died is among them for ever: whoever sends a signal looks first whether it lives.
"""

from __future__ import annotations

import socket
from dataclasses import dataclass

from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.engine import Engine


@dataclass(frozen=True, slots=True)
class Serving:
    """A ``mailfax serve`` that has not ended well. ``reloaded_at`` is on the spool's clock, 0 where it never was;
    ``problem`` is why the last reload changed nothing, "" where it did."""

    epoch: int
    host: str
    pid: int
    reloaded_at: float
    problem: str

    @property
    def is_here(self) -> bool:
        """Whether it runs on this machine, if it runs."""
        return self.host == socket.gethostname()


class Processes:
    """``spool.processes``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    async def serving(self) -> list[Serving]:
        """The newest first."""
        [rows] = await self._engine.read(("process_serving", {}))
        return [
            Serving(row["epoch"], row["host"], row["pid"], row["reloaded_at"], row["reload_problem"]) for row in rows
        ]

    async def reloaded(self, problem: str = "") -> None:
        """This process has read its configuration again, or goes on with the old one because of a ``problem``."""
        statement = Statement("process_reloaded", {"problem": problem}, Hits.ONE)
        await self._engine.commit(Commit("reloaded", (statement,)))
