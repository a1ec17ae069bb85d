"""Before the first word: who is really there, whether TLS comes first, and nothing that hangs."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mailfax.config import Limits, Listener
from mailfax.smtpd import Pace
from tests.smtpd.conftest import LOOPBACK, PLAIN, Line, OpenServer, Server
from tests.smtpd.test_proxy_header import SIGNATURE, version_2

pytestmark = pytest.mark.anyio

LAN = (ipaddress.ip_network("192.0.2.0/24"), ipaddress.ip_network("2001:db8::/32"))
#: Connections from 127.0.0.1 come through the load balancer; clients are in the LAN, or at 127.0.0.9.
PROXIED = replace(
    PLAIN, networks=(*LAN, ipaddress.ip_network("127.0.0.9/32")), proxies=(ipaddress.ip_network("127.0.0.1/32"),)
)
GREETING = "220 gate.example.com ESMTP mailfax"
EXPECTED = (
    "554 5.7.0 This port speaks TLS from the first byte; choose SSL/TLS in your client, or the port for STARTTLS"
)
NO_HEADER = "421 4.3.5 The load balancer in front sent no valid PROXY header; closing the connection"
TCP4 = b"PROXY TCP4 192.0.2.7 127.0.0.1 50000 25\r\n"


async def fax(line: Line) -> str:
    await line.ask("EHLO c", "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
    return await line.ask("Subject: x\r\n\r\ny\r\n.")


async def under_tls(line: Line, authority: trustme.CA) -> Line:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    await line.writer.start_tls(context, server_hostname="gate.example.com")
    return line


# --- PROXY protocol -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("header", "ip"),
    [
        (TCP4, "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 ::1 50000 25\r\n", "2001:db8::7"),
        (version_2("192.0.2.7", tlvs=b"\x04\x00\x05abcde"), "192.0.2.7"),
        (version_2("::ffff:192.0.2.7"), "192.0.2.7"),
    ],
)
async def test_the_client_is_the_one_that_the_load_balancer_names(
    open_server: OpenServer, header: bytes, ip: str
) -> None:
    opened = await open_server(PROXIED)
    line = await opened.connect()
    await line.send(header)
    assert await line.hear() == GREETING
    assert (await fax(line)).startswith("250 ")
    assert opened.backend.mails[0].envelope.client.ip == ip
    assert f"([{'IPv6:' if ':' in ip else ''}{ip}])".encode() in opened.backend.mails[0].data


async def test_a_header_in_pieces_and_commands_behind_it_in_one_packet_are_told_apart(
    open_server: OpenServer,
) -> None:
    opened = await open_server(PROXIED)
    for header in (TCP4, version_2("192.0.2.7")):
        for cut in (1, 5, 13, len(header) - 1):
            line = await opened.connect()
            await line.send(header[:cut])
            await asyncio.sleep(0.01)
            await line.send(header[cut:] + b"NOOP\r\nQUIT\r\n")
            assert [await line.hear() for _ in range(4)] == [GREETING, "250 2.0.0 Ok", "221 2.0.0 Bye", ""]


async def test_a_named_client_outside_the_networks_is_refused_although_its_proxy_is_inside(
    open_server: OpenServer,
) -> None:
    opened = await open_server(replace(PROXIED, networks=LOOPBACK))
    line = await opened.connect()
    await line.send(TCP4)
    assert await line.hear() == "554 5.7.1 Clients at 192.0.2.7 may not connect here. Ask postmaster@example.com"
    assert await line.hear() == ""


async def test_a_header_from_anybody_else_is_a_bad_command_and_names_nobody(open_server: OpenServer) -> None:
    opened = await open_server(PROXIED)
    line = await opened.connect(source="127.0.0.9")
    assert await line.hear() == GREETING
    assert await line.ask(TCP4.decode().strip()) == "500 5.5.2 Command not recognised"
    assert (await fax(line)).startswith("250 ")
    assert opened.backend.mails[0].envelope.client.ip == "127.0.0.9"
    stranger = await opened.connect(source="127.0.0.5")
    await stranger.send(TCP4)
    assert (await stranger.hear()).startswith("554 5.7.1 Clients at 127.0.0.5 ")


@pytest.mark.parametrize("said", [b"EHLO c\r\n", b"PROXY TCP4 x y 1 2\r\n", SIGNATURE + b"\x33\x11\x00\x00", b""])
async def test_a_proxy_without_a_good_header_is_answered_once(
    open_server: OpenServer, said: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    """Silence, too: without the header nobody knows who is there."""
    opened = await open_server(PROXIED, pace=Pace(prelude=0.1))
    line = await opened.connect()
    await line.send(said)
    assert await line.hear() == NO_HEADER
    assert await line.hear() == ""
    assert "listener submission: the load balancer at 127.0.0.1: " in caplog.text


@pytest.mark.parametrize("header", [SIGNATURE + b"\x20\x00\x00\x00", b"PROXY UNKNOWN\r\n"])
async def test_a_health_check_succeeds_and_sends_no_mail(open_server: OpenServer, header: bytes) -> None:
    """A header without an address is never taken for a client at the proxy's own address, even where that may fax."""
    opened = await open_server(replace(PROXIED, networks=LOOPBACK))
    line = await opened.connect()
    await line.send(header)
    assert await line.hear() == GREETING
    assert (await line.ask("EHLO c")).startswith("250-")
    assert (await line.ask("MAIL FROM:<alice@example.com>")).startswith("554 5.7.1 Clients at unnamed addresses ")
    assert await line.ask("QUIT") == "221 2.0.0 Bye"


async def test_limits_count_the_true_client_and_not_the_proxy(open_server: OpenServer) -> None:
    opened = await open_server(PROXIED, limits=Limits(connections=5, connections_per_client=1))
    greetings = []
    for ip in ("192.0.2.7", "192.0.2.8", "192.0.2.7"):
        line = await opened.connect()
        await line.send(TCP4.replace(b"192.0.2.7", ip.encode()))
        greetings.append((await line.hear())[:3])
    assert greetings == ["220", "220", "421"]


async def test_connections_before_their_first_word_are_counted_and_their_place_is_free_again(
    open_server: OpenServer,
) -> None:
    opened = await open_server(PROXIED, limits=Limits(connections=2))
    first, second, third = [await opened.connect() for _ in range(3)]
    assert await third.hear() == "421 4.7.0 Too many connections; try again later"
    first.close()
    await until_free(opened)
    await second.send(TCP4)
    assert await second.hear() == GREETING


async def until_free(opened: Server) -> None:
    for _ in range(200):
        line = await opened.connect()
        await line.send(TCP4)
        if (await line.hear()) == GREETING:
            return
        await asyncio.sleep(0.01)
    pytest.fail("the place was never free again")


async def test_a_handshake_behind_the_header_in_the_same_packet_is_kept(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], tls_files: tuple[trustme.CA, Path]
) -> None:
    """The header and the first octets of TLS leave together; not one octet of the handshake is lost."""
    proxied = replace(tls_listeners[1], networks=LAN, proxies=LOOPBACK)
    opened = await open_server(proxied)
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    tls_files[0].configure_trust(context)
    secure = context.wrap_bio(incoming, outgoing, server_hostname="gate.example.com")
    line = await opened.connect("implicit")
    pending = TCP4
    while True:
        try:
            heard = secure.read(1000)
            break
        except ssl.SSLWantReadError:
            await line.send(pending + outgoing.read())
            pending = b""
            incoming.write(await line.reader.read(1 << 16))
    assert heard == GREETING.encode() + b"\r\n"


async def test_starttls_works_behind_a_proxy(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], tls_files: tuple[trustme.CA, Path]
) -> None:
    opened = await open_server(replace(tls_listeners[0], networks=LAN, proxies=LOOPBACK))
    line = await opened.connect("starttls")
    await line.send(TCP4)
    await line.hear()
    await line.ask("EHLO c", "STARTTLS")
    assert (await fax(await under_tls(line, tls_files[0]))).startswith("250 ")
    client = opened.backend.mails[0].envelope.client
    assert (client.ip, client.tls) == ("192.0.2.7", True)


# --- TLS from the first byte, or not --------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"EHLO c\r\n", b"GET / HTTP/1.1\r\n\r\n"])
async def test_a_client_in_clear_on_the_implicit_port_is_answered_once_and_does_not_hang(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], said: bytes
) -> None:
    opened = await open_server(tls_listeners[1], pace=Pace(prelude=0.1))
    line = await opened.connect("implicit")
    await line.send(said)
    assert await line.hear() == EXPECTED
    assert await line.hear() == ""


@pytest.fixture
def device(tls_files: tuple[trustme.CA, Path]) -> Listener:
    return replace(PLAIN, name="device", device=True, certificate=tls_files[1], key=tls_files[1])


async def test_a_device_may_begin_with_tls_on_the_port_in_clear(
    open_server: OpenServer, device: Listener, tls_files: tuple[trustme.CA, Path]
) -> None:
    opened = await open_server(device)
    line = await under_tls(await opened.connect("device"), tls_files[0])
    assert await line.hear() == GREETING
    assert (await fax(line)).startswith("250 ")
    assert opened.backend.mails[0].envelope.client.tls


async def test_a_device_that_waits_for_the_greeting_hears_it(open_server: OpenServer, device: Listener) -> None:
    opened = await open_server(device)
    line = await opened.connect("device")
    assert await line.hear() == GREETING
    hasty = await opened.connect("device")
    await hasty.send(b"NOOP\r\n")
    assert [await hasty.hear(), await hasty.hear()] == [GREETING, "250 2.0.0 Ok"]


async def test_a_failed_handshake_is_logged_with_the_true_address_and_frees_its_place(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    opened = await open_server(
        replace(tls_listeners[1], networks=LAN, proxies=LOOPBACK), limits=Limits(connections=1)
    )
    for _ in range(20):
        line = await opened.connect("implicit")
        await line.send(TCP4 + b"\x16\x03this is no handshake\r\n" * 3)
        while await line.reader.read(100):
            pass
        line.close()
        await asyncio.sleep(0.01)
    assert any(message.startswith("-: tls-failed client=192.0.2.7 ") for message in caplog.messages)
    assert not opened.listeners._crowd.sessions


async def test_a_handshake_that_stops_half_way_is_ended(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener]
) -> None:
    opened = await open_server(tls_listeners[1], pace=Pace(handshake=0.1))
    line = await opened.connect("implicit")
    await line.send(b"\x16\x03\x01")
    assert await line.reader.read(100) == b""


# --- the end --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("said", [b"", b"\x16", b"\x16\x03\x01"], ids=["silent", "first octet", "in the handshake"])
async def test_drain_does_not_wait_for_who_has_not_come_in_yet(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], said: bytes
) -> None:
    opened = await open_server(tls_listeners[1])
    line = await opened.connect("implicit")
    await line.send(said)
    while not opened.listeners._crowd.sessions:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.05)
    await asyncio.wait_for(opened.listeners.drain(30), 5)
    assert await line.reader.read(100) == b""
    with pytest.raises(OSError):
        await opened.connect("implicit")


async def test_drain_does_not_wait_for_a_handshake_after_starttls(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener]
) -> None:
    opened = await open_server(tls_listeners[0])
    line = await opened.connect("starttls")
    await line.hear()
    await line.ask("EHLO c", "STARTTLS")
    await line.send(b"\x16\x03\x01")
    await asyncio.sleep(0.05)
    await asyncio.wait_for(opened.listeners.drain(30), 5)
    assert await line.hear() == ""
