"""What we know of each FaxCore account: paused or not, met or not, and which process polls it.

In: an account's name. Out: ``AccountState``; one of an unknown account has only zeros. ``spool.accounts``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

from mailfax.rules.job import Letter
from mailfax.rules.schedule import UNCLEAR_IN_A_ROW
from mailfax.spool.commits import Commit, Hits, Outdated, Statement, Values
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox
from mailfax.spool.rows import Row, history


@dataclass(frozen=True, slots=True)
class AccountState:
    """An account as the spool knows it. Times are 0 where it has not happened."""

    name: str
    first_met: float = 0.0
    baseline_at: float = 0.0  #: when the ids were noted that were there before us
    paused_at: float = 0.0
    paused_reason: str = ""
    reference_returned: bool = False  #: it is known to give our reference back
    listed_at: float = 0.0  #: when received faxes were last entered
    epoch: int = 0
    lease_until: float = 0.0
    unclear: int = 0  #: unclear answers to SendFax in a row
    quiet_since: float = 0.0  #: when its last fax came, where the postmaster was told that none comes

    @property
    def paused(self) -> bool:
        return self.paused_at > 0

    @property
    def braked(self) -> bool:
        """Whether so many answers were unclear that it gets one fax at a time."""
        return self.unclear >= UNCLEAR_IN_A_ROW

    @property
    def can_be_asked(self) -> bool:
        """Whether it is asked what became of faxes: where only its answers to SendFax were unclear, it still is."""
        return self.braked or not self.paused


class Accounts:
    """``spool.accounts``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox
        #: (name, statement) -> until when a lease of ours needs no renewal
        self._held: dict[tuple[str, str], float] = {}

    async def state(self, name: str) -> AccountState:
        [rows] = await self._engine.read(("account_get", {"name": name}))
        return _account_of(rows[0]) if rows else AccountState(name)

    async def lease(self, name: str, seconds: float, *, collecting: bool = False) -> bool:
        """Take or renew the right to follow its faxes, or that of ``collecting`` what came in; False while another
        process has it.

        Nobody can take it before it runs out, so it is written again only in its second half.
        """
        statement = "account_collecting_lease" if collecting else "account_lease"
        now, fresh_until = self._engine.clock(), self._held.get((name, statement), 0.0)
        if fresh_until - seconds / 2 < now < fresh_until:
            return True
        held = await self._change("account-lease", statement, {"name": name, "lease": seconds})
        self._held[name, statement] = now + seconds / 2 if held else 0.0
        return held

    async def pause(self, name: str, reason: str, letters: Sequence[Letter] = ()) -> bool:
        """Its jobs wait and their expiry stands still. False, and nothing owed, where it was paused already."""
        line = history(name, "account paused", "paused", reason)
        values = {"name": name, "reason": reason}
        return await self._change("account-paused", "account_pause", values, letters, (line,))

    async def resume(self, name: str, letters: Sequence[Letter] = (), *, give_time_back: bool = True) -> bool:
        """Go on; each waiting job gets the time it lost back, or not. False where it was not paused."""
        values = {"name": name}
        more = (
            *([Statement("account_resume_jobs", values)] if give_time_back else []),
            Statement("account_resume", values, Hits.ONE),
            history(name, "account resumed", "", ""),
        )
        return await self._change("account-resumed", "account_resume_guard", values, letters, more)

    async def reference_returned(self, name: str) -> None:
        """It has given a reference of ours back: from now on, absence can be proven."""
        await self._change("reference-returned", "account_reference_returned", {"name": name})

    async def quiet(self, name: str, since: float, alarm: Letter) -> bool:
        """It has received nothing for unusually long. False, and nothing owed, where that was told before."""
        return await self._change("account-quiet", "account_quiet", {"name": name, "since": since}, (alarm,))

    async def heard_again(self, name: str, all_clear: Letter) -> bool:
        """A fax has come again. False, and nothing owed, where that was told before."""
        return await self._change("account-heard", "account_heard", {"name": name}, (all_clear,))

    async def listing(self) -> list[AccountState]:
        """All accounts that were ever met."""
        [rows] = await self._engine.read(("account_list", {}))
        return [_account_of(row) for row in rows]

    async def _change(
        self,
        name: str,
        guard: str,
        values: Values,
        letters: Sequence[Letter] = (),
        more: Sequence[Statement] = (),
    ) -> bool:
        try:
            async with self._outbox.sealed(letters) as owed:
                await self._engine.commit(Commit(name, (Statement(guard, values, Hits.ONE), *more, *owed), CLASHES))
        except Outdated:
            return False
        return True


def _account_of(row: Row) -> AccountState:
    values = {field.name: row[field.name] for field in fields(AccountState)}
    return AccountState(**values | {"reference_returned": bool(row["reference_returned"])})
