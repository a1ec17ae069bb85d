"""Who is there: the greeting and what may be said after it, TLS, logins, and clients that another server names.

In: verb and argument from ``Conversation``. Out: replies, and what is known of the ``Client``. Each of these commands
comes before a mail or ends the one in the making.

STANDARDS: RFC 5321 4.1.1.1 (EHLO, HELO), RFC 2033 4.1 (LHLO), RFC 3207 (STARTTLS), RFC 4954 (AUTH); Postfix
XCLIENT_README. Offered: RFC 1870 (SIZE), RFC 2920 (PIPELINING), RFC 6152 (8BITMIME), RFC 6531 (SMTPUTF8), RFC 2034
(ENHANCEDSTATUSCODES), RFC 3030 (CHUNKING), RFC 3461 (DSN).
LIMITS: no BINARYMIME.
"""

from __future__ import annotations

from dataclasses import replace

from mailfax.rules.policy import may_connect
from mailfax.rules.status import Cause
from mailfax.smtpd.auth import MECHANISMS, log_in
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.place import Place
from mailfax.smtpd.syntax import Malformed
from mailfax.smtpd.tls import change_to_tls
from mailfax.smtpd.transaction import Transaction
from mailfax.smtpd.xclient import OFFER as XCLIENT_OFFER
from mailfax.smtpd.xclient import read_xclient


class Introduction(Conversation):
    """The commands that say who is there. ``Session`` adds those of a mail."""

    def __init__(self, place: Place) -> None:
        super().__init__(place)
        self._transaction: Transaction | None = None  #: the mail in the making
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
            await change_to_tls(self, self.place.tls)

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
