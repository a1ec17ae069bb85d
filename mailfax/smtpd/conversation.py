"""One SMTP connection from greeting to close: the command loop, patience and limits.

In: a connection on a listener. Out: commands handed to ``Session`` one by one, and replies. aiosmtpd gives the
protocol class and its place in the event loop; reading, replies, parameters and timers are ours, because its own
leak exception texts, share limits between connections and close without a word.

STANDARDS: RFC 5321 4.1.4 (order), 4.3.2 (replies), 4.5.3.2 (timeouts), 3.8 (421 before closing).
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import Any, cast

from aiosmtpd.smtp import SMTP

from mailfax import maillog
from mailfax.rules.envelope import Client
from mailfax.rules.policy import may_connect
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.answers import Answers
from mailfax.smtpd.patience import Patience
from mailfax.smtpd.place import Place, plain_ip
from mailfax.smtpd.wire import LineTooLong, TlsTooSoon, Wire

log = logging.getLogger(__name__)
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
#: After our last word a client gets this long to read it, in seconds.
_GOODBYE = 5.0
#: Commands that came in one packet are obeyed without a task switch; after so many, others have their turn.
_IN_ONE_GO = 50
#: What a load balancer may say that looks whether we live: it is nobody's mail (RFC 5321 4.5.1 less the mail).
_HEALTH_CHECK = frozenset({"HELO", "EHLO", "LHLO", "NOOP", "RSET", "QUIT"})


Command = Callable[[Any, str], Awaitable[None]]


class Conversation(SMTP):
    """The life of a connection; ``Session`` adds what the commands mean (``commands``: verb -> method)."""

    commands: dict[str, Command]

    def __init__(self, place: Place) -> None:
        # Not SMTP.__init__: it looks through all members of the class again for every connection (0.07 ms, a third of
        # what a small mail costs us) for hooks that we have none of; and its command limits are shared by them all.
        self.loop = asyncio.get_running_loop()
        super(SMTP, self).__init__(cast(Any, None), loop=self.loop)
        self.place = place
        listener = place.listener
        self.client = Client(
            listener.name, "", device=listener.device, proof=listener.proof, lmtp=listener.protocol == "lmtp"
        )
        self.wire = Wire(self.loop)
        self.transport: asyncio.Transport | None = None
        self.receiving: asyncio.Task[None] | None = None  #: the prelude, where there is one
        self._handler_coroutine: asyncio.Task[None] | None = None
        self._patience = Patience(self.loop, partial(self.last_word, Cause.TIMEOUT))
        self.errors = 0
        self.failed_logins = 0
        self.commands_since_mail = 0
        self.waiting = False  #: for a command: nothing is in the making
        self.handing_over = False  #: a mail to the spool: nobody knows yet whether it is 250
        self.over = False
        self.answers = Answers(self.loop, self.wire)
        self._ending = False  #: nothing is said any more
        self._may_close = asyncio.Event()
        self.shaking_hands = False  #: a plain word now would be read as part of the handshake
        self._stranger: Refusal | None = None  #: why this client is not served

    # --- replies ----------------------------------------------------------------------------------------------

    def patience(self, seconds: float) -> None:
        """Wait so long for the next sign of life."""
        self._patience.wait(seconds)

    def say(self, reply: str) -> None:
        self.wire.say(reply)

    def refuse(self, cause: Cause, **facts: object) -> None:
        """Answer with the row of the table, and count it as an error of the client."""
        self.tell(refusal(cause, **facts))

    def tell(self, told: Refusal, *, counts: bool = True, **logged: object) -> None:
        self.say(told.reply)
        self.errors += counts
        maillog.refused(self.client.ip, told.cause, **logged)

    def last_word(self, cause: Cause) -> None:
        """Say why, and close: the transport sends what is queued, and is cut if that takes too long."""
        self.over = True
        if self.transport is None or self._ending:
            return
        if self.shaking_hands:
            self.transport.abort()
        elif not self.transport.is_closing():
            self.tell(refusal(cause), listener=self.client.listener)
            self._close()

    def _close(self) -> None:
        """What is unsaid is sent, and a 250 has its time to arrive: once the socket is closed, nobody tells us."""
        if self.transport is not None and not (self.transport.is_closing() or self._ending):
            self._ending = True
            self.wire.flush_now()
            self.answers.when_known(self._close_now, _GOODBYE)

    def _close_now(self) -> None:
        """Nobody keeps a socket by not reading what was said, or by not ending TLS."""
        self._may_close.set()
        if self.transport is not None and not self.transport.is_closing():
            self.transport.close()
            if self.client.tls or self.transport.get_write_buffer_size():
                self.loop.call_later(_GOODBYE, self.transport.abort)

    # --- the life of a connection -----------------------------------------------------------------------------

    def arrived(self, ip: str) -> Cause | None:
        """The true client is at ``ip`` ("": nobody's, a load balancer looks whether we live). Called again when
        XCLIENT names another. Returns why the connection ends at once, if it does."""
        place = self.place
        self.client = replace(self.client, ip=ip, relayed=may_connect(place.listener.relays, ip))
        allowed, postmaster = may_connect(place.welcome, ip), place.handler.policy.postmaster
        where = ip or "unnamed addresses"
        self._stranger = None if allowed else refusal(Cause.NETWORK, ip=where, postmaster=postmaster)
        return place.crowd.count_as(self, ip) if ip else None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's is one by behaviour, not by class
        self.wire.attach(self.transport)
        encrypted = transport.get_extra_info("sslcontext") is not None
        if encrypted:
            self.client = replace(self.client, tls=True)
        self.patience(self.place.pace.command)
        self._handler_coroutine = task = self.loop.create_task(self._handle_client())
        if self.receiving is not None:
            self.place.crowd.sessions[self] = task
            return
        refused = self.place.crowd.enter(self, task)
        refused = self.arrived(plain_ip(transport.get_extra_info("peername"))) or refused
        if refused is not None:
            self.last_word(refused)

    @property
    def connected(self) -> bool:
        """Whether there is, or was, a transport: from then on the session leaves the crowd itself."""
        return self._handler_coroutine is not None

    async def _handle_client(self) -> None:
        try:
            if self.over:
                pass
            elif self.place.crowd.going_down:
                self.last_word(Cause.SHUTDOWN)
            elif self._stranger is not None and self.client.ip:
                self.tell(self._stranger)
            else:
                self.greet()
                await self._converse()
            self._close()
            if self._ending:
                await self._may_close.wait()
        except ConnectionError:
            pass  # the client is gone; what was not answered 250 is not ours
        finally:
            self._patience.stop()
            self._close()
            self.left()
            if self.transport is None:
                self._leave()

    def left(self) -> None:
        """The conversation is over, however it ended."""

    def greet(self) -> None:
        """Our first word; after XCLIENT it is said again."""
        self.say(f"220 {self.place.hostname} {'LMTP' if self.client.lmtp else 'ESMTP'} mailfax")

    def connection_lost(self, error: Exception | None) -> None:
        super(SMTP, self).connection_lost(error)
        self.wire.end()
        self.answers.ended(error)
        self._patience.stop()
        if self._handler_coroutine is not None:
            self._handler_coroutine.cancel()
        self.transport = None
        self._leave()

    def _leave(self) -> None:
        """Not before the socket is gone: who ends TLS slowly, time and again, would else take every descriptor."""
        if self in self.place.crowd.sessions:
            self.place.crowd.leave(self)

    def data_received(self, data: bytes) -> None:
        self.wire.feed(data)

    def eof_received(self) -> bool:
        # A client may send everything, close its side, and still read our replies; aiosmtpd would cancel us. Under
        # TLS there are no half-closed connections.
        self.answers.spoken_to()
        self.wire.end()
        return not self.client.tls

    def pause_writing(self) -> None:
        self.wire.pause_writing()

    def resume_writing(self) -> None:
        self.wire.resume_writing()

    async def _converse(self) -> None:
        """Read commands and obey them until one side has had enough."""
        pace, crowd = self.place.pace, self.place.crowd
        while not self.over:
            try:
                self.waiting = True
                line = await self.wire.line()
            except LineTooLong:
                self.refuse(Cause.COMMAND_LONG)
                line = b""
            except TlsTooSoon:
                self.last_word(Cause.TLS_TOO_SOON)
                break
            finally:
                self.waiting = False
            if line is None or self.over:
                break
            self.answers.spoken_to()
            self.patience(pace.command)
            self.commands_since_mail += 1
            if line:
                await self._obey_safely(line)
            if self.over:
                break
            if crowd.going_down:
                self.last_word(Cause.SHUTDOWN)
            elif self.errors >= pace.errors:
                self.last_word(Cause.TOO_MANY_ERRORS)
            elif self.commands_since_mail > pace.commands_without_mail:
                self.last_word(Cause.TOO_MANY_COMMANDS)
            elif self.commands_since_mail % _IN_ONE_GO == 0:
                await self.wire.flush()  # who does not read our replies must not let them pile up
                await asyncio.sleep(0)
        self.wire.flush_now()

    async def _obey_safely(self, line: bytes) -> None:
        try:
            await self._obey(line)
        except ConnectionError:
            raise
        except Exception:
            # Unknown errors are temporary, and their text is ours alone: it may hold paths, SQL and passwords.
            log.exception("a command failed")
            self.refuse(Cause.TROUBLE)

    async def _obey(self, line: bytes) -> None:
        # A bare LF ends no line here either: what one server takes for a command another takes for text.
        if not line.endswith(b"\r"):
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="every line ends in CRLF")
        verb, _, argument = line[:-1].decode("utf-8", "surrogateescape").partition(" ")
        command = self.commands.get(verb.upper())
        if command is None:
            return self.refuse(Cause.COMMAND_UNKNOWN)
        if self._stranger is not None and verb.upper() not in _HEALTH_CHECK:
            return self.tell(self._stranger)
        if _CONTROL.search(argument):
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="no control characters in a command")
        await command(self, argument.strip(" "))

    def stop(self) -> None:
        """The service goes down: a client that we wait for is told now, others after their reply."""
        if self.receiving is not None and not self.connected:
            self.receiving.cancel()
        elif self.waiting or self.shaking_hands:
            self.last_word(Cause.SHUTDOWN)

    def cut(self) -> None:
        """The time to finish is over."""
        if self.receiving is not None and not self.connected:
            self.receiving.cancel()
        self.last_word(Cause.SHUTDOWN)
        if self.transport is not None:
            self.transport.abort()
