"""What the commands of SMTP and LMTP mean here: one mail after the other, each ending in a hand-over or a refusal.

In: verb and argument from ``Conversation``. Out: replies, and a ``Transaction`` that ``taking`` or ``chunks`` brings
to its end.

STANDARDS: RFC 5321 (commands), RFC 2033 (LMTP), RFC 1870 (SIZE), RFC 3461 (DSN), RFC 3030 (CHUNKING), RFC 6531
(SMTPUTF8); who is there: ``introduction``.
LIMITS: no VRFY, EXPN, TURN.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from mailfax import maillog
from mailfax.rules.address import parse_mailbox
from mailfax.rules.recipient import accepted
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.arrival import cause_of
from mailfax.smtpd.chunks import take_chunk
from mailfax.smtpd.conversation import Command
from mailfax.smtpd.introduction import Introduction
from mailfax.smtpd.place import Place
from mailfax.smtpd.syntax import Malformed, mail_parameters, rcpt_parameters, split_path
from mailfax.smtpd.taking import begin, take_data
from mailfax.smtpd.transaction import Accepted, Transaction

_MAIL_SYNTAX = "MAIL FROM:<address> [parameters]"
_RCPT_SYNTAX = "RCPT TO:<address> [parameters]"
_NOT_IN_HELP = frozenset({"EXPN", "XCLIENT"})


class Session(Introduction):
    """The commands of one connection."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.commands = self.of_lmtp if self.client.lmtp else self.of_smtp

    async def smtp_MAIL(self, arg: str) -> None:
        client, place = self.client, self.place
        if not client.helo:
            return self.refuse(Cause.SEQUENCE, why=f"say {'LHLO' if client.lmtp else 'EHLO'} first")
        if self._transaction is not None:
            return self.refuse(Cause.SEQUENCE, why="a mail has begun already; RSET drops it")
        if client.proof == "auth" and not client.login:
            return self.refuse(Cause.AUTH_REQUIRED if self._login_on_offer() else Cause.TLS_REQUIRED)
        try:
            path, rest = split_path(arg, "FROM:", syntax=_MAIL_SYNTAX, device=client.device)
            parameters = mail_parameters(rest, device=client.device)
        except Malformed as problem:
            return self.refuse(problem.cause, **problem.facts)
        if path:
            mailbox = parse_mailbox(path)
            if isinstance(mailbox, str):
                return self.refuse(Cause.SENDER_SYNTAX, why=mailbox)
            if not mailbox.domain and not client.device:
                return self.refuse(Cause.SENDER_SYNTAX, why="it has no domain")
        if parameters.size > place.limits.message_bytes:
            return self.refuse(Cause.TOO_BIG, limit=place.limits.message_bytes)
        if parameters.size and parameters.size > place.handler.room():
            return self.refuse(Cause.STORAGE)
        if not place.crowd.may_begin(client.ip):
            return self.refuse(Cause.RATE, ip=client.ip)
        if not path.isascii():
            parameters = replace(parameters, smtputf8=True)
        # The sender is judged now and told at RCPT: our postmaster is reached by everybody (RFC 5321 4.5.1).
        policy = place.handler.policy
        self._transaction = Transaction(path, policy, policy.judge_sender(client, path), parameters)
        self.say("250 2.1.0 Ok")

    async def smtp_RCPT(self, arg: str) -> None:
        transaction, limit = self._transaction, self.place.limits.recipients
        if transaction is None:
            return self.refuse(Cause.SEQUENCE, why="say MAIL first")
        if transaction.arrival is not None:
            return self.refuse(Cause.SEQUENCE, why="the data has begun already")
        try:
            path, rest = split_path(arg, "TO:", syntax=_RCPT_SYNTAX, device=self.client.device)
            parameters = rcpt_parameters(rest, device=self.client.device)
        except Malformed as problem:
            return self.tell(refusal(problem.cause, **problem.facts), recipient=maillog.masked(arg))
        found = transaction.policy.judge_recipient(self.client, transaction.judged, path)
        if isinstance(found, Refusal):
            # Not an error of the dialog: a list with thirty dead numbers must still reach the others.
            refused = maillog.masked(path)
            return self.tell(found, counts=False, sender=transaction.sender or "<>", recipient=refused)
        # The same address twice in one mail is one fax.
        if path.lower() not in transaction.accepted:
            numbers = transaction.numbers + max(1, len(found.numbers))
            if numbers > limit:
                return self.tell(refusal(Cause.TOO_MANY_RECIPIENTS, limit=limit), counts=False)
            transaction.accepted[path.lower()] = Accepted(path, found, parameters)
            transaction.numbers = numbers
        transaction.replies += 1
        self.say(accepted(found))

    async def smtp_DATA(self, arg: str) -> None:
        transaction = self._transaction
        if arg:
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="DATA")
        if transaction is None or not transaction.accepted:
            return self.refuse(Cause.SEQUENCE, why="no recipient was accepted")
        if transaction.arrival is not None:
            return self.refuse(Cause.SEQUENCE, why="this mail comes by BDAT")
        try:
            arrival = begin(self, transaction)
        except OSError as error:
            return self.refuse(cause_of(error))
        self._transaction = None
        await take_data(self, transaction, arrival)

    async def smtp_BDAT(self, arg: str) -> None:
        if not await take_chunk(self, self._transaction, arg):
            self._transaction = None

    async def smtp_RSET(self, arg: str) -> None:
        if arg:
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="RSET")
        self._drop()
        self.say("250 2.0.0 Ok")

    async def smtp_NOOP(self, arg: str) -> None:
        self.say("250 2.0.0 Ok")

    async def smtp_QUIT(self, arg: str) -> None:
        if arg:
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="QUIT")
        self.say("221 2.0.0 Bye")
        self.over = True

    async def smtp_VRFY(self, arg: str) -> None:
        # RFC 5321 3.5.3: a server that does not verify says 252, so that nobody can try out senders and numbers.
        self.say("252 2.0.0 Addresses are not verified here; send the mail, and each recipient is judged")

    async def smtp_EXPN(self, arg: str) -> None:
        self.refuse(Cause.NOT_IMPLEMENTED)

    async def smtp_HELP(self, arg: str) -> None:
        self.say(f"214 2.0.0 Commands: {' '.join(sorted(self.commands.keys() - _NOT_IN_HELP))}")

    of_both: ClassVar[dict[str, Command]] = {
        "STARTTLS": Introduction.smtp_STARTTLS,
        "XCLIENT": Introduction.smtp_XCLIENT,
        "MAIL": smtp_MAIL,
        "RCPT": smtp_RCPT,
        "DATA": smtp_DATA,
        "BDAT": smtp_BDAT,
        "RSET": smtp_RSET,
        "NOOP": smtp_NOOP,
        "QUIT": smtp_QUIT,
        "VRFY": smtp_VRFY,
        "EXPN": smtp_EXPN,
        "HELP": smtp_HELP,
    }
    of_smtp: ClassVar[dict[str, Command]] = {
        "HELO": Introduction.smtp_HELO,
        "EHLO": Introduction.smtp_EHLO,
        "AUTH": Introduction.smtp_AUTH,
        **of_both,
    }
    of_lmtp: ClassVar[dict[str, Command]] = {"LHLO": Introduction.smtp_LHLO, **of_both}
