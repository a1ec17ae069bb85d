"""What the commands of SMTP mean here: one transaction after the other, each ending in a hand-over or a refusal.

In: verb and argument from ``Conversation``. Out: replies, and a ``Transaction`` that ``taking`` brings to its end.

STANDARDS: RFC 5321 (commands), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 2920 (PIPELINING),
RFC 2034 (ENHANCEDSTATUSCODES), RFC 3461 (DSN), RFC 3207 (STARTTLS).
LIMITS: no VRFY, EXPN, TURN; AUTH and CHUNKING are not offered.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from mailfax.rules.address import parse_mailbox
from mailfax.rules.envelope import Recipient
from mailfax.rules.recipient import accepted
from mailfax.rules.status import Cause, Refusal
from mailfax.smtpd.arrival import cause_of
from mailfax.smtpd.conversation import Command, Conversation
from mailfax.smtpd.syntax import Malformed, mail_parameters, rcpt_parameters, split_path
from mailfax.smtpd.taking import Transaction, take_data

_MAIL_SYNTAX = "MAIL FROM:<address> [parameters]"
_RCPT_SYNTAX = "RCPT TO:<address> [parameters]"


class Session(Conversation):
    """The commands of one connection."""

    transaction: Transaction | None = None

    async def smtp_HELO(self, arg: str) -> None:
        if self._greeted(arg, "HELO hostname", esmtp=False):
            self.say(f"250 {self.place.hostname}")

    async def smtp_EHLO(self, arg: str) -> None:
        if self._greeted(arg, "EHLO hostname", esmtp=True):
            offers = [self.place.hostname, f"SIZE {self.place.limits.message_bytes}", *self._offers()]
            for offer in offers[:-1]:
                self.say(f"250-{offer}")
            self.say(f"250 {offers[-1]}")

    def _greeted(self, arg: str, syntax: str, *, esmtp: bool) -> bool:
        """Any name will do: one that can't be verified is no reason to refuse (RFC 5321 4.1.4)."""
        if not arg and not self.client.device:
            self.refuse(Cause.COMMAND_SYNTAX, syntax=syntax)
            return False
        self.transaction = None
        self.client = replace(self.client, helo=arg or "unknown", esmtp=esmtp)
        return True

    def _offers(self) -> list[str]:
        """Only what works."""
        offers = ["PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "DSN"]
        return ["STARTTLS", *offers] if self._tls_on_offer() else offers

    def _tls_on_offer(self) -> bool:
        return self.place.listener.tls == "starttls" and not self.client.tls

    async def smtp_STARTTLS(self, arg: str) -> None:
        if self.place.listener.tls == "none":
            self.refuse(Cause.NOT_IMPLEMENTED)
        elif self.client.tls:
            self.refuse(Cause.SEQUENCE, why="TLS is already in use")
        elif arg:
            self.refuse(Cause.COMMAND_SYNTAX, syntax="STARTTLS")
        elif self.place.tls is None:
            self.refuse(Cause.TLS_UNAVAILABLE)
        else:
            self.transaction = None
            await self.change_to_tls(self.place.tls)

    async def smtp_MAIL(self, arg: str | None) -> None:
        if not self.client.helo:
            return self.refuse(Cause.SEQUENCE, why="say EHLO first")
        if self.transaction is not None:
            return self.refuse(Cause.SEQUENCE, why="a mail has begun already; RSET drops it")
        try:
            path, rest = split_path(arg or "", "FROM:", syntax=_MAIL_SYNTAX)
            parameters = mail_parameters(rest)
        except Malformed as problem:
            return self.refuse(problem.cause, **problem.facts)
        if path:
            mailbox = parse_mailbox(path)
            if isinstance(mailbox, str):
                return self.refuse(Cause.SENDER_SYNTAX, why=mailbox)
            if not mailbox.domain and not self.client.device:
                return self.refuse(Cause.SENDER_SYNTAX, why="it has no domain")
        limit = self.place.limits.message_bytes
        if parameters.size > limit:
            return self.refuse(Cause.TOO_BIG, limit=limit)
        if not path.isascii():
            parameters = replace(parameters, smtputf8=True)
        # The sender is judged now and told at RCPT: our postmaster is reached by everybody (RFC 5321 4.5.1).
        judged = self.place.door.policy.judge_sender(self.client, path)
        self.transaction = Transaction(path, judged, parameters)
        self.say("250 2.1.0 Ok")

    async def smtp_RCPT(self, arg: str | None) -> None:
        transaction = self.transaction
        if transaction is None:
            return self.refuse(Cause.SEQUENCE, why="say MAIL first")
        try:
            path, rest = split_path(arg or "", "TO:", syntax=_RCPT_SYNTAX)
            parameters = rcpt_parameters(rest)
        except Malformed as problem:
            return self.refuse(problem.cause, **problem.facts)
        if len(transaction.recipients) >= self.place.limits.recipients:
            return self.refuse(Cause.TOO_MANY_RECIPIENTS, limit=self.place.limits.recipients)
        found = self.place.door.policy.judge_recipient(self.client, transaction.judged, path)
        if isinstance(found, Refusal):
            # Not an error of the dialog: a list with thirty dead numbers must still reach the others.
            return self.tell(found, counts=False, sender=transaction.sender or "<>")
        # The same address twice in one mail is one fax.
        number = found.numbers[0] if found.numbers else None
        recipient = Recipient(path, number, parameters.notify, parameters.orcpt, found.cover)
        transaction.recipients.setdefault(path.lower(), recipient)
        self.say(accepted(found))

    async def smtp_DATA(self, arg: str) -> None:
        transaction = self.transaction
        if arg:
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="DATA")
        if transaction is None or not transaction.recipients:
            return self.refuse(Cause.SEQUENCE, why="no recipient was accepted")
        try:
            content = self.place.door.begin()
        except OSError as error:
            return self.refuse(cause_of(error))
        self.transaction = None
        await take_data(self, transaction, content)

    async def smtp_RSET(self, arg: str) -> None:
        if arg:
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="RSET")
        self.transaction = None
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
        self.say(f"214 2.0.0 Commands: {' '.join(sorted(self.commands))}")

    commands: ClassVar[dict[str, Command]] = {
        "HELO": smtp_HELO,
        "EHLO": smtp_EHLO,
        "STARTTLS": smtp_STARTTLS,
        "MAIL": smtp_MAIL,
        "RCPT": smtp_RCPT,
        "DATA": smtp_DATA,
        "RSET": smtp_RSET,
        "NOOP": smtp_NOOP,
        "QUIT": smtp_QUIT,
        "VRFY": smtp_VRFY,
        "EXPN": smtp_EXPN,
        "HELP": smtp_HELP,
    }
