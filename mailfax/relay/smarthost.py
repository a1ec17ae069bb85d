"""Our mail by SMTP, to a server that takes it for everybody.

What failed is told apart by how far the transaction came. A mail with several recipients is taken for all or for
none, so what is raised is true of each; our own letters have one recipient each. Connections are kept for the next
mail (``sessions``).

STANDARDS: RFC 5321 (client), RFC 3207 (STARTTLS, always verified), RFC 4954 (AUTH), RFC 6152 (8BITMIME), RFC 6531
(SMTPUTF8), RFC 3461 6.1 (NOTIFY=NEVER on our null-sender mails), RFC 8689 4.1 (REQUIRETLS), RFC 6376 (``signing``).
LIMITS: mail that is not 7-bit goes to a relay without 8BITMIME as it is (only mail passed on to the postmaster can be
such, and refusing it would lose it).
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import ssl
from collections.abc import Iterator, Sequence

import aiosmtplib
from aiosmtplib.email import parse_address

from mailfax.config import RelayConfig
from mailfax.relay.sessions import IDLE_SECONDS, Sessions
from mailfax.relay.signing import Signer
from mailfax.rules.failure import Failure, Impossible, InDoubt, NotSent, Refused

#: For the connection and for each reply, and for the mail with its last reply (RFC 5321 4.5.3.2: 10 minutes).
COMMAND_SECONDS, CONTENT_SECONDS = 60.0, 600.0
#: The relay refuses us, not the mail: a password or a certificate to fix (RFC 4954 6, RFC 3207 4).
_OUR_ACCESS = frozenset({530, 534, 535, 538})


class Stage(enum.Enum):
    """How far a transaction has come: what a failure means depends on it."""

    ACCESS = enum.auto()  #: connection, TLS, login: nothing speaks of the mail yet
    ENVELOPE = enum.auto()  #: sender and recipients: a 5xx is about this mail
    CONTENT = enum.auto()  #: the mail itself: silence no longer means that it was not taken


class Smarthost:
    """A mail server that takes our mail by SMTP."""

    def __init__(
        self,
        config: RelayConfig,
        hostname: str,
        *,
        command_seconds: float = COMMAND_SECONDS,
        content_seconds: float = CONTENT_SECONDS,
        idle_seconds: float = IDLE_SECONDS,
    ) -> None:
        self._config, self._hostname = config, hostname
        self._command_seconds, self._content_seconds = command_seconds, content_seconds
        self._sessions = Sessions(self._open, idle_seconds=idle_seconds)
        self._sign = Signer(config.dkim).signed if config.dkim else None

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand a mail over; raises ``NotSent``, ``Refused`` or ``InDoubt``."""
        if self._sign is not None:
            content = await asyncio.to_thread(self._sign, content)
        async with self._sessions.one() as session:
            with _during(Stage.ENVELOPE):
                await self._envelope(session, sender, recipients, content)
            with _during(Stage.CONTENT):
                await session.data(content, timeout=self._content_seconds)

    async def probe(self) -> None:
        """Connect, start TLS, log in; raises ``NotSent``."""
        async with self._sessions.one() as session:
            with _during(Stage.ACCESS):
                await session.noop()

    async def close(self) -> None:
        """Hang up where a connection was kept for the next mail."""
        await self._sessions.close()

    async def _open(self) -> aiosmtplib.SMTP:
        config = self._config
        session = aiosmtplib.SMTP(
            hostname=config.host,
            port=config.port,
            username=config.username or None,
            password=config.password or None,
            local_hostname=self._hostname,
            timeout=self._command_seconds,
            use_tls=config.tls == "implicit",
            start_tls=config.tls == "starttls",
            tls_context=None if config.tls == "none" else self._tls(),
        )
        with _during(Stage.ACCESS):
            await session.connect()
        return session

    def _tls(self) -> ssl.SSLContext:
        """Verifies name and chain, always: a relay that anybody could play would read every fax."""
        try:
            return ssl.create_default_context(cafile=self._config.ca_file)
        except OSError as missing:
            sentence = f"The relay's ca_file can't be read: {missing}"
            raise NotSent(sentence, diagnostic="x-mailfax; ca_file", everybody=True) from missing

    async def _envelope(
        self, session: aiosmtplib.SMTP, sender: str, recipients: Sequence[str], content: bytes
    ) -> None:
        """MAIL and RCPT. Where one recipient is refused, none gets the mail."""
        for address in (sender, *recipients):
            _check(address)
        if session.is_ehlo_or_helo_needed:
            try:
                await session.ehlo()
            except aiosmtplib.SMTPHeloError as refused:
                if refused.code < 500:
                    raise  # not now, rather than not known (RFC 5321 3.2)
                await session.helo()  # so it knows no extension either
        # RFC 1870 4: a size that the server names is the most that it takes; 0, or none, says nothing.
        most = session.esmtp_extensions.get("size", "").strip()
        if most.isdecimal() and 0 < int(most) < len(content):
            raise Impossible(
                "The mail is larger than the mail server takes",
                diagnostic=f"x-mailfax; {len(content)} bytes, and the relay takes {most}",
            )
        header = content.partition(b"\r\n\r\n")[0]
        international = not header.isascii() or not all(one.isascii() for one in (sender, *recipients))
        options = [f"SIZE={len(content)}"] if session.supports_extension("size") else []
        if not content.isascii() and session.supports_extension("8bitmime"):
            options.append("BODY=8BITMIME")
        if international and session.supports_extension("smtputf8"):
            options.append("SMTPUTF8")
        elif not all(one.isascii() for one in (sender, *recipients)):
            raise Impossible(
                "The mail server does not take addresses with letters beyond ASCII",
                diagnostic="x-mailfax; relay without SMTPUTF8",
            )
        if self._config.requiretls:
            if not session.supports_extension("requiretls"):
                raise NotSent(
                    "The mail server does not promise to hand mail on by TLS alone (REQUIRETLS)",
                    diagnostic="x-mailfax; relay without REQUIRETLS",
                    everybody=True,
                )
            options.append("REQUIRETLS")
        # RFC 3461 6.1: nobody is to be told of what becomes of a report.
        wishes = ["NOTIFY=NEVER"] if not sender and session.supports_extension("dsn") else []
        encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
        await session.mail(sender, options=options, encoding=encoding)
        for recipient in recipients:
            await session.rcpt(recipient, options=wishes, encoding=encoding)


@contextlib.contextmanager
def _during(stage: Stage) -> Iterator[None]:
    """What the relay says, or its silence, as one of the three failures."""
    try:
        yield
    except aiosmtplib.SMTPResponseException as reply:
        said = " ".join(f"{reply.code} {reply.message}".split())[:300]
        raise _answered(stage, reply.code, said) from reply
    except (aiosmtplib.SMTPException, OSError) as silence:
        told = " ".join(str(silence).split())[:300] or type(silence).__name__
        if stage is Stage.CONTENT:
            raise InDoubt("The mail server did not say whether it took the mail", diagnostic=told) from silence
        unreached = f"The mail server can't be reached: {told}"
        raise NotSent(unreached, diagnostic=told, everybody=stage is Stage.ACCESS) from silence


def _answered(stage: Stage, code: int, said: str) -> Failure:
    """A reply that is not the one hoped for. RFC 3464 2.3.6: "smtp" is the type of such a diagnostic."""
    diagnostic = f"smtp; {said}"
    if stage is not Stage.ACCESS and 500 <= code < 600 and code not in _OUR_ACCESS:
        return Refused(f"The mail server refused the mail: {said}", diagnostic=diagnostic)
    if stage is Stage.CONTENT and not 400 <= code < 600:
        # No reply that RFC 5321 4.3.2 knows after the content, or none that can be read at all.
        return InDoubt("The mail server gave an unclear answer after the mail", diagnostic=diagnostic)
    everybody = stage is Stage.ACCESS or code in _OUR_ACCESS
    sentence = f"The mail server does not take the mail now: {said}"
    return NotSent(sentence, diagnostic=diagnostic, everybody=everybody)


def _check(address: str) -> None:
    """The library would mend an odd address into another one; then nobody gets the mail rather than a stranger."""
    try:
        sound = parse_address(address) == address
    except ValueError:
        sound = False
    if not sound:
        raise Impossible("The address can't be written in a mail transaction", diagnostic="x-mailfax; bad address")
