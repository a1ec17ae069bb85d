"""From 354 to the final reply: a mail is read, judged, and handed over to the spool.

In: a transaction with at least one recipient, and an empty ``Content``. Out: an ``Envelope`` with its filled
``Content`` to ``accept``, and the reply. 250 is said when ``accept`` has returned, never before; whatever ends
otherwise leaves no content behind.

STANDARDS: RFC 5321 4.1.1.4 (DATA), 4.2.5 (who is responsible after 250), 6.1.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from mailfax.rules.envelope import Envelope, Grant, Recipient
from mailfax.rules.failure import NotSent
from mailfax.rules.policy import Permission
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.arrival import Arrival, received_line
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.door import Content
from mailfax.smtpd.dots import DotReader
from mailfax.smtpd.syntax import MailParameters

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Transaction:
    """From MAIL to the end of data. ``judged`` is what the policy says of the sender; it is told at each RCPT."""

    sender: str
    judged: Permission | Refusal
    parameters: MailParameters
    recipients: dict[str, Recipient] = field(default_factory=dict)


async def take_data(talk: Conversation, transaction: Transaction, content: Content) -> None:
    """DATA after its 354. ``content`` is abandoned here unless it was handed over."""
    handed_over = False
    try:
        arrival = await _receive(talk, transaction, content)
        if arrival is not None:
            talk.patience(float("inf"))  # from here on it is our time, not the client's
            handed_over = _fit(talk, transaction, arrival)
            if handed_over:
                await _hand_over(talk, transaction, content, arrival.header_block)
            talk.patience(talk.place.pace.command)
    finally:
        if not handed_over:
            content.abandon()


async def _receive(talk: Conversation, transaction: Transaction, content: Content) -> Arrival | None:
    """Everything up to the end mark; None where the connection ended before it."""
    place = talk.place
    arrival = Arrival(content, limit=place.limits.message_bytes)
    smtputf8 = transaction.parameters.smtputf8
    arrival.begin(received_line(talk.client, hostname=place.hostname, smtputf8=smtputf8, now=place.door.now()))
    talk.say("354 End data with <CR><LF>.<CR><LF>")
    dots, renew, rest = DotReader(), _patience_with_data(talk), None
    while rest is None:
        block = await talk.wire.block()
        if not block or talk.over:
            return None
        renew(len(block))
        text, rest = dots.feed(block)
        arrival.take(text)
    talk.wire.put_back(rest)
    arrival.end()
    return arrival


def _patience_with_data(talk: Conversation) -> Callable[[int], None]:
    """Renewed by every block, as long as the mail as a whole is faster than one who just holds the line."""
    pace, began, heard = talk.place.pace, talk.loop.time(), 0
    talk.patience(pace.data)

    def renew(octets: int) -> None:
        nonlocal heard
        heard += octets
        worth = pace.data_patience + heard / pace.bytes_per_second
        talk.patience(min(pace.data, began + worth - talk.loop.time()))

    return renew


def _fit(talk: Conversation, transaction: Transaction, arrival: Arrival) -> bool:
    """Whether the mail that arrived may be handed over; if not, its client has been told."""
    if arrival.cause is not None:
        talk.tell(refusal(arrival.cause, **arrival.facts), counts=False, sender=transaction.sender or "<>")
        return False
    numbers = [recipient.number for recipient in transaction.recipients.values() if recipient.number]
    permission = transaction.judged if numbers and isinstance(transaction.judged, Permission) else None
    found = talk.place.door.policy.judge_header(
        talk.client, transaction.sender, permission, arrival.header_block, None, numbers
    )
    if isinstance(found, Refusal):
        talk.tell(found, counts=False, sender=transaction.sender or "<>")
        return False
    return True


async def _hand_over(talk: Conversation, transaction: Transaction, content: Content, header_block: bytes) -> None:
    judged, said = transaction.judged, transaction.parameters
    # A mail to our postmaster alone needs no rule, and so has no account.
    grant = judged.grant if isinstance(judged, Permission) else Grant(account="")
    recipients = tuple(transaction.recipients.values())
    envelope = Envelope(transaction.sender, recipients, talk.client, grant, said.ret, said.envid, said.smtputf8)
    accepting = talk.loop.create_task(_accept(talk, envelope, content, header_block))
    crowd = talk.place.crowd
    crowd.accepting.add(accepting)
    accepting.add_done_callback(crowd.accepting.discard)
    talk.handing_over = True
    try:
        # A client that leaves now must not stop a commit half way.
        talk.say(await asyncio.shield(accepting))
        talk.commands_since_mail = 0
        # Not held back for a pipelined command: from here on the client may forget the mail.
        await talk.wire.flush()
    finally:
        talk.handing_over = False


async def _accept(talk: Conversation, envelope: Envelope, content: Content, header_block: bytes) -> str:
    """The reply to the data."""
    try:
        queue_id = await talk.place.door.accept(envelope, content, header_block)
    except NotSent as problem:
        log.warning("a mail was not stored: %s", problem.diagnostic)
        content.abandon()
        return refusal(Cause.STORAGE).reply
    except Exception:
        # Unknown errors are temporary, and their text is ours alone.
        log.exception("a mail was not stored")
        content.abandon()
        return refusal(Cause.TROUBLE).reply
    return f"250 2.0.0 Ok: queued as {queue_id}"
