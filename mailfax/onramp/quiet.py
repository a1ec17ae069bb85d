"""Tells the postmaster where an account receives no fax for unusually long, and when one has come again.

A line that nobody has switched through, a number that was moved, an account that FaxCore no longer feeds: nothing
fails then, and nothing comes. In: when faxes came. Out: one alarm, and its all-clear; each in one commit with the
note that it was told. A paused account has an alarm of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from mailfax import letters, maillog
from mailfax.config import Account
from mailfax.context import Context, Worker
from mailfax.rules.quiet import DAY, LOOKED_BACK, is_unusual

#: How often it looks, in seconds.
LOOKS = 600.0
#: How soon again while the clock can't be believed, as after a start.
UNTIL_STEADY = 5.0


class Quiet(Worker):
    """Looks at all accounts, one pass a round. ``is_sandbox`` says whether an account's service is one."""

    def __init__(self, context: Context, accounts: Sequence[Account], *, is_sandbox: Callable[[str], bool]) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._steady, self._elapsed = context.steady, context.elapsed
        self._names = [account.name for account in accounts]
        self._look_at = 0.0
        self._is_sandbox = is_sandbox

    async def round(self) -> bool:
        """Tell of those that have become quiet, or are no longer; always False."""
        if self._elapsed() >= self._look_at and self._steady.is_steady():
            self._look_at = self._elapsed() + LOOKS
            for name in self._names:
                await self._look(name, self._spool.now())
        self.next_at = self._spool.now() + max(self._look_at - self._elapsed(), UNTIL_STEADY)
        return False

    async def _look(self, name: str, now: float) -> None:
        last = await self._spool.inbound.last_at(name)
        state = await self._spool.accounts.state(name)
        since = state.quiet_since
        if since and last > since:
            told = letters.heard_again(self._site, self._marks(), account=name, sandbox=self._is_sandbox(name))
            if await self._spool.accounts.heard_again(name, told):
                maillog.account_heard(name)
        elif not since and not state.paused and last and now - last > DAY:
            faxes, longest = await self._spool.inbound.habit(name, last - LOOKED_BACK)
            if is_unusual(faxes, longest, now - last):
                sandbox = self._is_sandbox(name)
                told = letters.quiet(self._site, self._marks(), account=name, since=last, sandbox=sandbox)
                if await self._spool.accounts.quiet(name, last, told):
                    maillog.account_quiet(name, now - last)
