"""Our mail goes out: to a smarthost by SMTP, or into Maildirs on disk.

In: an envelope and a whole mail with CRLF. Out: nothing once it was taken; otherwise ``NotSent`` (of ``everybody``
where nothing was said about the mail), ``Refused`` (``Impossible`` where the relay was not asked) or ``InDoubt``,
told apart by how far the transaction came. A mail with several recipients is taken for all or for none, so what is
raised is true of each; our own letters have one recipient each.

STANDARDS: RFC 5321 (client), RFC 3207 (STARTTLS, always verified), RFC 4954 (AUTH), RFC 6152 (8BITMIME), RFC 6531
(SMTPUTF8), RFC 3461 6.1 (NOTIFY=NEVER on our null-sender mails). Maildir: cr.yp.to/proto/maildir.html.
LIMITS: one connection for each mail; mail that is not 7-bit goes to a relay without 8BITMIME as it is (only mail
passed on to the postmaster can be such, and refusing it would lose it).
"""

from __future__ import annotations

import asyncio
import contextlib
import enum
import hashlib
import os
import re
import secrets
import ssl
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import quote

import aiosmtplib
from aiosmtplib.email import parse_address

from mailfax.config import RelayConfig
from mailfax.rules.failure import Failure, Impossible, InDoubt, NotSent, Refused

#: For the connection and for each reply, and for the mail with its last reply (RFC 5321 4.5.3.2: 10 minutes).
COMMAND_SECONDS, CONTENT_SECONDS = 60.0, 600.0
#: The relay refuses us, not the mail: a password or a certificate to mend (RFC 4954 6, RFC 3207 4).
_OUR_ACCESS = frozenset({530, 534, 535, 538})
#: Longest name of a directory; longer addresses end with a digest.
_NAME_LONGEST = 200


class Stage(enum.Enum):
    """How far a transaction has come: what a failure means depends on it."""

    ACCESS = enum.auto()  #: connection, TLS, login: nothing speaks of the mail yet
    ENVELOPE = enum.auto()  #: sender and recipients: a 5xx is about this mail
    CONTENT = enum.auto()  #: the mail itself: silence no longer means that it was not taken


class Relay(Protocol):
    """Takes our mail."""

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand a mail over; returns once it was taken. ``sender`` is "" for the null reverse-path."""

    async def probe(self) -> None:
        """Go as far as is possible without a mail; raises a ``Failure`` with a sentence."""


def relay_for(config: RelayConfig, hostname: str) -> Relay:
    """The relay that the configuration names."""
    return Maildir(config.maildir, hostname) if config.maildir else Smarthost(config, hostname)


class Smarthost:
    """A mail server that takes our mail by SMTP."""

    def __init__(
        self,
        config: RelayConfig,
        hostname: str,
        *,
        command_seconds: float = COMMAND_SECONDS,
        content_seconds: float = CONTENT_SECONDS,
    ) -> None:
        self._config, self._hostname = config, hostname
        self._command_seconds, self._content_seconds = command_seconds, content_seconds

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand a mail over; raises ``NotSent``, ``Refused`` or ``InDoubt``."""
        async with self._session() as session:
            with _during(Stage.ENVELOPE):
                await self._envelope(session, sender, recipients, content)
            with _during(Stage.CONTENT):
                await session.data(content, timeout=self._content_seconds)

    async def probe(self) -> None:
        """Connect, start TLS, log in; raises ``NotSent``."""
        async with self._session() as session:
            with _during(Stage.ACCESS):
                await session.noop()

    @contextlib.asynccontextmanager
    async def _session(self) -> AsyncIterator[aiosmtplib.SMTP]:
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
        try:
            yield session
        finally:
            # What became of the mail is known by now; a failing QUIT changes nothing.
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await session.quit(timeout=min(5.0, self._command_seconds))
            session.close()

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
        # RFC 3461 6.1: nobody is to be told of what becomes of a report.
        wishes = ["NOTIFY=NEVER"] if not sender and session.supports_extension("dsn") else []
        encoding = "utf-8" if "SMTPUTF8" in options else "ascii"
        await session.mail(sender, options=options, encoding=encoding)
        for recipient in recipients:
            await session.rcpt(recipient, options=wishes, encoding=encoding)


class Maildir:
    """One Maildir for each address, below one directory: ``<root>/<address>/{tmp,new,cur}``."""

    def __init__(self, root: Path, hostname: str) -> None:
        self._root = root
        # A file name of a Maildir may hold neither "/" nor ":" (the separator of flags).
        self._hostname = re.sub(r"[^A-Za-z0-9.-]", "_", hostname)

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Store a mail for each recipient, durably; raises ``NotSent`` where the disk doesn't take it."""
        try:
            for recipient in recipients:
                await asyncio.to_thread(self._store, sender, recipient, content)
        except OSError as failed:
            raise _disk(failed) from failed

    async def probe(self) -> None:
        """See that the root can be written; raises ``NotSent``."""
        try:
            await asyncio.to_thread(self._root.mkdir, mode=0o700, parents=True, exist_ok=True)
        except OSError as failed:
            raise _disk(failed) from failed
        if not os.access(self._root, os.W_OK | os.X_OK):
            raise NotSent(f"The mail directory {self._root} can't be written", diagnostic="x-mailfax; not writable")

    def _store(self, sender: str, recipient: str, content: bytes) -> None:
        folder = self._root / _folder_name(recipient)
        for part in ("tmp", "new", "cur"):
            (folder / part).mkdir(mode=0o700, parents=True, exist_ok=True)
        name = f"{time.time_ns() // 1_000_000_000}.{secrets.token_hex(10)}.{self._hostname}"
        # Final delivery: the envelope is written into the mail (RFC 5321 4.4), and lines end as files here do.
        top = f"Return-Path: <{_bare(sender)}>\nDelivered-To: {_bare(recipient)}\n".encode()
        waiting = folder / "tmp" / name
        try:
            with waiting.open("xb") as file:
                file.write(top + content.replace(b"\r\n", b"\n"))
                file.flush()
                os.fsync(file.fileno())
            waiting.rename(folder / "new" / name)
        except OSError:
            waiting.unlink(missing_ok=True)
            raise
        # The new name, and the directories that may be new as well, must survive a crash before we say "taken".
        for directory in (folder / "new", folder, self._root):
            _sync_directory(directory)


def _folder_name(address: str) -> str:
    """An address as one directory name: no separators, no leading dot, one case (mailboxes are compared without)."""
    name = quote(address.lower().encode("utf-8", "surrogateescape"), safe="@+=_-.")
    if name.startswith("."):
        name = "%2E" + name[1:]
    if len(name) > _NAME_LONGEST:
        name = f"{name[: _NAME_LONGEST - 33]}~{hashlib.sha256(name.encode()).hexdigest()[:32]}"
    return name or "%"


def _bare(address: str) -> str:
    return "".join(char for char in address if char.isprintable())


def _sync_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _disk(failed: OSError) -> NotSent:
    sentence = f"The mail directory can't be written: {failed.strerror}"
    return NotSent(sentence, diagnostic=f"x-mailfax; {failed}", everybody=True)


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
