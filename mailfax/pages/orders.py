"""What people and programs may order about a fax: as the commands, and for users no more than their rules give them.

In: a fax, a verb, who wants it. Out: ``Told``. An operator may do what a command may. A user may not get by an order
what the policy would refuse a mail: sending again is judged and counted anew, what somebody else has held stays held,
and nobody but an operator has a fax tried outside of its hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mailfax.config.pages import PAGES
from mailfax.offramp.steering import MEANT, Steering, Told
from mailfax.pages.visit import Visit
from mailfax.pages.visitor import Visitor
from mailfax.rules.envelope import Client
from mailfax.rules.job import FaxJob, Message
from mailfax.rules.policy import Permission
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Refusal
from mailfax.spool import Statement

#: Verb -> what its button is called.
VERBS = {
    "hold": "Hold",
    "release": "Release",
    "requeue": "Try now",
    "cancel": "Cancel",
    "resend": "Send again",
}
#: What may be done to all faxes of a message at once.
FOR_ALL = ("hold", "release", "cancel")
#: What only an operator has.
OPERATORS = ("requeue",)


def buttons(visitor: Visitor, job: FaxJob) -> dict[str, str]:
    """The verbs that change something now."""
    if job.final:
        return {} if job.preview else {"resend": VERBS["resend"]}
    return {
        verb: VERBS[verb]
        for verb, states in MEANT.items()
        if job.state in states and verb != "resend" and (visitor.is_operator or verb not in OPERATORS)
    }


async def order(visit: Visit, verb: str, job: FaxJob, message: Message, *, even_if_sent: bool) -> Told:
    """Do it, or say why not."""
    spends: Sequence[Statement] = ()
    if not visit.visitor.is_operator:
        if verb in OPERATORS:
            return Told(False, "can be tried outside of its turn by an operator alone")
        if verb == "release" and not await _held_by(visit, job):
            return Told(False, f"was held by somebody else; ask {visit.bridge.config.postmaster}")
        if verb == "resend":
            judged = _judge(visit, job, message)
            if isinstance(judged, Refusal):
                return Told(False, f"can't be sent again: {judged.status.sentence}")
            grant = judged.grant
            # Whoever paid for it pays again, by what the rules give them now.
            anew = replace(message, faxes_per_day=grant.faxes_per_day, pages_per_day=grant.pages_per_day)
            spends = visit.spool.usage.faxes(anew, 1, visit.bridge.config.limits.faxes_per_day)
    steering = Steering(
        visit.spool,
        expire_seconds=visit.bridge.config.limits.expire_seconds,
        even_if_sent=even_if_sent,
        by=visit.visitor.login,
        spends=spends,
    )
    return await steering.fax(verb, job.queue_id)


async def _held_by(visit: Visit, job: FaxJob) -> bool:
    """Whether it was this user who held it."""
    held = [line for line in await visit.spool.history.of(job.queue_id) if line.event == JobEvent.HOLD.value]
    return bool(held) and held[-1].detail == f"by {visit.visitor.login}"


def _judge(visit: Visit, job: FaxJob, message: Message) -> Permission | Refusal:
    """What the rules say now of this user, as that sender, to that number."""
    client = Client(PAGES, visit.ip, login=visit.visitor.login, proof="pages")
    judged = visit.bridge.policy.judge_sender(client, message.sender)
    if isinstance(judged, Refusal):
        return judged
    address = f"+{job.number}@{visit.bridge.config.fax_domains[0]}"
    meant = visit.bridge.policy.judge_recipient(client, judged, address)
    return meant if isinstance(meant, Refusal) else judged
