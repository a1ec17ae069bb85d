"""One SMTP connection from greeting to close: the command loop, patience, limits, and the change to TLS.

In: a connection on a listener. Out: commands handed to ``Session`` one by one, and replies. aiosmtpd gives the
protocol class and its life with the event loop; reading, replies, parameters and timers are ours, because its own
leak exception texts, share limits between connections and close without a word.

STANDARDS: RFC 5321 4.1.4 (order), 4.3.2 (replies), 4.5.3.2 (timeouts), 3.8 (421 before closing); RFC 3207 (STARTTLS).
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, ClassVar, cast

from aiosmtpd.smtp import SMTP

from mailfax import maillog
from mailfax.config import Limits, Listener
from mailfax.rules.envelope import Client
from mailfax.rules.policy import may_connect
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.crowd import Crowd
from mailfax.smtpd.door import Door, Pace
from mailfax.smtpd.wire import LineTooLong, Wire

log = logging.getLogger(__name__)
#: After our last word a client gets this long to read it, in seconds.
_GOODBYE = 5.0


@dataclass(frozen=True, slots=True)
class Place:
    """What all sessions of one listener share."""

    listener: Listener
    door: Door
    hostname: str
    limits: Limits
    pace: Pace
    tls: ssl.SSLContext | None
    crowd: Crowd


Command = Callable[[Any, str], Awaitable[None]]


class Conversation(SMTP):
    """The life of a connection; ``Session`` adds what the commands mean (``commands``: verb -> method)."""

    #: Flow control of the stream: asyncio stops reading a socket at twice this.
    line_length_limit = 1 << 17
    commands: ClassVar[dict[str, Command]]

    def __init__(self, place: Place) -> None:
        # The handler has no hooks; the default command limits stay untouched, ours are per connection.
        super().__init__(None, hostname=place.hostname, loop=asyncio.get_running_loop(), timeout=place.pace.command)
        self.place = place
        self.client = Client(place.listener.name, "", device=place.listener.device)
        self.errors = 0
        self.commands_since_mail = 0
        self.waiting = False  #: for a command: nothing is in the making
        self.handing_over = False  #: a mail to the spool: nobody knows yet whether it is 250
        self.over = False

    # --- replies ----------------------------------------------------------------------------------------------

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
        if self.transport is not None and not self.transport.is_closing():
            self.tell(refusal(cause), listener=self.client.listener)
            self.wire.flush_now()
            self.transport.close()
            self.loop.call_later(_GOODBYE, self.transport.abort)  # type: ignore[attr-defined]

    # --- the life of a connection -----------------------------------------------------------------------------

    async def _handle_client(self) -> None:
        self.wire = Wire(self._reader, self._writer)
        peer = self._writer.get_extra_info("peername")
        ip = str(peer[0]).partition("%")[0].removeprefix("::ffff:") if peer else ""
        encrypted = self._writer.get_extra_info("sslcontext") is not None
        self.client = replace(self.client, ip=ip, tls=encrypted)
        task = asyncio.current_task()
        assert task is not None
        refused = self.place.crowd.enter(self, ip, task)
        try:
            if refused is not None:
                self.last_word(refused)
            elif not may_connect(self.place.listener.networks, ip):
                self.tell(refusal(Cause.NETWORK, ip=ip, postmaster=self.place.door.policy.postmaster))
                await self.wire.flush()
            else:
                self.say(f"220 {self.place.hostname} ESMTP mailfax")
                await self._converse()
        except ConnectionError:
            pass  # the client is gone; what was not answered 250 is not ours
        finally:
            self.place.crowd.leave(self, ip)
            if self._timeout_handle is not None:
                self._timeout_handle.cancel()
            self._writer.close()

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
            finally:
                self.waiting = False
            if line is None:
                break
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
        await self.wire.flush()

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
        if any(char < " " or char == "\x7f" for char in argument):
            return self.refuse(Cause.COMMAND_SYNTAX, syntax="no control characters in a command")
        await command(self, argument.strip(" "))

    def stop(self) -> None:
        """The service goes down: a client that we wait for is told now, others after their reply."""
        if self.waiting:
            self.last_word(Cause.SHUTDOWN)

    def cut(self) -> None:
        """The time to finish is over."""
        self.last_word(Cause.SHUTDOWN)
        if self.transport is not None:
            self.transport.abort()  # type: ignore[attr-defined]

    def eof_received(self) -> bool | None:
        # A client may send everything, close its side, and still read our replies; aiosmtpd would cancel us.
        return asyncio.StreamReaderProtocol.eof_received(self)

    # --- patience ---------------------------------------------------------------------------------------------

    def patience(self, seconds: float) -> None:
        """Wait so long for the next sign of life. Cheap: a timer that rings too early looks at the deadline."""
        self._deadline = self.loop.time() + seconds
        if self._deadline < self._rings_at:
            self._ring_at(self._deadline)

    def _ring_at(self, time: float) -> None:
        if self._timeout_handle is not None:
            self._timeout_handle.cancel()
        self._rings_at = time
        self._timeout_handle = self.loop.call_at(time, self._timeout_cb)

    def _reset_timeout(self, duration: float | None = None) -> None:
        """Called by aiosmtpd when the connection is made."""
        self._rings_at = float("inf")
        self.patience(duration or self._timeout_duration)

    def _timeout_cb(self) -> None:
        now = self.loop.time()
        if now < self._deadline:
            self._ring_at(min(self._deadline, now + self._timeout_duration))
        else:
            self.last_word(Cause.TIMEOUT)

    # --- TLS --------------------------------------------------------------------------------------------------

    async def change_to_tls(self, context: ssl.SSLContext) -> None:
        """STARTTLS (RFC 3207 4): nothing that was heard in clear is kept, neither bytes nor what was said."""
        await self.wire.flush()
        raw = cast(asyncio.Transport, self.transport)  # uvloop's is one by behaviour, not by class
        # No byte may come between the discarding and the handshake, so reading stops before we invite.
        raw.pause_reading()
        self.wire.discard()
        self.say("220 2.0.0 Ready to start TLS")
        self.wire.flush_now()
        self.patience(self.place.pace.handshake + 1)
        try:
            encrypted = await self.loop.start_tls(
                raw, self, context, server_side=True, ssl_handshake_timeout=self.place.pace.handshake
            )
        except OSError as error:  # ssl.SSLError, TimeoutError and a lost connection are all OSError
            maillog.tls_failed(self.client.ip, type(error).__name__)
            raw.abort()
            self.over = True
            return
        assert encrypted is not None
        self.transport = encrypted
        layers: tuple[Any, ...] = (self, self._reader, self._writer)
        for layer in layers:
            layer._transport = encrypted  # as asyncio's own StreamWriter.start_tls does
        self._over_ssl = True
        self.client = replace(self.client, tls=True, helo="")
