"""Listeners open together, let in whom they may, and close in order."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
import trustme

from mailfax.config import ConfigError, Limits, Listener
from mailfax.smtpd import Pace, conversation, listeners, open_listeners
from mailfax.smtpd.conversation import Conversation
from tests.smtpd.conftest import PLAIN, Backend, OpenServer, Server

pytestmark = pytest.mark.anyio


async def test_a_client_outside_the_networks_is_told_and_let_go(open_server: OpenServer) -> None:
    opened = await open_server(replace(PLAIN, networks=(ipaddress.ip_network("127.0.0.1/32"),)))
    stranger = await opened.connect(source="127.0.0.2")
    assert await stranger.hear() == "554 5.7.1 Clients at 127.0.0.2 may not connect here. Ask postmaster@example.com"
    assert await stranger.hear() == ""
    assert (await (await opened.connect()).hear()).startswith("220 ")


async def test_connections_are_limited_in_all_and_for_one_client(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(connections=3, connections_per_client=2))
    lines = [await opened.connect() for _ in range(3)]
    greetings = [await line.hear() for line in lines]
    assert [greeting[:3] for greeting in greetings] == ["220", "220", "421"]
    assert greetings[2] == "421 4.7.0 Too many connections; try again later"
    others = [await opened.connect(source=f"127.0.0.{number}") for number in (3, 4)]
    assert [(await line.hear())[:3] for line in others] == ["220", "421"]
    # A place is free again as soon as somebody leaves.
    assert await lines[0].ask("QUIT") == "221 2.0.0 Bye"
    assert await lines[0].hear() == ""
    assert (await (await opened.connect()).hear()).startswith("220 ")


async def test_who_does_not_end_tls_keeps_its_place_until_its_socket_is_closed(
    open_server: OpenServer, tls_files: tuple[trustme.CA, Path], tls_listeners: tuple[Listener, Listener]
) -> None:
    """Else one client, logging out time and again, would hold every descriptor that we have."""
    implicit = tls_listeners[1]
    opened = await open_server(implicit, limits=Limits(connections_per_client=2))
    trusting = ssl.create_default_context()
    tls_files[0].configure_trust(trusting)

    def leave() -> tuple[ssl.SSLSocket | None, bytes]:
        raw = socket.create_connection(opened.listeners.addresses["implicit"], timeout=5)
        try:
            client = trusting.wrap_socket(raw, server_hostname="gate.example.com")
        except OSError:  # no place: refused in clear
            raw.close()
            return None, b""
        client.recv(200)
        client.sendall(b"QUIT\r\n")
        return client, client.recv(200)

    left = [await asyncio.to_thread(leave) for _ in range(3)]
    assert [said[:3] for _, said in left] == [b"221", b"221", b""]
    for client, _ in left:
        if client is not None:
            client.close()
    while (again := await asyncio.to_thread(leave))[0] is None:
        await asyncio.sleep(0.01)
    again[0].close()


async def test_silence_is_ended_with_a_word(open_server: OpenServer) -> None:
    opened = await open_server(pace=Pace(command=0.1))
    line = await opened.connect()
    await line.hear()
    assert await line.hear() == "421 4.4.2 Timeout: nothing was heard for too long; closing the connection"
    assert await line.hear() == ""


async def test_a_copier_may_hold_its_connection_while_it_scans(open_server: OpenServer) -> None:
    device = replace(PLAIN, name="device", device=True)
    opened = await open_server(PLAIN, device, pace=Pace(command=0.1, device_command=0.5))
    line, copier = await opened.connect(), await opened.connect("device")
    await copier.hear()
    await line.hear()
    assert (await line.hear()).startswith("421 4.4.2 ")
    assert await copier.ask("NOOP") == "250 2.0.0 Ok"
    assert (await copier.hear()).startswith("421 4.4.2 ")
    assert Pace().device_command == 30 * 60


async def test_a_client_that_never_reads_is_ended_and_its_replies_do_not_pile_up(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "_GOODBYE", 0.1)
    opened = await open_server(pace=Pace(command=1.0, commands_without_mail=1_000_000))
    host, port = opened.listeners.addresses["submission"]
    deaf = socket.socket()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    deaf.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(deaf, (host, port))
    (session,) = await _sessions(opened)
    speaking = asyncio.create_task(loop.sock_sendall(deaf, b"HELP\r\n" * 200_000))
    while opened.listeners._crowd.sessions:
        await asyncio.sleep(0.02)
        if session.transport is not None:
            assert session.transport.get_write_buffer_size() < 1_000_000
    with contextlib.suppress(ConnectionError):
        await speaking
    deaf.close()


async def _sessions(opened: Server) -> tuple[Conversation, ...]:
    while not opened.listeners._crowd.sessions:
        await asyncio.sleep(0.01)
    return tuple(opened.listeners._crowd.sessions)


async def test_commands_in_one_packet_do_not_keep_others_waiting(open_server: OpenServer) -> None:
    opened = await open_server(pace=Pace(commands_without_mail=1_000_000))
    talker, other = await opened.connect(), await opened.connect()
    await other.hear()
    await talker.send(b"VRFY x\r\n" * 20_000)
    began = asyncio.get_running_loop().time()
    assert await other.ask("NOOP") == "250 2.0.0 Ok"
    answered = asyncio.get_running_loop().time() - began
    heard = 0
    while heard < 20_001:
        heard += bool(await talker.hear())
    assert answered < (asyncio.get_running_loop().time() - began) / 3


async def test_idle_chatter_is_ended(open_server: OpenServer) -> None:
    opened = await open_server(pace=Pace(commands_without_mail=50))
    line = await opened.connect()
    await line.hear()
    await line.send(b"NOOP\r\n" * 60)
    replies = [await line.hear() for _ in range(52)]
    assert replies[51] == "421 4.7.0 Too many commands without a message; closing the connection"


async def test_drain_sends_idle_clients_away_and_lets_a_mail_arrive(open_server: OpenServer) -> None:
    opened = await open_server()
    idle, sending = await opened.connect(), await opened.connect()
    await idle.hear()
    await sending.begin()
    draining = asyncio.create_task(opened.listeners.drain(10))
    assert await idle.hear() == "421 4.3.2 The service is going down; try again in a moment"
    assert await idle.hear() == ""
    with pytest.raises(OSError):
        await opened.connect()
    assert (await sending.ask("Subject: last\r\n\r\ntext\r\n.")).startswith("250 2.0.0 Ok: queued as")
    assert (await sending.hear()).startswith("421 4.3.2 ")
    await draining
    assert len(opened.backend.mails) == 1


async def test_drain_ends_a_mail_that_takes_too_long_and_keeps_nothing(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.begin()
    await line.send(b"Subject: never ends\r\n")
    await opened.listeners.drain(0.05)
    assert opened.backend.mails == []
    assert opened.backend.contents[0].abandoned


async def test_drain_waits_for_a_hand_over_even_if_its_client_has_left(open_server: OpenServer) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        reached.set()
        await go_on.wait()

    opened = await open_server(backend=Backend(before_accept=slow))
    line = await opened.connect()
    await line.begin()
    await line.send(b"Subject: x\r\n\r\ny\r\n.\r\n")
    await reached.wait()
    line.writer.transport.abort()
    draining = asyncio.create_task(opened.listeners.drain(5))
    await asyncio.sleep(0.05)
    go_on.set()
    await draining
    assert len(opened.backend.mails) == 1 and not opened.backend.contents[0].abandoned


async def test_drain_lets_a_client_hear_250_for_what_is_stored_after_its_time(open_server: OpenServer) -> None:
    """A 421 for a mail that is stored would be a second fax: the client sends it again."""
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        reached.set()
        await go_on.wait()

    opened = await open_server(backend=Backend(before_accept=slow))
    storing, dawdling = await opened.connect(), await opened.connect()
    await storing.begin()
    await dawdling.begin()
    await storing.send(b"Subject: x\r\n\r\ny\r\n.\r\n")
    await reached.wait()
    draining = asyncio.create_task(opened.listeners.drain(0.05))
    assert (await dawdling.hear())[:3] in ("421", "")  # its time is over
    go_on.set()
    assert await storing.hear() == "250 2.0.0 Ok: queued as B000000000"
    assert (await storing.hear()).startswith("421 4.3.2 ")
    await draining
    assert len(opened.backend.mails) == 1


async def test_drain_ends_although_the_spool_does_not(
    open_server: OpenServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listeners, "HAND_OVER_SECONDS", 0.05)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def hung() -> None:
        reached.set()
        await go_on.wait()

    opened = await open_server(backend=Backend(before_accept=hung))
    line = await opened.connect()
    await line.begin()
    await line.send(b"Subject: x\r\n\r\ny\r\n.\r\n")
    await reached.wait()
    await opened.listeners.drain(0.0)
    assert (await line.hear())[:3] in ("421", "")
    go_on.set()


async def test_a_port_in_use_names_the_listener_and_leaves_no_other_open(open_server: OpenServer) -> None:
    opened = await open_server()
    host, port = opened.listeners.addresses["submission"]
    taken = replace(PLAIN, name="relay", host=host, port=port)
    with pytest.raises(ConfigError, match=f'listener "relay": {host}:{port} can\'t be opened'):
        await open_listeners(
            [replace(PLAIN, name="first"), taken], Backend().handler, hostname="gate.example.com", limits=Limits()
        )


@pytest.mark.parametrize(("field", "reason"), [("none", "needs certificate and key"), ("bad", "can't be used")])
async def test_a_certificate_that_is_missing_or_broken_is_named(tmp_path: Path, field: str, reason: str) -> None:
    broken = tmp_path / "gate.pem"
    broken.write_text("no certificate")
    listener = replace(PLAIN, tls="implicit", certificate=None if field == "none" else broken)
    with pytest.raises(ConfigError, match=f'listener "submission": .*{reason}'):
        await open_listeners([listener], Backend().handler, hostname="gate.example.com", limits=Limits())


async def start_tls(opened: Server, authority: trustme.CA, *, with_command: bytes = b"STARTTLS\r\n"):
    line = await opened.connect("starttls")
    await line.hear()
    assert "250-STARTTLS" in await line.ask("EHLO client.example")
    await line.ask("MAIL FROM:<alice@example.com>")
    await line.send(with_command)
    assert await line.hear() == "220 2.0.0 Ready to start TLS"
    context = ssl.create_default_context()
    authority.configure_trust(context)
    await line.writer.start_tls(context, server_hostname="gate.example.com")
    return line


async def test_starttls_forgets_what_was_said_in_clear(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], tls_files: tuple[trustme.CA, Path]
) -> None:
    opened = await open_server(*tls_listeners)
    line = await start_tls(opened, tls_files[0])
    assert await line.ask("MAIL FROM:<alice@example.com>") == "503 5.5.1 Bad sequence of commands: say EHLO first"
    assert "STARTTLS" not in await line.ask("EHLO client.example")
    assert (await line.ask("STARTTLS")).startswith("503 5.5.1 ")
    await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
    assert (await line.ask("Subject: x\r\n\r\ny\r\n.")).startswith("250 ")
    assert opened.backend.mails[0].envelope.client.tls
    assert await line.ask("QUIT") == "221 2.0.0 Bye"


async def test_commands_injected_behind_starttls_are_discarded(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener], tls_files: tuple[trustme.CA, Path]
) -> None:
    """Somebody on the way adds commands in clear (CVE-2011-0411): none of them is obeyed under TLS."""
    opened = await open_server(*tls_listeners)
    line = await start_tls(opened, tls_files[0], with_command=b"STARTTLS\r\nEHLO evil\r\nNOOP\r\nMAIL FROM:<a@b>\r\n")
    assert (await line.ask("NOOP")) == "250 2.0.0 Ok"
    assert (await line.ask("MAIL FROM:<alice@example.com>")).startswith("503 5.5.1 ")


async def test_a_failed_handshake_ends_the_session_and_frees_its_place(
    open_server: OpenServer, tls_listeners: tuple[Listener, Listener]
) -> None:
    opened = await open_server(tls_listeners[0], limits=Limits(connections=1))
    line = await opened.connect("starttls")
    await line.hear()
    await line.ask("EHLO c", "STARTTLS")
    await line.send(b"this is no handshake\r\n")
    while await line.reader.read(100):
        pass
    for _ in range(100):
        again = await opened.connect("starttls")
        if (await again.hear()).startswith("220 "):
            break
        await asyncio.sleep(0.01)
    else:
        pytest.fail("the place of the failed session was never free again")


async def test_the_log_tells_who_was_refused_and_why_without_whole_numbers(
    open_server: OpenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    await line.ask("EHLO c", "MAIL FROM:<mallory@example.com>", "RCPT TO:<15551234567@fax.local>")
    await line.ask(
        "RSET", "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA", "Subject: secret\r\n."
    )
    refused = "-: refused client=127.0.0.1 cause=sender-unknown sender=mallory@example.com"
    assert f"{refused} recipient=xxxxxxx4567@fax.local" in caplog.messages
    await line.ask("RSET", "MAIL FROM:<alice@example.com>", "RCPT TO:<9,,1-555-123-4567#@fax.local>")
    assert any(told.endswith(" recipient=x,,x-xxx-xxx-4567#@fax.local") for told in caplog.messages)
    assert "secret" not in caplog.text and "5551234567" not in caplog.text
