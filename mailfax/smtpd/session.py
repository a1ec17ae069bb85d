"""What the commands of SMTP and LMTP mean here: one transaction after the other, each ending in a hand-over or a
refusal.

In: verb and argument from ``Conversation``. Out: replies, and a ``Transaction`` that ``taking`` or ``chunks`` brings
to its end.

STANDARDS: RFC 5321 (commands), RFC 2033 (LMTP), RFC 1870 (SIZE), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 2920
(PIPELINING), RFC 2034 (ENHANCEDSTATUSCODES), RFC 3461 (DSN), RFC 3030 (CHUNKING), RFC 3207 (STARTTLS), RFC 4954
(AUTH); Postfix XCLIENT_README.
LIMITS: no VRFY, EXPN, TURN, BINARYMIME.
"""

from __future__ import annotations

from dataclasses import replace
from typing import ClassVar

from mailfax.rules.address import parse_mailbox
from mailfax.rules.policy import may_connect
from mailfax.rules.recipient import accepted
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.arrival import cause_of
from mailfax.smtpd.auth import MECHANISMS, log_in
from mailfax.smtpd.chunks import take_chunk
from mailfax.smtpd.conversation import Command, Conversation
from mailfax.smtpd.place import Place
from mailfax.smtpd.syntax import Malformed, mail_parameters, rcpt_parameters, split_path
from mailfax.smtpd.taking import begin, take_data
from mailfax.smtpd.transaction import Accepted, Transaction
from mailfax.smtpd.xclient import OFFER as XCLIENT_OFFER
from mailfax.smtpd.xclient import read_xclient

_MAIL_SYNTAX = "MAIL FROM:<address> [parameters]"
_RCPT_SYNTAX = "RCPT TO:<address> [parameters]"
_NOT_IN_HELP = frozenset({"EXPN", "XCLIENT"})


class Session(Conversation):
    """The commands of one connection."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self.commands = self.of_lmtp if self.client.lmtp else self.of_smtp
        self._transaction: Transaction | None = None
        self._may_name_clients: bool | None = None  #: by XCLIENT; None until it is asked, and then settled
        self._named_helo = ""  #: what XCLIENT says the client calls itself

    def left(self) -> None:
        super().left()
        self._drop()

    def _drop(self) -> None:
        """No mail is in the making any more, whatever has arrived of it."""
        if self._transaction is not None:
            self._transaction.abandon()
            self._transaction = None

    # --- who is there -----------------------------------------------------------------------------------------

    async def smtp_HELO(self, arg: str) -> None:
        if self._greeted(arg, "HELO hostname", esmtp=False):
            self.say(f"250 {self.place.hostname}")

    async def smtp_EHLO(self, arg: str) -> None:
        self._offer(arg, "EHLO hostname")

    async def smtp_LHLO(self, arg: str) -> None:
        self._offer(arg, "LHLO hostname")

    def _offer(self, arg: str, syntax: str) -> None:
        if self._greeted(arg, syntax, esmtp=True):
            *offers, last = (self.place.hostname, *self._offers())
            for offer in offers:
                self.say(f"250-{offer}")
            self.say(f"250 {last}")

    def _greeted(self, arg: str, syntax: str, *, esmtp: bool) -> bool:
        """Any name will do: one that can't be verified is no reason to refuse (RFC 5321 4.1.4)."""
        if not arg and not self.client.device:
            self.refuse(Cause.COMMAND_SYNTAX, syntax=syntax)
            return False
        self._drop()
        self.client = replace(self.client, helo=self._named_helo or arg or "unknown", esmtp=esmtp)
        return True

    def _offers(self) -> list[str]:
        """Only what works, here and now."""
        offers = [f"SIZE {self.place.limits.message_bytes}"]
        if self._tls_on_offer():
            offers.append("STARTTLS")
        if self._login_on_offer():
            offers.append(f"AUTH {' '.join(MECHANISMS)}")
            if self.client.device:
                offers.append("AUTH=LOGIN PLAIN")  # before RFC 2554; Outlook Express and old copiers know no other
        if self._names_clients():
            offers.append(XCLIENT_OFFER)
        return [*offers, "PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES", "CHUNKING", "DSN"]

    def _tls_on_offer(self) -> bool:
        return self.place.listener.tls == "starttls" and not self.client.tls

    def _login_on_offer(self) -> bool:
        """Never in clear, except on a copier's listener, where that password is good for nothing else."""
        return self.client.proof == "auth" and (self.client.tls or self.client.device)

    def _names_clients(self) -> bool:
        """Whether the peer may say XCLIENT: the peer itself, whomever it has named since."""
        if self._may_name_clients is None:
            self._may_name_clients = may_connect(self.place.listener.xclient, self.client.ip)
        return self._may_name_clients

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
            self._drop()
            self.client = replace(self.client, login="")
            await self.change_to_tls(self.place.tls)

    async def smtp_AUTH(self, arg: str) -> None:
        if self.client.login:
            self.refuse(Cause.SEQUENCE, why="you are logged in already")
        elif self._transaction is not None:
            self.refuse(Cause.SEQUENCE, why="a mail has begun already; log in before it")
        elif not self._login_on_offer():
            wanted = self.client.proof == "auth" and self._tls_on_offer()
            self.refuse(Cause.TLS_REQUIRED if wanted else Cause.COMMAND_UNKNOWN)
        elif not self.client.helo or not (self.client.esmtp or self.client.device):
            self.refuse(Cause.SEQUENCE, why="say EHLO first")
        else:
            await log_in(self, arg)

    async def smtp_XCLIENT(self, arg: str) -> None:
        if not self._names_clients():
            return self.refuse(Cause.XCLIENT_DENIED, ip=self.client.ip)
        if self._transaction is not None:
            return self.refuse(Cause.SEQUENCE, why="a mail has begun already")
        try:
            named = read_xclient(arg)
        except Malformed as problem:
            return self.refuse(problem.cause, **problem.facts)
        refused: Cause | None = None
        if named.ip is not None:
            # Another client: what was said by and of the one before does not hold for it.
            self._named_helo = ""
            self.client = replace(self.client, login="")
            refused = self.arrived(named.ip)
        self._named_helo = self._named_helo if named.helo is None else named.helo
        login = self.client.login if named.login is None else named.login
        self.client = replace(self.client, helo="", login=login)
        if refused is not None:
            return self.last_word(refused)
        if self._stranger is not None and self.client.ip:
            self.over = True
            return self.tell(self._stranger)
        self.greet()

    # --- a mail -----------------------------------------------------------------------------------------------

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
        if parameters.size and parameters.size > place.door.room():
            return self.refuse(Cause.STORAGE)
        if not place.crowd.may_begin(client.ip):
            return self.refuse(Cause.RATE, ip=client.ip)
        if not path.isascii():
            parameters = replace(parameters, smtputf8=True)
        # The sender is judged now and told at RCPT: our postmaster is reached by everybody (RFC 5321 4.5.1).
        self._transaction = Transaction(path, place.door.policy.judge_sender(client, path), parameters)
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
            return self.refuse(problem.cause, **problem.facts)
        found = self.place.door.policy.judge_recipient(self.client, transaction.judged, path)
        if isinstance(found, Refusal):
            # Not an error of the dialog: a list with thirty dead numbers must still reach the others.
            return self.tell(found, counts=False, sender=transaction.sender or "<>")
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
        "STARTTLS": smtp_STARTTLS,
        "XCLIENT": smtp_XCLIENT,
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
    of_smtp: ClassVar[dict[str, Command]] = {"HELO": smtp_HELO, "EHLO": smtp_EHLO, "AUTH": smtp_AUTH, **of_both}
    of_lmtp: ClassVar[dict[str, Command]] = {"LHLO": smtp_LHLO, **of_both}
