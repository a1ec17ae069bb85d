"""The accounts as this process knows them: a client each, and whether they may be used now.

Trouble with an account (login refused, host not found, certificate) is the account's state, never its faxes': it is
paused with one alarm, its jobs wait with expiry frozen, one harmless call tries it again, and one all-clear follows.
Submissions begin only after the first meeting: what lies at an account before is the baseline, and our own first fax
must never be taken for it.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable
from contextlib import aclosing
from dataclasses import dataclass, field

from mailfax import letters, maillog
from mailfax.config import Account
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotRead
from mailfax.faxcore.values import Folder
from mailfax.letters import Marks, Site
from mailfax.rules import schedule
from mailfax.spool import Spool

#: How long one process looks after an account without saying so again, in seconds: as long as a dead holder delays.
LEASE = 60.0


@dataclass
class Line:
    """One account with its client; ``trials`` and ``try_at`` (monotonic seconds) count while it is in trouble."""

    account: Account
    client: FaxCore
    trials: int = 0
    try_at: float = field(default=0.0)


class Desk:
    """Keeps the clients; pauses and resumes accounts."""

    def __init__(
        self,
        spool: Spool,
        accounts: Iterable[Account],
        *,
        site: Site,
        marks: Callable[[], Marks],
        connect: Callable[[Account], FaxCore],
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._site, self._marks = spool, site, marks
        self._monotonic, self._jitter = monotonic, jitter
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
        open_now = []
        for name in self.lines:
            state = await self._spool.accounts.state(name)
            if state.baseline_at and not state.paused:
                open_now.append(name)
        return open_now

    async def watched(self) -> list[str]:
        """The accounts that this process looks after now and that are not in trouble."""
        mine = []
        for name in self.lines:
            if await self._spool.accounts.lease(name, LEASE) and not (await self._spool.accounts.state(name)).paused:
                mine.append(name)
        return mine

    async def trouble(self, name: str, raised: AccountTrouble) -> None:
        """Pause the account; the first one to notice owes the alarm."""
        line = self.lines[name]
        line.trials += 1
        line.try_at = self._monotonic() + schedule.trouble_attempt(
            line.trials, 0.0, self._jitter(), raised.retry_after
        )
        alarm = letters.alarm(
            self._site, self._marks(), account=name, problem=raised.sentence, sandbox=self.is_sandbox(name)
        )
        if await self._spool.accounts.pause(name, raised.sentence, (alarm,)):
            maillog.account_paused(name, raised.trouble.name.lower())

    async def round(self) -> bool:
        """Try accounts in trouble again with one harmless call; True if one was tried."""
        tried = False
        for name, line in self.lines.items():
            if self._monotonic() < line.try_at or not (await self._spool.accounts.state(name)).paused:
                continue
            tried = True
            try:
                # Hold is the folder that is nearly always empty; any answer proves host, certificate and login.
                async with aclosing(line.client.list_folder(Folder.HOLD)) as ids:
                    async for _ in ids:
                        break
            except AccountTrouble as still:
                await self.trouble(name, still)
                continue
            except NotRead as silence:
                line.trials += 1
                line.try_at = self._monotonic() + schedule.trouble_attempt(
                    line.trials, 0.0, self._jitter(), silence.retry_after
                )
                continue
            line.trials = 0
            clear = letters.all_clear(self._site, self._marks(), account=name, sandbox=self.is_sandbox(name))
            if await self._spool.accounts.resume(name, (clear,)):
                maillog.account_resumed(name)
        return tried

    async def close(self) -> None:
        for line in self.lines.values():
            await line.client.aclose()
