"""The accounts as this process knows them: a client each, and whether they may be used now.

Trouble with an account (login refused, host not found, certificate, several unclear answers in a row) is the
account's state, never its faxes': it is paused with one alarm, its jobs wait with expiry frozen, one harmless call
tries it again, and one all-clear follows. Submissions begin only after the first meeting: what lies at an account
before is the baseline, and our own first fax must never be taken for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from mailfax import letters, maillog
from mailfax.config import Account
from mailfax.context import Context, Worker
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotRead, Trouble
from mailfax.faxcore.values import Folder
from mailfax.rules import schedule
from mailfax.rules.job import Letter

#: How long one process looks after an account without saying so again, in seconds: as long as a dead holder delays.
LEASE = 50.0


@dataclass
class Line:
    """One account with its client, and what this process knows of its trouble. Times are on ``elapsed``.

    ``trials`` counts failed attempts for the back-off. ``told`` is whether the postmaster has heard of this incident;
    ``sending`` whether it showed in sending, which a call that only asks can't disprove; ``pauses`` how often it did.
    """

    account: Account
    client: FaxCore
    trials: int = 0
    try_at: float = 0.0
    told: bool = False
    sending: bool = False
    pauses: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class FaxAccounts(Worker):
    """Keeps the clients; pauses and resumes accounts."""

    news = ("account-paused",)

    def __init__(
        self, context: Context, accounts: Iterable[Account], *, connect: Callable[[Account], FaxCore]
    ) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._elapsed, self._jitter = context.elapsed, context.jitter
        self.lines = {account.name: Line(account, connect(account)) for account in accounts}

    def names(self) -> list[str]:
        return list(self.lines)

    def account(self, name: str) -> Account:
        return self.lines[name].account

    def client(self, name: str) -> FaxCore:
        return self.lines[name].client

    def is_sandbox(self, name: str) -> bool:
        """Whether the account's service has named itself a sandbox; False for an account we no longer have."""
        return name in self.lines and self.lines[name].client.observed.is_sandbox

    async def open_for_submission(self) -> list[str]:
        """The accounts to which faxes may be submitted now: met, and not in trouble."""
        states = await self._spool.accounts.listing()
        return [each.name for each in states if each.name in self.lines and each.baseline_at and not each.paused]

    async def watches(self, name: str) -> bool:
        """Whether this process looks after the account now, and it can be asked."""
        return await self._spool.accounts.lease(name, LEASE) and (await self._spool.accounts.state(name)).can_be_asked

    async def trouble(self, name: str, raised: AccountTrouble, *, sending: bool = False) -> None:
        """Pause the account. One alarm an incident: none while it has not been well since the last."""
        line = self.lines[name]
        # Several submitters meet the same trouble at one moment: the first pauses, the others find it paused.
        async with line.lock:
            alarm = letters.alarm(
                self._site, self._marks(), account=name, problem=raised.sentence, sandbox=self.is_sandbox(name)
            )
            if not await self._spool.accounts.pause(name, raised.sentence, () if line.told else (alarm,)):
                return
            line.told = True
            line.sending |= sending
            line.pauses += sending
            self._back_off(line, raised.retry_after)
        maillog.account_paused(name, raised.trouble.name.lower())

    async def unclear(self, name: str) -> None:
        """A fax had no clear answer: after several in a row the account is paused, whoever else is at fault."""
        if (await self._spool.accounts.state(name)).braked:
            await self.trouble(name, AccountTrouble(Trouble.UNCLEAR), sending=True)

    async def well(self, name: str) -> None:
        """A fax was taken: whatever was the matter with sending is over, and the postmaster hears so."""
        line = self.lines[name]
        if not line.sending:
            return
        async with line.lock:
            # A POST that was under way when the account was paused proves nothing about now.
            if line.sending and not (await self._spool.accounts.state(name)).paused:
                await self._spool.outbox.owe([self._all_clear(name)])
                self._forget(line)

    async def round(self) -> bool:
        """Try accounts in trouble again with one harmless call; True if one was tried."""
        tried = False
        for state in await self._spool.accounts.listing():
            name, line = state.name, self.lines.get(state.name)
            if line is None:
                continue
            if not state.paused:
                if line.told and not line.sending:
                    self._forget(line)  # another process has resumed it
                continue
            # Another process may have paused it just now: its wait is ours, too.
            # A wall clock that was put back must not keep it paused.
            fresh = 0 <= self._spool.now() - state.paused_at < schedule.TROUBLE_FIRST
            if fresh or self._elapsed() < line.try_at:
                continue
            tried = True
            try:
                # Hold is the folder that is nearly always empty; any answer proves host, certificate and login.
                async with aclosing(line.client.list_folder(Folder.HOLD)) as ids:
                    async for _ in ids:
                        break
            except (AccountTrouble, NotRead) as still:
                self._back_off(line, still.retry_after)
            else:
                await self._resume(name, line)
        return tried

    async def _resume(self, name: str, line: Line) -> None:
        """Use it again. Trouble with sending is over only once a fax was taken: until then there is no all-clear, and
        from its second pause on the time of waiting jobs does not stand still, or they would never end."""
        async with line.lock:
            if (await self._spool.accounts.state(name)).braked:
                line.sending = line.told = True  # this process may not have seen it begin
            clear = () if line.sending else (self._all_clear(name),)
            if await self._spool.accounts.resume(name, clear, give_time_back=line.pauses <= 1):
                maillog.account_resumed(name)
            if not line.sending:
                self._forget(line)

    def _back_off(self, line: Line, retry_after: float | None) -> None:
        line.trials += 1
        line.try_at = schedule.trouble_attempt(line.trials, self._elapsed(), self._jitter(), retry_after)

    @staticmethod
    def _forget(line: Line) -> None:
        """The incident is over."""
        line.trials, line.pauses, line.told, line.sending = 0, 0, False, False

    def _all_clear(self, name: str) -> Letter:
        return letters.all_clear(self._site, self._marks(), account=name, sandbox=self.is_sandbox(name))

    async def close(self) -> None:
        for line in self.lines.values():
            await line.client.aclose()
