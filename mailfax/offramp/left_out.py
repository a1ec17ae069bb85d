"""Accounts and senders that were taken out of the configuration while faxes of theirs wait.

In: the configuration, at the start and whenever it is read again. Out: such an account is paused, and its faxes wait
with expiry frozen until it is there again; faxes of a sender whom no rule names any more are held. One alarm each.
Nothing of theirs is faxed meanwhile: nobody faxes at the owner's cost unless a rule says so.

LIMITS: of a sender, the address and the login are looked at; a network that was taken out of a rule is not.
"""

from __future__ import annotations

from contextlib import suppress

from mailfax import letters
from mailfax.context import Context
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.rules.policy import Policy
from mailfax.rules.states import JobEvent
from mailfax.spool import Outdated

GONE = (
    "It has been removed from the configuration, but still has faxes waiting. Put it back, or cancel them with "
    '"mailfax cancel".'
)


async def set_aside(context: Context, fax_accounts: FaxAccounts, policy: Policy) -> None:
    """Pause such accounts, hold the faxes of such senders."""
    spool, site, marks = context.spool, context.site, context.marks
    for name in await spool.jobs.waiting_accounts():
        if name not in fax_accounts.lines:
            alarm = letters.alarm(site, marks(), account=name, problem=GONE, sandbox=False)
            await spool.accounts.pause(name, GONE, (alarm,))
    left_out = [who for who in await spool.jobs.waiting_senders() if not policy.names(*who)]
    owed = (letters.left_out(site, marks(), senders=[who or as_ for who, as_ in left_out]),) if left_out else ()
    for sender, login in left_out:
        for job in await spool.jobs.waiting_of(sender, login):
            with suppress(Outdated):
                held = job.after(JobEvent.HOLD)
                await spool.jobs.advance(job, held, JobEvent.HOLD, detail="no rule names its sender", letters=owed)
                owed = ()
