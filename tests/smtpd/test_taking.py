"""What happens between 354 and the reply: streaming, limits, storage trouble, and who owns the mail afterwards."""

from __future__ import annotations

import asyncio
import errno
import smtplib

import pytest

from mailfax.config import Limits
from mailfax.rules.envelope import Recipient
from mailfax.rules.failure import NotSent
from tests.smtpd.conftest import Backend, Kept, OpenServer

pytestmark = pytest.mark.anyio
STORAGE = "452 4.3.1 The message can't be stored now, nothing was kept; try again later"
TROUBLE = "451 4.3.0 The message can't be taken now; try again later"


async def test_content_is_our_received_line_and_the_mail_unchanged(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.begin(ehlo="c\x80(evil) by ;x")
    await line.send(b"Subject: dots\r\nX: \x00\xff\r\n\r\n..one dot\r\n...two\r\n" + b"long" * 5000 + b"\r\n.\r\n")
    await line.hear()
    (mail,) = opened.backend.mails
    assert mail.data.startswith(
        b"Received: from c??evil??by??x ([127.0.0.1])\r\n\tby gate.example.com with ESMTP; "
        b"Wed, 02 Jan 2030 03:04:05 +0000\r\n"
    ), mail.data[:200]
    assert mail.body == b"Subject: dots\r\nX: \x00\xff\r\n\r\n.one dot\r\n..two\r\n" + b"long" * 5000 + b"\r\n"
    assert mail.header_block == b"Subject: dots\r\nX: \x00\xff\r\n"


@pytest.mark.parametrize(
    ("sent", "header"),
    [
        (b"A: b\r\n\r\nbody\r\n", b"A: b\r\n"),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"\r\nbody only\r\n", b""),
        (b"", b""),
        (b"A: b\r\n c\r\n\r\n\r\n\r\nbody\r\n", b"A: b\r\n c\r\n"),
    ],
)
async def test_the_header_block_ends_at_the_first_empty_line_wherever_packets_end(
    open_server: OpenServer, sent: bytes, header: bytes
) -> None:
    opened = await open_server()
    for step in (1, 2, 1000):
        line = await opened.connect()
        await line.begin()
        data = sent + b".\r\n"
        for at in range(0, len(data), step):
            await line.send(data[at : at + step])
            await asyncio.sleep(0)
        await line.hear()
        assert (opened.backend.mails[-1].header_block, opened.backend.mails[-1].body) == (header, sent)


async def test_a_mail_over_the_limit_is_read_to_its_end_and_refused(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(message_bytes=10_000))
    line = await opened.connect()
    for size, reply in ((10_000, "250 2.0.0 "), (10_001, "552 5.3.4 This message is too big: at most 10000 bytes")):
        await line.begin() if size == 10_000 else await line.ask(
            "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA"
        )
        await line.send(b"A: b\r\n\r\n" + b"x" * (size - 10) + b"\r\n.\r\n")
        assert (await line.hear()).startswith(reply)
    assert opened.backend.contents[1].abandoned and len(opened.backend.mails) == 1


async def test_a_header_without_end_is_refused(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.begin()
    await line.send(b"X: y\r\n" * 50_000 + b".\r\n")
    assert (await line.hear()).startswith("552 5.3.4 The header of this message is too big")


@pytest.mark.parametrize(
    ("number", "reply"),
    [(errno.ENOSPC, STORAGE), (errno.EDQUOT, STORAGE), (errno.EFBIG, STORAGE), (errno.EIO, TROUBLE)],
)
@pytest.mark.parametrize("room", [0, 50_000])
async def test_a_full_disk_is_said_and_the_session_goes_on(
    open_server: OpenServer, number: int, reply: str, room: int
) -> None:
    backend = Backend(make=lambda: Kept(OSError(number, "no"), room))
    opened = await open_server(backend=backend)
    line = await opened.connect()
    await line.begin()
    await line.send(b"A: b\r\n\r\n" + b"x" * 600_000 + b"\r\n.\r\n")
    assert await line.hear() == reply
    assert backend.mails == [] and backend.contents[0].abandoned
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_content_that_can_not_even_begin_is_said_before_354(open_server: OpenServer) -> None:
    def full() -> Kept:
        raise OSError(errno.ENOSPC, "no")

    opened = await open_server(backend=Backend(make=full))
    line = await opened.connect()
    await line.hear()
    await line.ask("EHLO c", "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>")
    assert await line.ask("DATA") == STORAGE


async def test_a_commit_that_failed_is_temporary(open_server: OpenServer) -> None:
    async def fails() -> None:
        raise NotSent("no", diagnostic="database is locked at /var/lib/secret")

    opened = await open_server(backend=Backend(before_accept=fails))
    line = await opened.connect()
    await line.begin()
    assert await line.ask("A: b\r\n.") == STORAGE
    assert opened.backend.contents[0].abandoned


async def test_250_is_said_only_after_accept_has_returned(open_server: OpenServer) -> None:
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def commit() -> None:
        reached.set()
        await go_on.wait()

    opened = await open_server(backend=Backend(before_accept=commit))
    line = await opened.connect()
    await line.begin()
    await line.send(b"A: b\r\n.\r\nNOOP\r\n")
    await reached.wait()
    hearing = asyncio.create_task(line.hear())
    done, _ = await asyncio.wait([hearing], timeout=0.1)
    assert not done
    go_on.set()
    assert await hearing == "250 2.0.0 Ok: queued as B000000000"


async def test_a_link_that_dies_after_250_leaves_the_mail(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.begin()
    assert (await line.ask("A: b\r\n.")).startswith("250 ")
    line.writer.transport.abort()
    assert len(opened.backend.mails) == 1 and not opened.backend.contents[0].abandoned


async def test_a_link_that_dies_before_the_end_leaves_nothing(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.begin()
    await line.send(b"A: b\r\n\r\nhalf a")
    line.close()
    await opened.listeners.drain(5)
    assert opened.backend.mails == [] and opened.backend.contents[0].abandoned


async def test_a_client_that_sends_everything_and_closes_its_side_hears_its_replies(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.send(
        b"EHLO c\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<15551234567@fax.local>\r\nDATA\r\nA: b\r\n.\r\nQUIT\r\n"
    )
    line.writer.write_eof()
    said = (await line.reader.read()).decode()
    assert "250 2.0.0 Ok: queued as B000000000\r\n221 2.0.0 Bye\r\n" in said
    assert len(opened.backend.mails) == 1


async def test_three_recipients_are_three_recipients_and_the_same_one_twice_is_one(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    numbers = ["15551234567@fax.local", "15551234568@fax.local", "15551234567@FAX.local", "postmaster"]
    await line.begin(*numbers)
    await line.ask("A: b\r\n.")
    recipients = opened.backend.mails[0].envelope.recipients
    assert [one.number.dialled if isinstance(one, Recipient) else None for one in recipients] == [
        "15551234567",
        "15551234568",
        None,
    ]


async def test_pythons_own_smtplib_sends_a_mail(open_server: OpenServer) -> None:
    """A foreign client on the other side."""
    opened = await open_server()
    host, port = opened.listeners.addresses["submission"]
    body = b"Subject: from outside\r\n\r\n" + b".\r\n..\r\n" * 10 + b"x" * 70 + b"\r\n"

    def send() -> dict[str, tuple[int, bytes]]:
        with smtplib.SMTP(host, port, timeout=20) as client:
            client.ehlo("client.example")
            assert client.has_extn("dsn") and client.has_extn("pipelining") and client.has_extn("smtputf8")
            return client.sendmail(
                "alice@example.com",
                ["15551234567@fax.local", "nobody@fax.local"],
                body,
                mail_options=["ret=hdrs", "envid=Abc"],
                rcpt_options=["notify=success,failure"],
            )

    refused = await asyncio.to_thread(send)
    assert list(refused) == ["nobody@fax.local"] and refused["nobody@fax.local"][0] == 550
    assert opened.backend.mails[0].body == body


async def test_many_clients_at_once_each_get_their_own_answer(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(connections_per_client=100))

    async def one(number: int) -> str:
        line = await opened.connect()
        await line.begin(f"1555123{number:04}@fax.local")
        return await line.ask(f"Subject: {number}\r\n.")

    replies = await asyncio.gather(*map(one, range(40)))
    assert len(set(replies)) == 40 and all(reply.startswith("250 ") for reply in replies)
    for mail in opened.backend.mails:
        assert mail.envelope.recipients[0].address == f"1555123{int(mail.header_block.split()[1]):04}@fax.local"
