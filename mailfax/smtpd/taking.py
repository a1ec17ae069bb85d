"""From the first byte of data to the final reply: a mail is read, judged, and handed over to the spool.

In: a transaction with at least one recipient. Out: an ``Envelope`` with its filled ``Content`` to ``accept``, and the
reply. 250 is said when ``accept`` has returned, never before; whatever ends otherwise leaves no content behind.

STANDARDS: RFC 5321 4.1.1.4 (DATA), 4.2.5 (who is responsible after 250), 6.1; RFC 2033 4.2 (LMTP: a reply for each
recipient).
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

from mailfax.rules.attached_list import RECIPIENTS
from mailfax.rules.envelope import Destination, Envelope, Grant, Proven, Recipient
from mailfax.rules.failure import NotSent
from mailfax.rules.heading import read_heading
from mailfax.rules.policy import Permission, may_connect
from mailfax.rules.recipient_list import Listed
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.arrival import Arrival
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.dots import DotReader
from mailfax.smtpd.handler import Answer
from mailfax.smtpd.transaction import Transaction

log = logging.getLogger(__name__)


def begin(talk: Conversation, transaction: Transaction) -> Arrival:
    """A content for the mail, with room for its bytes. Raises ``OSError``."""
    place, judged = talk.place, transaction.judged
    owner = judged.grant.notify if isinstance(judged, Permission) else ""
    transaction.began = talk.loop.time()
    return Arrival(
        place.handler.begin(),
        talk.client,
        author=transaction.sender or owner or place.handler.policy.postmaster,
        smtputf8=transaction.parameters.smtputf8,
        hostname=place.hostname,
        now=place.handler.now(),
        limit=place.limits.message_bytes,
        normalizes=place.listener.bare_newline == "normalize"
        and may_connect(place.listener.networks, talk.client.ip),
    )


async def take_data(talk: Conversation, transaction: Transaction, arrival: Arrival) -> None:
    """DATA from its 354 on. The content is abandoned unless it was handed over."""
    try:
        talk.say("354 End data with <CR><LF>.<CR><LF>")
        dots, rest, heard = DotReader(), None, 0
        talk.patience(talk.place.pace.data)
        while rest is None:
            block = await talk.wire.block()
            if not block or talk.over:
                return arrival.content.abandon()
            heard += len(block)
            renew_patience(talk, transaction, heard)
            text, rest = dots.feed(block)
            arrival.take(text)
        # What follows in the same breath as a mail that was mended is not obeyed: its ends of lines can't be trusted.
        hasty = bool(rest) and arrival.mended
        talk.wire.put_back(rest)
    except BaseException:
        arrival.content.abandon()
        raise
    await finish(talk, transaction, arrival)
    if hasty:
        talk.last_word(Cause.HASTY)


def renew_patience(talk: Conversation, transaction: Transaction, octets: int) -> None:
    """As long as the mail as a whole, of which ``octets`` have come, is faster than one who just holds the line."""
    pace = talk.place.pace
    worth = pace.data_patience + octets / pace.bytes_per_second
    talk.patience(min(pace.data, transaction.began + worth - talk.loop.time()))


async def finish(talk: Conversation, transaction: Transaction, arrival: Arrival) -> None:
    """All of the mail is here: it is judged and handed over, or refused, and its client told."""
    talk.patience(float("inf"))  # from here on it is our time, not the client's
    handed_over = False
    try:
        arrival.end()
        told: Answer | Refusal | Envelope = await _judge_safely(talk, transaction, arrival)
        if isinstance(told, Envelope):
            handed_over = True
            told = await _hand_over(talk, told, arrival)
    finally:
        if not handed_over:
            arrival.content.abandon()
    if isinstance(told, Refusal):
        reply = told.reply
        origin = transaction.policy.origin(talk.client, arrival.header_block).ip
        via = {"origin": origin} if origin != talk.client.ip else {}
        talk.tell(told, counts=False, sender=transaction.sender or "<>", **via)
    else:
        reply = f"250 2.0.0 Ok: queued as {told.queue_id}"
        talk.say(reply)
        talk.commands_since_mail = 0
    if talk.client.lmtp:
        for _ in range(transaction.replies - 1):
            talk.say(reply)
    talk.patience(talk.place.pace.command)
    # Not held back for a pipelined command: from here on the client may forget the mail.
    talk.wire.flush_now()
    talk.answers.written()
    await talk.wire.flush()


async def _judge_safely(talk: Conversation, transaction: Transaction, arrival: Arrival) -> Envelope | Refusal:
    """Trouble of ours is a refusal like any other, for LMTP counts the replies."""
    try:
        return await _judge(talk, transaction, arrival)
    except Exception:
        log.exception("a mail can't be judged")
        return refusal(Cause.TROUBLE)


async def _judge(talk: Conversation, transaction: Transaction, arrival: Arrival) -> Envelope | Refusal:
    """The last word of the rules, now that the header is known."""
    if arrival.cause is not None:
        return refusal(arrival.cause, **arrival.facts)
    handler, client, sender = talk.place.handler, talk.client, transaction.sender
    policy, header, limit = transaction.policy, arrival.header_block, talk.place.limits.recipients
    judged = transaction.judged if transaction.to_fax and isinstance(transaction.judged, Permission) else None
    subject: Destination | Refusal = Destination()
    if judged is not None and transaction.in_subject:
        subject = policy.judge_subject(client, judged, read_heading(arrival.heading).subject)
    if isinstance(subject, Refusal):
        return subject
    listed: tuple[Listed, ...] | Refusal = ()
    if judged is not None and transaction.in_list:
        listed = await asyncio.to_thread(lambda: policy.judge_list(judged, _whole(arrival)))
    if isinstance(listed, Refusal):
        return listed
    recipients = transaction.recipients(subject, listed)
    if len(recipients) > limit:
        return refusal(Cause.TOO_MANY_RECIPIENTS, limit=limit)
    proven: Proven | None = None
    if judged is not None and policy.needs_proof(client):
        proven = await handler.prove(client, sender, header, arrival.content)
    numbers = [one.number for one in recipients if isinstance(one, Recipient) and one.number]
    final = policy.judge_header(client, sender, judged, header, proven, numbers)
    if isinstance(final, Refusal):
        return final
    # A mail to our postmaster alone needs no rule, and so has no account.
    grant = final.grant if final is not None else Grant(account="")
    if transaction.in_list:
        grant = replace(grant, strip=(*grant.strip, RECIPIENTS))
    said = transaction.parameters
    return Envelope(sender, recipients, policy.origin(client, header), grant, said.ret, said.envid, said.smtputf8)


def _whole(arrival: Arrival) -> bytes:
    with arrival.content.open() as mail:
        return mail.read()


async def _hand_over(talk: Conversation, envelope: Envelope, arrival: Arrival) -> Answer | Refusal:
    """The answer, or what the client hears instead. A client that leaves now can't stop a commit half way."""
    accepting = talk.loop.create_task(_accept(talk, envelope, arrival))
    crowd = talk.place.crowd
    crowd.accepting.add(accepting)
    accepting.add_done_callback(crowd.accepting.discard)
    talk.handing_over = True
    try:
        return await asyncio.shield(accepting)
    finally:
        talk.handing_over = False


async def _accept(talk: Conversation, envelope: Envelope, arrival: Arrival) -> Answer | Refusal:
    """Runs to its end whatever becomes of the conversation, and so it knows who is still there to hear of it."""
    try:
        told = await talk.place.handler.accept(envelope, arrival.content, arrival.heading)
    except NotSent as problem:
        log.warning("a mail was not stored: %s", problem.diagnostic)
        told = refusal(Cause.STORAGE)
    except Exception:
        # Unknown errors are temporary, and their text is ours alone.
        log.exception("a mail was not stored")
        told = refusal(Cause.TROUBLE)
    if isinstance(told, Refusal):
        arrival.content.abandon()
    elif talk in talk.place.crowd.sessions:
        talk.answers.add(told)
    else:
        # Now, not when the 250 would be written: a client that gave up during the commit may send the mail again.
        told.concluded(heard=False)
    return told
