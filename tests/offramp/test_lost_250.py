"""Over real sockets: a mail that comes again after a lost 250 is never faxed twice, one that is sent again on purpose
always is, however its client ends."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from mailfax.clock import SteadyClock
from mailfax.config import Limits, Listener, SenderRule
from mailfax.context import Context
from mailfax.letters import Marks
from mailfax.offramp.accept import Accept
from mailfax.rules.envelope import Client, Proven
from mailfax.rules.policy import Policy
from mailfax.rules.states import JobEvent
from mailfax.smtpd import Handler, Listeners, open_listeners
from mailfax.spool import Spool
from tests.offramp.pipeline import SITE
from tests.support import blackhole

pytestmark = pytest.mark.anyio
LISTENER = Listener("copiers", "127.0.0.1", 0, networks=(ipaddress.ip_network("127.0.0.0/8"),), device=True)
POLICY = Policy(
    fax_domains=("fax.local",),
    default_country="US",
    postmaster="postmaster@example.com",
    senders=(SenderRule(network=LISTENER.networks, account="main", notify="owner@example.com"),),
    listeners=(LISTENER,),
)


def scan(n: int, page: str = "page") -> bytes:
    """One page as a copier mails it for the ``n``th time; 0: by one that writes neither Date nor Message-ID."""
    anew = f"Date: Thu, 26 Nov 2026 08:0{n}:00 +0000\r\nMessage-ID: <{n}@copier>\r\n" if n else ""
    head = f"{anew}Subject: Scan\r\nContent-Type: multipart/mixed; boundary=b{n}\r\n\r\n"
    return f"{head}--b{n}\r\nContent-Type: image/tiff\r\n\r\n{page}\r\n--b{n}--\r\n".encode()


@dataclass
class Bridge:
    """The SMTP server and the acceptance, over a real spool; ``gate`` is waited for before anything is stored."""

    listeners: Listeners
    spool: Spool
    gate: asyncio.Event
    clients: list[asyncio.StreamWriter] = field(default_factory=list)

    async def faxes(self) -> int:
        return len(await self.spool.jobs.listing(limit=100))

    async def stored(self, faxes: int) -> None:
        async with asyncio.timeout(5):
            while await self.faxes() < faxes:
                await asyncio.sleep(0.005)


@asynccontextmanager
async def bridge(folder: Path) -> AsyncIterator[Bridge]:
    spool = await Spool.open("sqlite:///spool.db", folder)
    marks = lambda: Marks("L", "<1@fax.example.com>", 0.0)  # noqa: E731
    accept = Accept(Context(spool, SITE, Limits(), marks, SteadyClock(spool.now)))
    gate = asyncio.Event()
    gate.set()

    async def when_open(*mail: object) -> object:
        await gate.wait()
        return await accept(*mail)  # type: ignore[arg-type]

    async def nobody(*said: str) -> None:
        return None

    async def unproven(client: Client, sender: str, header: bytes, content: object) -> Proven:
        return Proven("", "")

    handler = Handler(spool.content.begin, spool.content.room, when_open, POLICY, spool.now, nobody, unproven)  # type: ignore[arg-type]
    listeners = await open_listeners([LISTENER], handler, hostname="fax.example.com", limits=Limits())
    here = Bridge(listeners, spool, gate)
    try:
        yield here
    finally:
        for client in here.clients:
            client.transport.abort()
        await listeners.drain(0)
        await spool.close()


class Copier:
    """Says everything up to the end mark, and stops there: what it makes of the 250 is the test's."""

    def __init__(self, here: Bridge, ip: str = "127.0.0.1", sender: str = "") -> None:
        self.here, self.ip, self.sender = here, ip, sender

    async def send(self, mail: bytes) -> Copier:
        reader, self.writer = await asyncio.open_connection(
            *self.here.listeners.addresses["copiers"], local_addr=(self.ip, 0)
        )
        self.reader = reader
        self.here.clients.append(self.writer)
        await self.hear()
        for command in ("EHLO copier", f"MAIL FROM:<{self.sender}>", "RCPT TO:<15551234567@fax.local>", "DATA"):
            await self.say(command.encode())
        self.writer.write(mail)
        return self

    async def say(self, command: bytes) -> bytes:
        self.writer.write(command + b"\r\n")
        return await self.hear()

    async def hear(self) -> bytes:
        while (line := await asyncio.wait_for(self.reader.readline(), 15))[3:4] == b"-":
            pass
        return line

    def set(self, level: int, option: int, value: bytes) -> None:
        with self.raw() as raw:
            raw.setsockopt(level, option, value)

    def raw(self) -> socket.socket:
        return socket.socket(fileno=socket.dup(self.writer.get_extra_info("socket").fileno()))


Loss = Callable[[Copier], Awaitable[None]]


async def closes_while_it_is_stored(copier: Copier) -> None:
    copier.here.gate.clear()
    copier.writer.write(b".\r\n")
    await asyncio.sleep(0.05)
    copier.writer.close()
    await asyncio.sleep(0.02)
    copier.here.gate.set()


async def resets_while_it_is_stored(copier: Copier) -> None:
    copier.set(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await closes_while_it_is_stored(copier)


async def closes_without_reading(copier: Copier) -> None:
    copier.writer.transport.pause_reading()  # type: ignore[attr-defined]
    copier.writer.write(b".\r\n")
    await asyncio.sleep(0.2)  # the 250 lies in its system, acknowledged
    copier.writer.close()


async def says_everything_and_closes_without_reading(copier: Copier) -> None:
    copier.writer.transport.pause_reading()  # type: ignore[attr-defined]
    copier.writer.write(b".\r\nQUIT\r\n")
    copier.writer.close()


async def is_cut_off_without_a_word(copier: Copier) -> None:
    with copier.raw() as raw:
        blackhole.cut(raw)
    copier.writer.write(b".\r\n")
    await asyncio.sleep(0.3)


LOSSES = [
    closes_while_it_is_stored,
    resets_while_it_is_stored,
    closes_without_reading,
    says_everything_and_closes_without_reading,
    is_cut_off_without_a_word,
]


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bridge]:
    monkeypatch.setattr("mailfax.offramp.resent.REACHED_SECONDS", 0.5)
    monkeypatch.setattr("mailfax.smtpd.answers.LATE", 0.1)
    async with AsyncExitStack() as stack:
        yield await stack.enter_async_context(bridge(tmp_path))


@pytest.mark.parametrize("anew", [0, 1], ids=["the same bytes", "Date, Message-ID and boundary anew"])
@pytest.mark.parametrize("sender", ["", "scanner@example.com"], ids=["no sender", "a sender"])
@pytest.mark.parametrize("lose", LOSSES)
async def test_never_twice(lose: Loss, sender: str, anew: int, here: Bridge) -> None:
    for n in range(3):
        await lose(await Copier(here, sender=sender).send(scan(n * anew + anew)))
        await here.stored(1)
    copier = await Copier(here, sender=sender).send(scan(9 * anew))
    assert (await copier.say(b".")).startswith(b"250 ")
    assert await here.faxes() == 1
    # It has heard: what it sends now is meant.
    await copier.say(b"QUIT")
    copier = await Copier(here, sender=sender).send(scan(9 * anew))
    assert (await copier.say(b".")).startswith(b"250 ")
    assert await here.faxes() == 2


async def says_quit(copier: Copier) -> None:
    assert (await copier.say(b".")).startswith(b"250 ")
    assert await copier.say(b"QUIT") == b"221 2.0.0 Bye\r\n"


async def closes(copier: Copier) -> None:
    assert (await copier.say(b".")).startswith(b"250 ")
    copier.writer.close()


async def stays(copier: Copier) -> None:
    assert (await copier.say(b".")).startswith(b"250 ")


async def says_everything_at_once(copier: Copier) -> None:
    copier.writer.write(b".\r\nQUIT\r\n")
    copier.writer.write_eof()
    assert b"\r\n221 " in await copier.reader.read()


@pytest.mark.parametrize("mail", [scan(0), scan(1)], ids=["no Message-ID", "the same Message-ID"])
@pytest.mark.parametrize("end", [says_quit, closes, stays, says_everything_at_once])
async def test_always_twice(end: Loss, mail: bytes, here: Bridge) -> None:
    for n in range(1, 4):
        await end(await Copier(here).send(mail))
        assert await here.faxes() == n


async def test_two_copiers_alike(here: Bridge) -> None:
    """The same page, no sender, no Message-ID: each of them is heard of once, however often it comes again."""
    for _ in range(3):
        for ip in ("127.0.0.1", "127.0.0.2"):
            await closes_without_reading(await Copier(here, ip).send(scan(0)))
    assert await here.faxes() == 2


@pytest.mark.parametrize("anew", [0, 1], ids=["the same bytes", "Date, Message-ID and boundary anew"])
async def test_what_a_person_cancelled_was_not_sent(anew: int, here: Bridge) -> None:
    await closes_without_reading(await Copier(here).send(scan(anew)))
    await here.stored(1)
    [job] = await here.spool.jobs.listing(limit=2)
    await here.spool.jobs.advance(job, job.after(JobEvent.CANCEL, ended_at=1.0), JobEvent.CANCEL)
    for n in (2, 3):
        await closes_without_reading(await Copier(here).send(scan(n * anew)))
        await here.stored(2)
    assert await here.faxes() == 2


async def test_another_page_is_another_fax(here: Bridge) -> None:
    for n, page in enumerate(("one", "two", "three"), start=1):
        await closes_without_reading(await Copier(here).send(scan(1, page)))
        assert await here.faxes() == n


async def test_the_same_page_over_many_lines_at_once(here: Bridge) -> None:
    """As a test of load sends it: nobody waits for another, and each is a fax."""
    copiers = [await Copier(here).send(scan(n)) for n in range(1, 9)]
    async with asyncio.timeout(2):
        await asyncio.gather(*[stays(copier) for copier in copiers])
    assert await here.faxes() == 8
