"""An SMTP server with a backend behind it: real sockets, real listeners; the backend keeps what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import io
import ipaddress
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import BinaryIO

import pytest
import trustme

from mailfax.config import Limits, Listener, SenderRule
from mailfax.rules.envelope import Client, Envelope, Proven
from mailfax.rules.policy import Policy
from mailfax.rules.status import Refusal
from mailfax.smtpd import Handler, Listeners, Pace, open_listeners

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
PLAIN = Listener("submission", "127.0.0.1", 0, networks=LOOPBACK)
MTA, BALANCER, NAMER = (ipaddress.ip_network(f"127.0.0.{number}/32") for number in (7, 6, 8))
#: One of each kind. Where TLS is spoken, ``open_server`` adds the certificate.
LISTENERS = {
    listener.name: listener
    for listener in (
        PLAIN,
        replace(PLAIN, name="starttls", tls="starttls"),
        replace(PLAIN, name="implicit", tls="implicit"),
        replace(PLAIN, name="auth", tls="starttls", proof="auth"),
        replace(PLAIN, name="auth-implicit", tls="implicit", proof="auth"),
        replace(PLAIN, name="device", device=True),
        replace(PLAIN, name="device-auth", device=True, proof="auth"),
        replace(PLAIN, name="device-tls", device=True, proof="auth", tls="starttls"),
        replace(PLAIN, name="relay", relays=(MTA,)),
        replace(PLAIN, name="lmtp", protocol="lmtp", relays=(MTA,)),
        replace(PLAIN, name="xclient", xclient=(NAMER,)),
        replace(PLAIN, name="xclient-auth", tls="starttls", proof="auth", xclient=(NAMER,)),
        replace(PLAIN, name="proxied", proxies=(BALANCER,)),
        replace(PLAIN, name="dmarc", proof="dmarc"),
    )
}
POLICY = Policy(
    fax_domains=("fax.local", "fax.example.com"),
    default_country="US",
    postmaster="postmaster@example.com",
    senders=(
        SenderRule(login=("alice",), senders=("alice@example.com",), account="main", name="Alice Example"),
        SenderRule(login=("copier",), account="copier", notify="owner@example.com"),
        SenderRule(senders=("lab@example.com",), account="main", automatic=True),
        SenderRule(senders=("alice@example.com", "@example.org"), account="main", name="Alice Example"),
        SenderRule(network=(ipaddress.ip_network("127.0.0.9/32"),), account="copier", notify="owner@example.com"),
    ),
    listeners=tuple(LISTENERS.values()),
    aliases=(("sales", ("+15551234567", "+15551234568")),),
    subject_mailbox="fax",
)
PASSWORDS = {"alice": "correct horse", "copier": "1234"}
#: 2030-01-02 03:04:05 UTC
NOW = 1893553445.0


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The service takes uvloop where it exists; every promise of the SMTP server holds on both loops."""
    return "asyncio", {"use_uvloop": request.param}


class Kept:
    """Content in memory, that can be told to fail as a disk does."""

    def __init__(self, failure: OSError | None = None, room: int = 1 << 30) -> None:
        self.size = self.prefix_size = 0
        self.blocks: list[bytes] = []
        self.abandoned = False
        self._failure = failure
        self._room = room

    def prefix(self, ours: bytes, header: bytes) -> None:
        assert not self.size, "a prefix comes first"
        self.prefix_size = len(ours)
        self.write(ours + header)

    def write(self, block: bytes) -> None:
        assert not self.abandoned, "written after it was abandoned"
        if self._failure is not None and self.size + len(block) > self._room:
            raise self._failure
        self.size += len(block)
        self.blocks.append(block)

    def open(self) -> BinaryIO:
        return io.BytesIO(self.data)

    def abandon(self) -> None:
        self.abandoned = True
        self.blocks.clear()

    @property
    def data(self) -> bytes:
        return b"".join(self.blocks)


@dataclass
class Mail:
    queue_id: str
    envelope: Envelope
    data: bytes
    header_block: bytes
    prefix: bytes = b""

    @property
    def body(self) -> bytes:
        """What the client sent: everything behind our own lines."""
        return self.data[len(self.prefix) :]


@dataclass
class Told:
    """An answer that keeps what became of it: "late", "acknowledged", "heard", "gone"."""

    queue_id: str
    became: list[str]

    def late(self) -> None:
        self.became.append("late")

    def acknowledged(self) -> None:
        self.became.append("acknowledged")

    def concluded(self, *, heard: bool) -> None:
        assert not {"heard", "gone"} & set(self.became), "concluded twice"
        self.became.append("heard" if heard else "gone")


@dataclass
class Backend:
    """What is behind the SMTP server. ``before_accept`` may wait, fail or refuse as a spool does."""

    policy: Policy = POLICY
    mails: list[Mail] = field(default_factory=list)
    contents: list[Kept] = field(default_factory=list)
    make: Callable[[], Kept] = Kept
    before_accept: Callable[[], Awaitable[Refusal | None]] | None = None
    passwords: Mapping[str, str] = field(default_factory=PASSWORDS.copy)
    proven: Proven = field(default_factory=lambda: Proven("", "nothing was checked"))
    #: what became of each 250, in the order of the mails
    answers: list[list[str]] = field(default_factory=list)
    #: (user, password, listener) of every attempt to log in
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    room: int = 1 << 40

    def begin(self) -> Kept:
        self.contents.append(self.make())
        return self.contents[-1]

    async def accept(self, envelope: Envelope, content: Kept, header_block: bytes) -> Told | Refusal:
        refused = await self.before_accept() if self.before_accept is not None else None
        if refused is not None:
            return refused
        queue_id = f"B{len(self.mails):09d}"
        data = content.data
        self.mails.append(Mail(queue_id, envelope, data, header_block, data[: content.prefix_size]))
        self.answers.append([])
        return Told(queue_id, self.answers[-1])

    async def authenticate(self, user: str, password: str, listener: str) -> str | None:
        self.asked.append((user, password, listener))
        name = user.strip().casefold()
        return name if password and self.passwords.get(name) == password else None

    async def prove(self, client: Client, sender: str, header_block: bytes, content: Kept) -> Proven:
        return self.proven

    @property
    def heard(self) -> list[bool]:
        """Of each mail that was concluded, in their order."""
        return [became[-1] == "heard" for became in self.answers if became and became[-1] in ("heard", "gone")]

    @property
    def handler(self) -> Handler:
        return Handler(
            begin=self.begin,
            room=lambda: self.room,
            accept=self.accept,
            policy=self.policy,
            now=lambda: NOW,
            authenticate=self.authenticate,
            prove=self.prove,
        )


@dataclass
class Server:
    listeners: Listeners
    backend: Backend
    authority: trustme.CA | None = None
    lines: list[Line] = field(default_factory=list)

    async def connect(self, name: str = "submission", source: str = "127.0.0.1", *, tls: bool = False) -> Line:
        """A client on its line; ``tls``: it begins with the handshake."""
        host, port = self.listeners.addresses[name]
        context = self._trusting() if tls else None
        reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0), ssl=context)
        self.lines.append(Line(reader, writer))
        return self.lines[-1]

    async def encrypt(self, line: Line) -> None:
        """The client's side of STARTTLS, after our 220."""
        await line.writer.start_tls(self._trusting(), server_hostname="gate.example.com")

    def _trusting(self) -> ssl.SSLContext:
        context = ssl.create_default_context()
        assert self.authority is not None, "a listener without certificate speaks no TLS"
        self.authority.configure_trust(context)
        return context


class Line:
    """A client that says what it is told to say, byte by byte, and hears whole replies."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> str:
        """One reply, its lines joined by newlines; "" when the connection has ended."""
        lines: list[str] = []
        while True:
            try:
                line = await asyncio.wait_for(self.reader.readline(), 20)
            except ConnectionError:
                return ""
            if not line:
                return "\n".join(lines)
            assert line.endswith(b"\r\n"), line
            lines.append(line[:-2].decode("ascii"))
            if lines[-1][3:4] != "-":
                return "\n".join(lines)

    async def ask(self, *commands: str) -> str:
        """Say each command and hear its reply; the last reply."""
        reply = ""
        for command in commands:
            await self.send(command.encode() + b"\r\n")
            reply = await self.hear()
        return reply

    async def begin(self, *recipients: str, sender: str = "alice@example.com", ehlo: str = "client.example") -> None:
        """Up to 354."""
        await self.hear()
        await self.ask(f"EHLO {ehlo}", f"MAIL FROM:<{sender}>")
        for recipient in recipients or ("15551234567@fax.local",):
            assert (await self.ask(f"RCPT TO:<{recipient}>")).startswith("250")
        assert (await self.ask("DATA")).startswith("354")

    def close(self) -> None:
        self.writer.close()


OpenServer = Callable[..., Awaitable[Server]]


@pytest.fixture
async def open_server(anyio_backend: object, tls_files: tuple[trustme.CA, Path]) -> AsyncIterator[OpenServer]:
    """Opens listeners; whatever was opened is drained at the end, and nothing may be left running."""
    async with AsyncExitStack() as stack:

        async def open_(
            *listeners: Listener | str,
            backend: Backend | None = None,
            limits: Limits | None = None,
            pace: Pace | None = None,
        ) -> Server:
            wanted = [LISTENERS[one] if isinstance(one, str) else one for one in listeners]
            return await stack.enter_async_context(
                server(*wanted, backend=backend, limits=limits, pace=pace, tls_files=tls_files)
            )

        yield open_


@asynccontextmanager
async def server(
    *listeners: Listener,
    backend: Backend | None = None,
    limits: Limits | None = None,
    pace: Pace | None = None,
    tls_files: tuple[trustme.CA, Path] | None = None,
) -> AsyncIterator[Server]:
    backend = backend or Backend()
    authority, path = tls_files or (None, None)
    certified = [
        replace(one, certificate=path, key=path) if one.tls != "none" and one.certificate is None else one
        for one in listeners or (PLAIN,)
    ]
    opened = await open_listeners(
        certified, backend.handler, hostname="gate.example.com", limits=limits or Limits(), pace=pace
    )
    home = Server(opened, backend, authority)
    try:
        yield home
    finally:
        for line in home.lines:
            line.close()
        await opened.drain(0)
        for line in home.lines:
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> tuple[trustme.CA, Path]:
    authority = trustme.CA()
    path = tmp_path_factory.mktemp("tls") / "gate.pem"
    authority.issue_cert("127.0.0.1", "gate.example.com").private_key_and_cert_chain_pem.write_to_path(str(path))
    return authority, path


@pytest.fixture
def tls_listeners(tls_files: tuple[trustme.CA, Path]) -> tuple[Listener, Listener]:
    """One that offers STARTTLS, one with TLS from the first byte."""
    path = tls_files[1]
    starttls = replace(PLAIN, name="starttls", tls="starttls", certificate=path, key=path)
    return starttls, replace(starttls, name="implicit", tls="implicit")
