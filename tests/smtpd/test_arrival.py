"""What a copier's mail becomes: forgiven, mended, completed; and other people's mail is not touched."""

from __future__ import annotations

import re
from ipaddress import ip_network

import pytest

from mailfax.config import Listener
from mailfax.rules.envelope import Client
from mailfax.smtpd.trace import missing_fields, received_line
from tests.smtpd.conftest import NOW, Line, OpenServer

pytestmark = pytest.mark.anyio
DATE = b"Date: Wed, 02 Jan 2030 03:04:05 +0000\r\n"
WHOLE = b"Date: Thu, 01 Jan 1970 00:00:00 +0000\r\nFrom: x@y\r\nMessage-ID: <1@y>\r\n\r\n"


async def begun(line: Line, *, mail: str = "MAIL FROM:<copier@example.org>") -> None:
    await line.hear()
    await line.ask("HELO")
    assert await line.ask(mail) == "250 2.1.0 Ok"
    assert (await line.ask("rcpt to: 15551234567")).startswith("250 2.1.5 Ok: 15551234567 ")
    assert (await line.ask("DATA")).startswith("354 ")


@pytest.mark.parametrize(
    ("came", "kept"),
    [
        (WHOLE + b"as it should be\r\n", WHOLE + b"as it should be\r\n"),
        (WHOLE.replace(b"\r\n", b"\n") + b"bare LF\n\r\n", WHOLE + b"bare LF\r\n\r\n"),
        (WHOLE + b"bare\rCR\r\n", WHOLE + b"bare\r\nCR\r\n"),
        (WHOLE + b"N\0U\0L\r\n", WHOLE + b"NUL\r\n"),
        (WHOLE + b"\n.\n is no end\r\n", WHOLE + b"\r\n.\r\n is no end\r\n"),
        (b"X: " + b"y" * 5000 + b"\r\n" + WHOLE + b"z" * 80_000 + b"\r\n", None),
    ],
)
async def test_a_copiers_mail_is_mended_inside(open_server: OpenServer, came: bytes, kept: bytes | None) -> None:
    opened = await open_server("device")
    line = await opened.connect("device")
    await begun(line)
    await line.send(came + b".\r\n")
    assert (await line.hear()).startswith("250 2.0.0 ")
    assert await line.ask("NOOP") == "250 2.0.0 Ok"
    (mail,) = opened.backend.mails
    assert mail.body == (came if kept is None else kept)
    assert mail.prefix.count(b"\r\n") == 2, "a header that is whole is not added to"
    assert mail.header_block.endswith(b"Message-ID: <1@y>\r\n")


async def test_commands_in_the_same_breath_as_a_mended_mail_are_not_obeyed(open_server: OpenServer) -> None:
    opened = await open_server("device")
    hidden = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15559999999>\r\nDATA\r\nfraud\r\n.\r\n"
    for text, replies in (
        (b"bare\nLF\r\n", ["250 2.0.0", "421 4.7.0", ""]),
        (b"as it should be\r\n", ["250 2.0.0", "250 2.1.0", "250 2.1.5"]),
    ):
        line = await opened.connect("device")
        await begun(line)
        await line.send(WHOLE + text + b".\r\n" + hidden)
        assert [(await line.hear())[:9] for _ in replies] == replies
    assert [mail.envelope.recipients[0].number.dialled for mail in opened.backend.mails[:1]] == ["15551234567"]


async def test_what_a_copier_leaves_out_is_added_and_no_part_of_what_it_sent(open_server: OpenServer) -> None:
    opened = await open_server("device")
    sent = b"Subject: scan\r\nDate : yesterday\r\n\r\nFrom: in the body\r\n"
    for mail in ("MAIL FROM:<copier@example.org>", "mail from: copier@example.org"):
        line = await opened.connect("device")
        await begun(line, mail=mail)
        await line.send(sent + b".\r\n")
        assert (await line.hear()).startswith("250 ")
    for kept in opened.backend.mails:
        received, _, added = kept.prefix.partition(b"+0000\r\n")
        assert received.startswith(b"Received: ") and b" with SMTP; " in received
        assert re.fullmatch(
            rb"From: <copier@example\.org>\r\nMessage-ID: <[0-9a-f]{32}@gate\.example\.com>\r\n", added
        )
        assert kept.body == sent and kept.header_block == b"Subject: scan\r\nDate : yesterday\r\n"


@pytest.mark.parametrize(
    ("body", "more"),
    [
        (
            b"Subject: Offer\r\nContent-Type: text/plain\r\n\r\ntext\r\n",
            b"\r\nSubject: Offer\r\nContent-Type: text/plain\r\n",
        ),
        (b"Subject: no heading\r\n\r\ntext\r\n", b""),
        (b"Dear Bob: text\r\n", b""),
        (b"Subject: Offer\r\nContent-Type: text/plain\r\n" + b"x" * 80_000 + b"\r\n", b""),
    ],
)
async def test_a_heading_with_a_blank_line_in_it_is_handed_over_whole(
    open_server: OpenServer, body: bytes, more: bytes
) -> None:
    opened = await open_server("device")
    line = await opened.connect("device")
    await begun(line)
    for start in range(0, len(WHOLE + body), 7000):  # in blocks, as the network cuts it
        await line.send((WHOLE + body)[start : start + 7000])
    await line.send(b".\r\n")
    assert (await line.hear()).startswith("250 2.0.0 ")
    (mail,) = opened.backend.mails
    assert mail.body == WHOLE + body
    assert mail.header_block == WHOLE[:-2] + more


@pytest.mark.parametrize("mail", ["MAIL FROM:<>", "MAIL FROM:", "mail from: "])
async def test_a_copier_without_sender_is_its_owner(open_server: OpenServer, mail: str) -> None:
    opened = await open_server("device")
    line = await opened.connect("device", "127.0.0.9")
    await begun(line, mail=mail)
    assert (await line.ask("x\r\n.")).startswith("250 ")
    (kept,) = opened.backend.mails
    assert kept.envelope.sender == "" and b"From: <owner@example.com>\r\n" in kept.prefix
    assert DATE in kept.prefix


async def test_parameters_nobody_knows_are_passed_over_for_copiers_alone(open_server: OpenServer) -> None:
    opened = await open_server("device", "submission")
    line, other = await opened.connect("device"), await opened.connect("submission")
    for one in (line, other):
        await one.hear()
        await one.ask("EHLO c")
    command = "MAIL FROM:<alice@example.com> BODY=8BITMIME X-SERIAL=4711 AUTH=<>"
    assert await line.ask(command) == "250 2.1.0 Ok"
    assert (await line.ask("RCPT TO:<15551234567> PRIORITY=high")).startswith("250 ")
    assert await other.ask(command) == "555 5.5.4 Parameter X-SERIAL is not supported here"


@pytest.mark.parametrize(
    "command", ["RCPT TO:555 1234567", "RCPT TO: 1 555 1234567@fax.local", "RCPT TO:15551234567>", "RCPT TO:"]
)
async def test_a_number_without_brackets_is_never_cut(open_server: OpenServer, command: str) -> None:
    opened = await open_server("device")
    line = await opened.connect("device")
    await line.hear()
    await line.ask("HELO", "MAIL FROM:<alice@example.com>")
    assert (await line.ask(command))[0] == "5"
    assert (await line.ask("DATA")).startswith("503 ")


async def test_other_peoples_mail_is_neither_mended_nor_added_to(open_server: OpenServer) -> None:
    opened = await open_server("submission")
    line = await opened.connect()
    await line.begin()
    assert (await line.ask("Subject: x\r\n\r\ny\r\n.")).startswith("250 ")
    assert opened.backend.mails[0].prefix.count(b"\r\n") == 2
    await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
    await line.send(b"bare\nLF\r\n.\r\n")
    assert (await line.hear()).startswith("554 5.6.0 ")


@pytest.mark.parametrize(
    ("networks", "relays", "reply"),
    [(("127.0.0.0/8",), (), "250 2.0.0"), (("127.9.9.9/32",), ("127.0.0.0/8",), "554 5.6.0")],
)
async def test_line_ends_are_normalized_for_clients_in_networks(
    networks: tuple[str, ...], relays: tuple[str, ...], reply: str, open_server: OpenServer
) -> None:
    named = {"networks": tuple(map(ip_network, networks)), "relays": tuple(map(ip_network, relays))}
    opened = await open_server(Listener("normal", "127.0.0.1", 0, bare_newline="normalize", **named))
    line = await opened.connect("normal")
    await line.begin()
    await line.send(b"Subject: x\n\nbare\n.\nLF\r\n.\r\n" + b"MAIL FROM:<alice@example.com>\r\n")
    assert (await line.hear())[:9] == reply
    if reply == "250 2.0.0":
        assert (await line.hear())[:9] == "421 4.7.0", "what follows in the same breath is not obeyed"
        (mail,) = opened.backend.mails
        assert mail.body == b"Subject: x\r\n\r\nbare\r\n.\r\nLF\r\n"
        assert mail.prefix.count(b"\r\n") == 2, "nothing is added to its header"


def test_two_copiers_and_two_moments_never_share_a_message_id() -> None:
    made = {
        missing_fields(header, client=Client("device", ip), author="a@b", hostname="gate", now=now)
        for ip in ("127.0.0.1", "127.0.0.2")
        for now in (NOW, NOW + 0.001)
        for header in (b"", b"Subject: x\r\n")
    }
    assert len(made) == 8


@pytest.mark.parametrize(
    ("client", "smtputf8", "word"),
    [
        (Client("a", "::1", esmtp=False), False, b"SMTP"),
        (Client("a", "::1", esmtp=False, login="x", tls=True), False, b"SMTP"),
        (Client("a", "::1"), False, b"ESMTP"),
        (Client("a", "::1", tls=True, login="x"), False, b"ESMTPSA"),
        (Client("a", "::1", login="x"), False, b"ESMTPA"),
        (Client("a", "::1", tls=True), True, b"UTF8SMTPS"),
        (Client("a", "::1", lmtp=True), False, b"LMTP"),
        (Client("a", "::1", lmtp=True, tls=True), True, b"UTF8LMTPS"),
    ],
)
def test_the_trace_names_the_protocol_by_the_registry(client: Client, smtputf8: bool, word: bytes) -> None:
    line = received_line(client, hostname="gate", smtputf8=smtputf8, now=NOW)
    assert b"([IPv6:::1])" in line and b"by gate with " + word + b"; " in line
