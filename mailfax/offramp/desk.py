"""The accounts as this process knows them: a client each, and whether they may be used now.

Trouble with an account (login refused, host not found, certificate) is the account's state, never its faxes': it is
paused with one alarm, its jobs wait with expiry frozen, one harmless call tries it again, and one all-clear follows.
Submissions begin only after the first meeting: what lies at an account before is the baseline, and our own first fax
must never be taken for it.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from mailfax import maillog
from mailfax.config import Account
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import AccountTrouble, NotRead
from mailfax.faxcore.values import Folder
from mailfax.letters import Post
from mailfax.rules import schedule
from mailfax.spool import Spool

log = logging.getLogger(__name__)

#: How long one process may look after an account without saying so again, in seconds.
LEASE = 60.0


@dataclass
class Line:
    """One account with its client, and when it is next tried while it is in trouble (monotonic seconds)."""

    account: Account
    client: FaxCore
    attempts: int = 0
    try_at: float = 0.0


class Desk:
    """Keeps the clients; pauses and resumes accounts."""

    def __init__(
        self,
        spool: Spool,
        post: Post,
        accounts: Iterable[Account],
        *,
        connect: Callable[[Account], FaxCore],
        monotonic: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._spool, self._post = spool, post
        self._monotonic, self._jitter = monotonic, jitter
        self.lines = {account.name: Line(account, connect(account)) for account in accounts}

    def client(self, account: str) -> FaxCore:
        return self.lines[account].client

    def account(self, name: str) -> Account:
        return self.lines[name].account
