"""A door with a desk behind it: real sockets, real listeners, and a desk that keeps what was accepted."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import trustme

from mailfax.config import Limits, Listener, SenderRule
from mailfax.rules.envelope import Client, Envelope, Proven
from mailfax.rules.policy import Policy
from mailfax.smtpd import Door, Listeners, Pace, open_listeners

LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
POLICY = Policy(
    fax_domains=("fax.local", "fax.example.com"),
    default_country="US",
    postmaster="postmaster@example.com",
    senders=(
        SenderRule(senders=("lab@example.com",), account="main", automatic=True),
        SenderRule(senders=("alice@example.com", "@example.org"), account="main", name="Alice Example"),
        SenderRule(network=(ipaddress.ip_network("127.0.0.9/32"),), account="copier", notify="owner@example.com"),
    ),
)
#: 2030-01-02 03:04:05 UTC
NOW = 1893553445.0


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"])
def anyio_backend(request: pytest.FixtureRequest) -> tuple[str, dict[str, bool]]:
    """The service takes uvloop where it exists; every promise of the door holds on both loops."""
    return "asyncio", {"use_uvloop": request.param}


class Kept:
    """Content in memory, that can be told to fail as a disk does."""

    def __init__(self, failure: OSError | None = None, room: int = 1 << 30) -> None:
        self.size = 0
        self.blocks: list[bytes] = []
        self.abandoned = False
        self._failure = failure
        self._room = room

    def write(self, block: bytes) -> None:
        if self._failure is not None and self.size + len(block) > self._room:
            raise self._failure
        self.size += len(block)
        self.blocks.append(block)

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

    @property
    def body(self) -> bytes:
        """What the client sent: everything behind our own Received line."""
        return self.data[self.data.index(b"+0000\r\n") + 7 :]


@dataclass
class Desk:
    """What is behind the door. ``before_accept`` may wait or fail as a spool does."""

    policy: Policy = POLICY
    mails: list[Mail] = field(default_factory=list)
    contents: list[Kept] = field(default_factory=list)
    make: Callable[[], Kept] = Kept
    before_accept: Callable[[], Awaitable[None]] | None = None
    passwords: dict[str, str] = field(default_factory=dict)
    proven: Proven = field(default_factory=lambda: Proven("", "nothing was checked"))
    concluded: list[tuple[str, bool]] = field(default_factory=list)

    def begin(self) -> Kept:
        self.contents.append(self.make())
        return self.contents[-1]

    async def accept(self, envelope: Envelope, content: Kept, header_block: bytes) -> str:
        if self.before_accept is not None:
            await self.before_accept()
        queue_id = f"B{len(self.mails):09d}"
        self.mails.append(Mail(queue_id, envelope, content.data, header_block))
        return queue_id

    @property
    def door(self) -> Door:
        return Door(
            self.begin,
            self.accept,
            self.policy,
            lambda: NOW,
            self.authenticate,
            self.prove,
            lambda queue_id, heard: self.concluded.append((queue_id, heard)),
        )

    async def authenticate(self, user: str, password: str, listener: str) -> str | None:
        return user if self.passwords.get(user) == password else None

    async def prove(self, client: Client, sender: str, header_block: bytes, content: Kept) -> Proven:
        return self.proven


@dataclass
class House:
    listeners: Listeners
    desk: Desk
    lines: list[Line] = field(default_factory=list)

    async def connect(self, name: str = "submission", source: str = "127.0.0.1") -> Line:
        host, port = self.listeners.addresses[name]
        reader, writer = await asyncio.open_connection(host, port, local_addr=(source, 0))
        self.lines.append(Line(reader, writer))
        return self.lines[-1]


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


OpenHouse = Callable[..., Awaitable[House]]


@pytest.fixture
async def open_house(anyio_backend: object) -> AsyncIterator[OpenHouse]:
    """Opens doors; whatever was opened is drained at the end, and nothing may be left running."""
    async with AsyncExitStack() as stack:

        async def open_(
            *listeners: Listener, desk: Desk | None = None, limits: Limits | None = None, pace: Pace | None = None
        ) -> House:
            return await stack.enter_async_context(house(*listeners, desk=desk, limits=limits, pace=pace))

        yield open_


@asynccontextmanager
async def house(
    *listeners: Listener, desk: Desk | None = None, limits: Limits | None = None, pace: Pace | None = None
) -> AsyncIterator[House]:
    desk = desk or Desk()
    opened = await open_listeners(
        listeners or (PLAIN,), desk.door, hostname="gate.example.com", limits=limits or Limits(), pace=pace
    )
    home = House(opened, desk)
    try:
        yield home
    finally:
        for line in home.lines:
            line.close()
        await opened.drain(0)
        for line in home.lines:
            with contextlib.suppress(OSError):
                await line.writer.wait_closed()


PLAIN = Listener("submission", "127.0.0.1", 0, networks=LOOPBACK)


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
