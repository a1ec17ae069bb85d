"""The first meeting with an account: what already lies there is baseline, and is never looked into.

An account that has been used for years has thousands of faxes in its folders. None of them is news, and none of them
may ever be taken for a fax of ours; so every id is noted before the first submission and before the first collection.
With ``first_run = "all"`` what lies in the Inbox is mail all the same.
"""

from __future__ import annotations

from contextlib import aclosing

from mailfax import maillog
from mailfax.config import Account
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.values import Folder
from mailfax.spool import Spool

BASELINE = (Folder.OUTBOX, Folder.HOLD, Folder.SENT, Folder.FAILED, Folder.CANCELLED, Folder.TRASH)


async def meet(spool: Spool, client: FaxCore, account: Account) -> None:
    """Take the baseline; raises ``NotRead`` or ``AccountTrouble``, and then nothing is noted."""
    folders = BASELINE if account.first_run == "all" else (*BASELINE, Folder.INBOX)
    ids: list[str] = []
    for folder in folders:
        async with aclosing(client.list_folder(folder)) as listed:
            ids += [fax_id async for fax_id in listed]
    if await spool.ledger.baseline(account.name, ids):
        maillog.account_met(account.name, len(ids))
