"""A spool that came back as an older copy of itself: what it believes to be still to do may have been done.

Said by a person (``mailfax restore``, ``serve --recovered``), or noticed by the mark beside the database. Every fax
that is not at FaxCore by what the copy knows is put in doubt, so it is looked for before anything is sent; and no
notification but alarms leaves until a person lets them go. ``spool.recovery``.

LIMITS: held faxes stay held, for the person who holds them; previews are never faxed, and go on.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

from mailfax.rules.job import Letter
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.spool.commits import Commit, Hits, Outdated, Statement, commit_name
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox

#: The states that are put in doubt, as ``JOB`` has them.
DOUBTED = tuple(state.value for state in JobState if JOB.may(state, JobEvent.RECOVERED))


class Recovery:
    """``spool.recovery``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox

    async def begin(self) -> None:
        """Say that this is an older copy; nothing where that is known, and not seen to yet."""
        with contextlib.suppress(Outdated):
            await self._engine.commit(Commit("recovery-noticed", (Statement("recovery_begin", {}, Hits.SOME),)))

    async def is_due(self) -> bool:
        """Whether its faxes have to be put in doubt before anything is sent."""
        [rows] = await self._engine.read(("recovery_due", {}))
        return bool(rows)

    async def doubted(self) -> int:
        """How many faxes would be put in doubt."""
        [rows] = await self._engine.read(("recovery_count", {"states": DOUBTED}))
        return int(rows[0]["n"])

    async def put_in_doubt(self, elapsed: float, boot: str, letters: Sequence[Letter]) -> int:
        """Put them in doubt as of now (``elapsed`` and ``boot`` as ``Context`` has them), with the letters that this
        owes: how many. 0 where another process was first."""
        event = JobEvent.RECOVERED
        values = {
            "states": DOUBTED,
            "state": JOB.after(JobState.READY, event).value,
            "event_word": event.value,
            "elapsed": elapsed,
            "boot": boot,
        }
        statements = (
            Statement("recovery_doubt", {}, Hits.SOME),
            Statement("recovery_history", values),
            Statement("recovery_jobs", values),
        )
        async with self._outbox.sealed(letters) as owed:
            try:
                results = await self._engine.commit(Commit(commit_name(event), (*statements, *owed), CLASHES))
            except Outdated:
                return 0
        return results[2].hits

    async def waits_since(self) -> float:
        """Since when notifications wait for a person; 0 where they do not."""
        [rows] = await self._engine.read(("recovery_waits", {}))
        return float(rows[0]["noticed_at"]) if rows else 0.0

    async def release(self) -> bool:
        """Let them go; False where none waited."""
        try:
            await self._engine.commit(Commit("outbox-released", (Statement("recovery_release", {}, Hits.SOME),)))
        except Outdated:
            return False
        return True
