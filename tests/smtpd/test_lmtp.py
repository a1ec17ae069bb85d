"""LMTP: as SMTP, but each recipient has its own reply to the data."""

from __future__ import annotations

import pytest

from mailfax.rules.failure import NotSent
from mailfax.rules.status import Cause, Refusal, refusal
from tests.smtpd.conftest import Backend, Line, OpenServer

pytestmark = pytest.mark.anyio
RECIPIENTS = ("15551234567@fax.local", "15551234568@fax.local", "15551234567@FAX.local", "postmaster")


async def begun(line: Line) -> None:
    await line.hear()
    await line.ask("LHLO c", "MAIL FROM:<alice@example.com>")
    for recipient in RECIPIENTS:
        assert (await line.ask(f"RCPT TO:<{recipient}>")).startswith("250 ")
    assert (await line.ask("RCPT TO:<nobody@fax.local>")).startswith("550 ")


async def test_the_greeting_is_lhlo_alone(open_server: OpenServer) -> None:
    opened = await open_server("lmtp", "submission")
    line, smtp = await opened.connect("lmtp"), await opened.connect()
    assert await line.hear() == "220 gate.example.com LMTP mailfax"
    await smtp.hear()
    assert await smtp.ask("LHLO c") == "500 5.5.2 Command not recognised"
    for command in ("EHLO c", "HELO c"):
        assert await line.ask(command) == "500 5.5.2 Command not recognised"
    assert (await line.ask("MAIL FROM:<alice@example.com>")).endswith("say LHLO first")
    offers = await line.ask("LHLO c")
    assert {"250-PIPELINING", "250-ENHANCEDSTATUSCODES", "250-CHUNKING"} <= set(offers.split("\n"))


@pytest.mark.parametrize("end", [b"DATA\r\n", b"BDAT 6 LAST\r\n"])
async def test_each_accepted_recipient_has_its_reply(open_server: OpenServer, end: bytes) -> None:
    opened = await open_server("lmtp")
    line = await opened.connect("lmtp")
    await begun(line)
    await line.send(end)
    if end == b"DATA\r\n":
        assert (await line.hear()).startswith("354 ")
    await line.send(b"A: b\r\n" + (b".\r\n" if end == b"DATA\r\n" else b"") + b"NOOP\r\n")
    assert [await line.hear() for _ in RECIPIENTS] == ["250 2.0.0 Ok: queued as B000000000"] * 4
    assert await line.hear() == "250 2.0.0 Ok"
    (mail,) = opened.backend.mails
    assert len(mail.envelope.recipients) == 3, "the same address twice is one fax"
    assert mail.envelope.client.lmtp and b" with LMTP; " in mail.prefix
    line.close()
    await opened.listeners.drain(5)
    assert opened.backend.heard == [True]


async def test_a_refusal_is_told_to_each_recipient_too(open_server: OpenServer) -> None:
    async def quota() -> Refusal:
        return refusal(Cause.CEILING, postmaster="postmaster@example.com")

    async def broken() -> None:
        raise NotSent("no", diagnostic="database is locked")

    for backend, said, reply in (
        (Backend(before_accept=quota), b"A: b\r\n", "451 4.7.1 This site has sent as many faxes"),
        (Backend(before_accept=broken), b"A: b\r\n", "452 4.3.1 "),
        (Backend(), b"Precedence: bulk\r\n", "550 5.7.1 List and bulk mail"),
        (Backend(), b"bare\nLF\r\n", "554 5.6.0 "),
    ):
        opened = await open_server("lmtp", backend=backend)
        line = await opened.connect("lmtp")
        await begun(line)
        await line.ask("DATA")
        await line.send(said + b".\r\nNOOP\r\n")
        assert [(await line.hear()).startswith(reply) for _ in RECIPIENTS] == [True] * 4
        assert await line.hear() == "250 2.0.0 Ok"
        assert backend.mails == [] and backend.contents[0].abandoned and backend.answers == []


async def test_without_a_recipient_there_is_one_reply(open_server: OpenServer) -> None:
    opened = await open_server("lmtp")
    line = await opened.connect("lmtp")
    await line.hear()
    await line.ask("LHLO c", "MAIL FROM:<alice@example.com>", "RCPT TO:<nobody@fax.local>")
    assert (await line.ask("DATA")).startswith("503 5.5.1 ")
    await line.send(b"BDAT 4 LAST\r\nA:b\n")
    assert (await line.hear()).startswith("503 5.5.1 ")
    assert await line.ask("NOOP") == "250 2.0.0 Ok"
