"""XCLIENT: a mail server that may, tells who its client is; nobody else does."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from mailfax.rules.status import Cause
from mailfax.smtpd.syntax import Malformed
from mailfax.smtpd.xclient import Named, read_xclient
from tests.smtpd.conftest import LISTENERS, POLICY, Backend, OpenServer

pytestmark = pytest.mark.anyio
SERVER = "127.0.0.8"


@pytest.mark.parametrize(
    ("argument", "named"),
    [
        ("ADDR=192.0.2.7", Named("192.0.2.7")),
        ("addr=IPV6:2001:DB8::1 NAME=mail.example", Named("2001:db8::1")),
        ("ADDR=ipv6:::ffff:192.0.2.7", Named("192.0.2.7")),
        ("ADDR=[UNAVAILABLE] NAME=[TEMPUNAVAIL] LOGIN=[unavailable]", Named("", None, "")),
        ("HELO=old+20box LOGIN=al+2Bice PROTO=SMTP PORT=4711", Named(None, "old box", "al+ice")),
    ],
)
def test_what_is_named(argument: str, named: Named) -> None:
    assert read_xclient(argument) == named


@pytest.mark.parametrize(
    ("argument", "cause"),
    [
        ("", Cause.COMMAND_SYNTAX),
        ("ADDR", Cause.PARAMETER),
        ("COLOUR=blue", Cause.PARAMETER),
        ("DESTADDR=192.0.2.7", Cause.PARAMETER),
        ("ADDR=192.0.2.7 ADDR=192.0.2.8", Cause.PARAMETER),
        ("ADDR=192.0.2.777", Cause.PARAMETER),
        ("ADDR=mail.example", Cause.PARAMETER),
        ("ADDR=2001:db8::1%eth0", Cause.PARAMETER),
        ("PORT=http", Cause.PARAMETER),
        ("PROTO=QMTP", Cause.PARAMETER),
        ("LOGIN=a+0Ab", Cause.PARAMETER),
        ("LOGIN=a+zz", Cause.PARAMETER),
    ],
)
def test_what_is_malformed(argument: str, cause: Cause) -> None:
    with pytest.raises(Malformed) as problem:
        read_xclient(argument)
    assert problem.value.cause is cause


async def test_only_named_hosts_are_offered_it_and_may_say_it(open_server: OpenServer) -> None:
    opened = await open_server("xclient")
    stranger, server = await opened.connect("xclient"), await opened.connect("xclient", SERVER)
    for line in (stranger, server):
        await line.hear()
    assert "XCLIENT" not in await stranger.ask("EHLO c")
    assert await stranger.ask("XCLIENT ADDR=127.0.0.9") == "550 5.7.0 XCLIENT is not for clients at 127.0.0.1"
    assert "\n250-XCLIENT NAME ADDR PORT PROTO HELO LOGIN\n" in await server.ask("EHLO c")


async def test_after_it_the_session_is_as_after_the_greeting(open_server: OpenServer) -> None:
    opened = await open_server("xclient")
    line = await opened.connect("xclient", SERVER)
    await line.hear()
    assert await line.ask("EHLO proxy", "XCLIENT ADDR=127.0.0.9 HELO=true+20name NAME=x.example") == (
        "220 gate.example.com ESMTP mailfax"
    )
    assert (await line.ask("MAIL FROM:<>")).startswith("503 5.5.1 ")
    # Said again, although 127.0.0.9 may not: it is the peer that may.
    assert "XCLIENT" in await line.ask("EHLO proxy")
    await line.ask("MAIL FROM:<anybody@example.net>", "RCPT TO:<15551234567@fax.local>", "DATA")
    assert (await line.ask(".")).startswith("250 ")
    (mail,) = opened.backend.mails
    assert (mail.envelope.client.ip, mail.envelope.client.helo) == ("127.0.0.9", "true name")
    assert mail.envelope.grant.account == "copier"
    assert mail.prefix.startswith(b"Received: from true?name ([127.0.0.9])")


async def test_a_mail_that_has_begun_is_not_given_to_another_client(open_server: OpenServer) -> None:
    opened = await open_server("xclient")
    line = await opened.connect("xclient", SERVER)
    await line.hear()
    await line.ask("EHLO c", "MAIL FROM:<alice@example.com>")
    assert (await line.ask("XCLIENT ADDR=127.0.0.9")).startswith("503 5.5.1 ")
    assert await line.ask("RSET", "XCLIENT ADDR=") == (
        "501 5.5.4 Bad parameter: XCLIENT NAME ADDR PORT PROTO HELO LOGIN, each once, as name=value"
    )


async def test_a_client_that_may_not_connect_is_told_so(open_server: OpenServer) -> None:
    opened = await open_server("xclient")
    line = await opened.connect("xclient", SERVER)
    await line.hear()
    assert (await line.ask("EHLO c", "XCLIENT ADDR=192.0.2.7")).startswith("554 5.7.1 Clients at 192.0.2.7 ")
    assert await line.hear() == ""


async def test_a_client_nobody_knows_sends_nothing(open_server: OpenServer) -> None:
    opened = await open_server("xclient")
    line = await opened.connect("xclient", SERVER)
    await line.hear()
    assert (await line.ask("EHLO c", "XCLIENT ADDR=[UNAVAILABLE]")).startswith("220 ")
    assert (await line.ask("EHLO c", "MAIL FROM:<alice@example.com>")).startswith("554 5.7.1 ")


async def test_login_proves_from_named_hosts_and_not_for_the_next_client(open_server: OpenServer) -> None:
    opened = await open_server("xclient-auth")
    line = await opened.connect("xclient-auth", SERVER)
    await line.hear()
    assert (await line.ask("EHLO c", "XCLIENT LOGIN=alice ADDR=127.0.0.1")).startswith("220 ")
    await line.ask("EHLO c", "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
    assert (await line.ask(".")).startswith("250 ")
    assert opened.backend.mails[0].envelope.client.login == "alice"
    assert (await line.ask("XCLIENT ADDR=127.0.0.2", "EHLO c", "MAIL FROM:<alice@example.com>")).startswith("530 ")
    stranger = await opened.connect("xclient-auth")
    await stranger.hear()
    assert (await stranger.ask("EHLO c", "XCLIENT LOGIN=alice")).startswith("550 5.7.0 ")


async def test_whoever_is_named_counts_for_relays_and_limits(open_server: OpenServer) -> None:
    listener = replace(LISTENERS["xclient"], relays=(ipaddress.ip_network("127.0.0.7/32"),))
    opened = await open_server(listener)
    line = await opened.connect("xclient", SERVER)
    await line.hear()
    await line.ask("EHLO c", "XCLIENT ADDR=127.0.0.7", "EHLO c", "MAIL FROM:<alice@example.com>")
    await line.ask("RCPT TO:<postmaster>", "DATA", ".")
    assert opened.backend.mails[0].envelope.client.relayed


async def test_behind_a_relay_the_true_client_is_kept_and_logged(
    open_server: OpenServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    named = LISTENERS["xclient"]
    office, relay = ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("127.0.0.7/32")
    listener = replace(named, networks=(*named.networks, office), relays=(relay,))
    opened = await open_server(listener, backend=Backend(replace(POLICY, listeners=(listener,))))
    line = await opened.connect("xclient", SERVER)
    await line.hear()
    await line.ask("EHLO c", "XCLIENT ADDR=127.0.0.7", "EHLO c")
    for ip in ("10.1.2.3", "203.0.113.5"):
        await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
        received = f"Received: from pc (pc [{ip}]) by relay (Postfix) with ESMTP id 1; x\r\n"
        reply = await line.ask(f"{received}Subject: x\r\n\r\nx\r\n.")
        assert reply.startswith("250 " if ip == "10.1.2.3" else "550 "), reply
    [mail] = opened.backend.mails
    assert mail.envelope.client.ip == "10.1.2.3"
    assert "refused client=127.0.0.7 cause=sender-unproven sender=alice@example.com origin=203.0.113.5" in caplog.text
