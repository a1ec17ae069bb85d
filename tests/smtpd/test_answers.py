"""Whether a 250 was heard is known from the wire, whatever its client says or does not say behind it."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from mailfax.smtpd import Pace
from tests.smtpd.conftest import Backend, Line, OpenServer, Server
from tests.support import blackhole

pytestmark = pytest.mark.anyio
QUEUED = "250 2.0.0 Ok: queued as B000000000"


def raw(line: Line) -> socket.socket:
    sock: socket.socket = line.writer.transport.get_extra_info("socket")
    # What asyncio and uvloop give is no socket that a filter or an option can be set on.
    return socket.socket(fileno=socket.dup(sock.fileno()))


async def until(backend: Backend, *became: str) -> None:
    """Until that became of the first mail, in this order."""
    async with asyncio.timeout(8):
        while backend.answers[0] != list(became):
            await asyncio.sleep(0.01)


@pytest.fixture(params=["clear", "TLS"])
async def opened(request: pytest.FixtureRequest, open_server: OpenServer) -> Server:
    return await open_server("implicit" if request.param == "TLS" else "submission")


async def connect(opened: Server) -> Line:
    [name] = opened.listeners.addresses
    return await opened.connect(name, tls=name == "implicit")


@pytest.mark.parametrize("command", ["QUIT", "NOOP", "nonsense", "x" * 5000, "MAIL FROM:<alice@example.com>"])
async def test_a_client_that_goes_on_speaking_has_heard(opened: Server, command: str) -> None:
    line = await connect(opened)
    await line.begin()
    assert await line.ask(".") == QUEUED
    await line.ask(command)
    assert opened.backend.heard == [True]


@pytest.mark.parametrize("how", ["closes", "half-closes", "falls silent", "is drained", "is cut off by us"])
async def test_a_client_that_never_says_quit_has_heard(open_server: OpenServer, how: str) -> None:
    opened = await open_server(pace=Pace(command=0.2 if how == "falls silent" else 60))
    line = await opened.connect()
    await line.begin()
    assert await line.ask(".") == QUEUED
    await until(opened.backend, "acknowledged")
    if how == "closes":
        line.close()
    elif how == "half-closes":
        line.writer.write_eof()
    elif how == "falls silent":
        assert (await line.hear()).startswith("421 4.4.2 ")
    await opened.listeners.drain(0 if how == "is cut off by us" else 5)
    assert opened.backend.heard == [True]


async def test_under_tls_too(open_server: OpenServer) -> None:
    opened = await open_server("implicit")
    line = await opened.connect("implicit", tls=True)
    await line.begin()
    assert await line.ask(".") == QUEUED
    await until(opened.backend, "acknowledged")
    line.close()
    await until(opened.backend, "acknowledged", "heard")


async def test_who_just_stays_has_heard_after_a_while(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mailfax.smtpd.answers.FOR_GOOD", 0.3)
    opened = await open_server()
    line = await opened.connect()
    await line.begin()
    assert await line.ask(".") == QUEUED
    await until(opened.backend, "acknowledged", "heard")
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_a_line_that_is_cut_without_a_word_has_not(open_server: OpenServer) -> None:
    opened = await open_server(pace=Pace(command=1.0))
    line = await opened.connect()
    await line.begin()
    with raw(line) as client:
        blackhole.cut(client)
    await line.send(b".\r\n")
    await asyncio.sleep(0.7)
    assert opened.backend.answers == [["late"]]
    await opened.listeners.drain(0)
    assert opened.backend.answers == [["late", "gone"]]


async def test_what_was_pipelined_says_nothing_about_a_250_that_does_not_arrive(opened: Server) -> None:
    line = await connect(opened)
    await line.begin()
    with raw(line) as client:
        blackhole.cut(client)
    await line.send(b".\r\nNOOP\r\nMAIL FROM:<alice@example.com>\r\nQUIT\r\n")
    await asyncio.sleep(0.1)
    assert opened.backend.answers == [[]]
    await opened.listeners.drain(0)
    assert opened.backend.heard == [False]
    line.writer.transport.abort()


async def test_everything_in_one_packet_is_heard_when_it_arrives(opened: Server) -> None:
    line = await connect(opened)
    await line.begin()
    await line.send(b".\r\nNOOP\r\nQUIT\r\n")
    assert [await line.hear() for _ in range(4)] == [QUEUED, "250 2.0.0 Ok", "221 2.0.0 Bye", ""]
    line.close()
    await opened.listeners.drain(5)
    assert opened.backend.heard == [True]


async def test_a_client_that_closes_without_reading_has_not_heard(open_server: OpenServer) -> None:
    """Its system has acknowledged, and then tells by a reset that nobody has read."""
    opened = await open_server()
    host, port = opened.listeners.addresses["submission"]
    client = socket.create_connection((host, port))
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    mail = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15551234567@fax.local>\r\nBDAT 0 LAST\r\n"
    await loop.sock_sendall(client, b"EHLO c\r\n" + mail)
    async with asyncio.timeout(5):
        while not opened.backend.answers:
            await asyncio.sleep(0.01)
    await until(opened.backend, "acknowledged")
    client.close()
    await until(opened.backend, "acknowledged", "gone")


async def test_a_client_that_resets_has_not_heard(opened: Server) -> None:
    line = await connect(opened)
    await line.begin()
    assert await line.ask(".") == QUEUED
    await until(opened.backend, "acknowledged")
    with raw(line) as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.writer.transport.abort()
    await until(opened.backend, "acknowledged", "gone")


@pytest.mark.parametrize("behind", [b"", b"QUIT\r\n", b"MAIL FROM:<alice@example.com>\r\n"])
@pytest.mark.parametrize("how", ["closes", "resets", "half-closes and reads"])
async def test_a_client_that_ends_before_its_250(open_server: OpenServer, behind: bytes, how: str) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def commit() -> None:
        reached.set()
        await go_on.wait()

    opened = await open_server(backend=Backend(before_accept=commit))
    line = await opened.connect()
    await line.begin()
    await line.send(b".\r\n" + behind)
    await reached.wait()
    if how == "half-closes and reads":
        line.writer.write_eof()
    else:
        with raw(line) as client:
            if how == "resets":
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            line.writer.transport.abort()
            await asyncio.sleep(0)  # so that it is closed with the block
    await asyncio.sleep(0.05)
    go_on.set()
    if how == "half-closes and reads":
        assert await line.hear() == QUEUED
    async with asyncio.timeout(2):
        while not opened.backend.heard:
            await asyncio.sleep(0.01)
    assert opened.backend.heard == [how == "half-closes and reads"]
    assert len(opened.backend.mails) == 1 and not opened.backend.contents[0].abandoned


async def test_each_of_several_mails_is_concluded_in_turn(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    one = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15551234567@fax.local>\r\nBDAT 0 LAST\r\n"
    await line.send(b"EHLO c\r\n" + one * 2)
    for _ in range(7):
        await line.hear()
    await line.ask("NOOP")
    assert opened.backend.heard == [True, True]
    with raw(line) as client:
        blackhole.cut(client)
    await line.send(one)
    await asyncio.sleep(0.1)
    await opened.listeners.drain(0)
    assert opened.backend.heard == [True, True, False]
