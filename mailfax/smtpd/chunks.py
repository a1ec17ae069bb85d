"""BDAT: a mail in chunks whose sizes are announced, so that nothing in it needs an end mark or doubled dots.

In: the argument of BDAT, and as many octets. Out: a reply for each chunk; the last one ends the mail as the end mark
of DATA does. Whatever is wrong, the announced octets are read: else they would be taken for commands.

STANDARDS: RFC 3030 2 (CHUNKING).
LIMITS: no BINARYMIME; who announces no size, or more than a disk holds, is sent away, for nobody knows where the next
command begins.
"""

from __future__ import annotations

import re

from mailfax.rules.status import Cause, refusal
from mailfax.smtpd.arrival import cause_of
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.taking import begin, finish, renew_patience
from mailfax.smtpd.transaction import Transaction

_CHUNK = re.compile(r"([0-9]{1,13})(?: +(LAST))?", re.IGNORECASE)


async def take_chunk(talk: Conversation, transaction: Transaction | None, argument: str) -> bool:
    """Obey ``BDAT argument``; whether the transaction goes on. What of it has arrived is abandoned where not."""
    goes_on = False
    try:
        found = _CHUNK.fullmatch(argument)
        if found is None:
            talk.refuse(Cause.COMMAND_SYNTAX, syntax="BDAT size [LAST]")
            talk.over = True
        elif transaction is None or not transaction.accepted:
            await _swallow(talk, int(found[1]))
            # Not an error of the dialog: the rest of a refused mail may be on its way already (RFC 3030 4.2).
            talk.tell(refusal(Cause.SEQUENCE, why="no recipient was accepted"), counts=False)
            goes_on = transaction is not None
        else:
            goes_on = await _take(talk, transaction, int(found[1]), last=bool(found[2]))
        return goes_on
    finally:
        if not goes_on and transaction is not None:
            transaction.abandon()


async def _take(talk: Conversation, transaction: Transaction, size: int, *, last: bool) -> bool:
    if transaction.arrival is None:
        try:
            transaction.arrival = begin(talk, transaction)
        except OSError as error:
            await _swallow(talk, size)
            talk.refuse(cause_of(error))
            return False
    arrival = transaction.arrival
    left = size
    while left:
        renew_patience(talk, transaction, transaction.octets + size - left)
        block = await talk.wire.block(left)
        if not block or talk.over:
            return False
        left -= len(block)
        arrival.take(block)
    transaction.octets += size
    talk.patience(talk.place.pace.command)
    if last:
        transaction.arrival = None  # from here on it is the spool's, or abandoned
        await finish(talk, transaction, arrival)
        return False
    if arrival.cause is not None:
        talk.tell(refusal(arrival.cause, **arrival.facts), counts=False, sender=transaction.sender or "<>")
        return False
    talk.say(f"250 2.0.0 Ok: {size} octets received")
    return True


async def _swallow(talk: Conversation, size: int) -> None:
    """Read a chunk that is not taken, as fast as a mail would have to come."""
    pace, began, left = talk.place.pace, talk.loop.time(), size
    while left:
        worth = pace.data_patience + (size - left) / pace.bytes_per_second
        talk.patience(min(pace.data, began + worth - talk.loop.time()))
        block = await talk.wire.block(left)
        if not block or talk.over:
            return
        left -= len(block)
    talk.patience(pace.command)
