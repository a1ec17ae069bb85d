"""From MAIL to the end of data: limits before the bytes come, the last word after them, and who heard of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from mailfax.config import Limits
from mailfax.rules.envelope import Client, Proven
from mailfax.rules.status import Cause, Refusal, refusal
from tests.smtpd.conftest import LISTENERS, POLICY, Backend, Kept, Line, OpenServer

pytestmark = pytest.mark.anyio
QUEUED = "250 2.0.0 Ok: queued as B000000000"
TO_FAX = "RCPT TO:<15551234567@fax.local>"


async def mail_from(line: Line, said: str = "MAIL FROM:<alice@example.com>") -> str:
    await line.hear()
    return await line.ask("EHLO c", said)


# --- before the bytes come ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("size", "reply"), [(0, "250 2.1.0 "), (5000, "250 2.1.0 "), (5001, "452 4.3.1 "), (10_001, "552 5.3.4 ")]
)
async def test_a_size_that_has_no_room_is_refused_before_it_comes(
    open_server: OpenServer, size: int, reply: str
) -> None:
    opened = await open_server(limits=Limits(message_bytes=10_000), backend=Backend(room=5000))
    line = await opened.connect()
    assert (await mail_from(line, f"MAIL FROM:<alice@example.com> SIZE={size}")).startswith(reply)


async def test_too_many_mails_in_a_minute_wait(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(messages_per_minute=2))
    line, other = await opened.connect(), await opened.connect(source="127.0.0.2")
    assert await mail_from(line) == "250 2.1.0 Ok"
    assert await line.ask("RSET", "MAIL FROM:<alice@example.com>") == "250 2.1.0 Ok"
    assert (await line.ask("RSET", "MAIL FROM:<alice@example.com>")).startswith("450 4.7.1 ")
    assert await mail_from(other) == "250 2.1.0 Ok"


async def test_the_limit_of_recipients_counts_numbers(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(recipients=4))
    line = await opened.connect()
    await mail_from(line)
    assert await line.ask("RCPT TO:<sales@fax.local>") == "250 2.1.5 Ok: 15551234567, 15551234568 will be dialled"
    assert (await line.ask("RCPT TO:<SALES@fax.local>")).startswith("250 "), "the same again is no more"
    assert (await line.ask("RCPT TO:<15551230001@fax.local>")).startswith("250 ")
    assert (await line.ask("RCPT TO:<sales@fax.example.com>")).startswith("452 4.5.3 ")
    assert (await line.ask("RCPT TO:<15551230002@fax.local>")).startswith("250 ")
    assert (await line.ask("RCPT TO:<15551230003@fax.local>")).startswith("452 4.5.3 ")
    await line.ask("DATA", ".")
    said = [(one.address, one.number.dialled) for one in opened.backend.mails[0].envelope.recipients]
    assert said == [
        ("sales@fax.local", "15551234567"),
        ("sales@fax.local", "15551234568"),
        ("15551230001@fax.local", "15551230001"),
        ("15551230002@fax.local", "15551230002"),
    ]


async def test_five_hundred_recipients_in_one_mail(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await mail_from(line)
    await line.send(b"".join(b"RCPT TO:<1555123%04d@fax.local>\r\n" % number for number in range(501)))
    replies = [await line.hear() for _ in range(501)]
    assert [reply[:3] for reply in replies] == ["250"] * 500 + ["452"]
    await line.ask("DATA", ".")
    assert len(opened.backend.mails[0].envelope.recipients) == 500


async def test_options_of_a_recipient_hold_for_each_of_its_numbers(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await mail_from(line)
    await line.ask("RCPT TO:<sales/to=Jane@fax.local> NOTIFY=NEVER ORCPT=rfc822;Jane@X.example", "DATA", ".")
    for one in opened.backend.mails[0].envelope.recipients:
        assert (one.notify, one.orcpt, dict(one.cover)) == ({"NEVER"}, "rfc822;Jane@X.example", {"to": "Jane"})


# --- the last word --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("subject", "numbers", "rest"),
    [
        ("[15551234567] Invoice 12", ["15551234567"], "Invoice 12"),
        ("[15551234567] Invoice 12\r\nContent-Type: text/plain", ["15551234567"], "Invoice 12"),
        ("=?utf-8?q?[15551234567,_15551234568]_Gr=C3=BC=C3=9Fe?=", ["15551234567", "15551234568"], "Grüße"),
    ],
)
async def test_the_number_may_stand_in_the_subject(
    open_server: OpenServer, subject: str, numbers: list[str], rest: str
) -> None:
    opened = await open_server()
    line = await opened.connect()
    await mail_from(line)
    assert (await line.ask("RCPT TO:<fax@fax.local>")).startswith("250 2.1.5 ")
    await line.ask("RCPT TO:<15550001111@fax.local>", "DATA")
    # In a heading with a blank line in it, too.
    before = "Date: Wed, 02 Jan 2030 03:04:05 +0000\r\n\r\n" if "Content-Type" in subject else ""
    assert await line.ask(f"{before}Subject: {subject}\r\n\r\ntext\r\n.") == QUEUED
    *of_subject, last = opened.backend.mails[0].envelope.recipients
    assert [one.number.dialled for one in of_subject] == numbers
    assert {one.address for one in of_subject} == {"fax@fax.local"}
    assert {dict(one.cover)["subject"] for one in of_subject} == {rest}
    assert last.number.dialled == "15550001111" and not last.cover


async def test_a_subject_without_a_number_or_with_too_many_is_refused(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(recipients=2))
    line = await opened.connect()
    await mail_from(line)
    for subject, reply in (
        ("Invoice", "550 5.1.3 The subject must begin with the fax number"),
        ("[15551230001, 15551230002]", "452 4.5.3 Too many recipients"),
    ):
        await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<fax@fax.local>", TO_FAX, "DATA")
        assert (await line.ask(f"Subject: {subject}\r\n.")).startswith(reply)
    assert opened.backend.mails == [] and all(content.abandoned for content in opened.backend.contents)


@pytest.mark.parametrize(
    ("proven", "reply"),
    [
        (Proven("alice@example.com", ""), "250 "),
        (Proven("mallory@example.net", ""), "550 5.7.1 Nothing proves that this message is from alice@example.com"),
        (Proven("", "SPF and DKIM failed"), "550 5.7.1 Nothing proves that this message is from alice@example.com"),
        (Proven("", "DNS is silent", temporary=True), "451 4.7.1 "),
    ],
)
async def test_internet_mail_is_faxed_only_when_its_author_is_proven(
    open_server: OpenServer, proven: Proven, reply: str
) -> None:
    asked: list[bytes] = []

    class Asked(Backend):
        async def prove(self, client: Client, sender: str, header_block: bytes, content: Kept) -> Proven:
            asked.append(content.open().read())
            return proven

    opened = await open_server("dmarc", backend=Asked())
    line = await opened.connect("dmarc")
    await mail_from(line)
    await line.ask(TO_FAX, "DATA")
    assert (await line.ask("From: alice@example.com\r\n\r\ntext\r\n.")).startswith(reply)
    assert len(asked) == 1 and asked[0].endswith(b"\r\n\r\ntext\r\n")
    assert opened.backend.contents[0].abandoned is not reply.startswith("250")
    # Our postmaster is reached by everybody, and nobody is asked.
    await line.ask("MAIL FROM:<stranger@example.net>", "RCPT TO:<postmaster@fax.local>", "DATA")
    assert (await line.ask(".")).startswith("250 ")
    assert len(asked) == 1


async def test_a_proof_that_breaks_is_temporary_and_keeps_nothing(open_server: OpenServer) -> None:
    class Broken(Backend):
        async def prove(self, client: Client, sender: str, header_block: bytes, content: Kept) -> Proven:
            raise RuntimeError("/secret")

    listener = replace(LISTENERS["dmarc"], protocol="lmtp")
    opened = await open_server(listener, backend=Broken())
    line = await opened.connect("dmarc")
    await line.hear()
    await line.ask("LHLO c", "MAIL FROM:<alice@example.com>", TO_FAX, "RCPT TO:<15551234568@fax.local>", "DATA")
    await line.send(b".\r\n")
    assert [await line.hear() for _ in range(2)] == ["451 4.3.0 The message can't be taken now; try again later"] * 2
    assert opened.backend.contents[0].abandoned
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_a_relays_mail_is_judged_by_where_it_began(open_server: OpenServer) -> None:
    """The relay's own address proves nobody: the client in its Received line does, or does not."""
    listener = replace(LISTENERS["relay"], networks=LISTENERS["relay"].relays)
    opened = await open_server(listener, backend=Backend(replace(POLICY, listeners=(listener,))))
    line = await opened.connect("relay", "127.0.0.7")
    await mail_from(line)
    await line.ask(TO_FAX, "DATA")
    received = "Received: from x (x [192.0.2.7]) by mta.example with ESMTP; Wed, 2 Jan 2030 03:04:05 +0000\r\n"
    assert (await line.ask(f"{received}\r\ntext\r\n."))[:4] == "550 "
    assert opened.backend.mails == []


async def test_a_quota_that_is_used_up_is_said_at_the_end(open_server: OpenServer) -> None:
    async def used_up() -> Refusal:
        return refusal(Cause.QUOTA_FAXES, limit=5, used=5, payer="alice@example.com", postmaster="p@example.com")

    opened = await open_server(backend=Backend(before_accept=used_up))
    line = await opened.connect()
    await line.begin()
    assert (await line.ask(".")).startswith("550 5.7.1 ")
    assert opened.backend.contents[0].abandoned and opened.backend.answers == []
