"""BDAT: mails in chunks, and the octets of a chunk that are never taken for commands."""

from __future__ import annotations

import asyncio
import errno

import pytest

from mailfax.config import Limits
from mailfax.smtpd import Pace
from tests.smtpd.conftest import Backend, Kept, Line, OpenServer

pytestmark = pytest.mark.anyio
MAIL = b"Subject: chunks\r\n\r\n.one dot\r\n.\r\nend without CRLF"


async def begun(line: Line, *, hello: str = "EHLO c") -> None:
    await line.hear()
    await line.ask(hello, "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>")


def chunk(data: bytes, last: bool = False) -> bytes:
    return b"BDAT %d%s\r\n" % (len(data), b" LAST" if last else b"") + data


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_a_mail_in_chunks_of_any_size_is_the_mail(open_server: OpenServer, size: int) -> None:
    opened = await open_server()
    line = await opened.connect()
    await begun(line)
    pieces = [MAIL[at : at + size] for at in range(0, len(MAIL), size)]
    await line.send(b"".join(map(chunk, pieces)) + b"BDAT 0 LAST\r\nNOOP\r\n")
    for piece in pieces:
        assert await line.hear() == f"250 2.0.0 Ok: {len(piece)} octets received"
    assert await line.hear() == "250 2.0.0 Ok: queued as B000000000"
    assert await line.hear() == "250 2.0.0 Ok"
    (mail,) = opened.backend.mails
    assert (mail.body, mail.header_block) == (MAIL, b"Subject: chunks\r\n")


async def test_last_may_carry_octets_and_pipelined_mails_follow_one_another(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    assert "CHUNKING" in await line.ask("EHLO c")
    one = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15551234567@fax.local>\r\n" + chunk(MAIL, last=True)
    await line.send(one.replace(b" LAST", b" last") + one + b"QUIT\r\n")
    replies = [await line.hear() for _ in range(7)]
    assert [reply[:3] for reply in replies] == ["250"] * 6 + ["221"]
    assert [mail.body for mail in opened.backend.mails] == [MAIL, MAIL]


async def test_data_and_bdat_are_never_mixed(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await begun(line)
    await line.send(chunk(b"A: b\r\n"))
    assert (await line.hear()).startswith("250 ")
    assert await line.ask("DATA") == "503 5.5.1 Bad sequence of commands: this mail comes by BDAT"
    assert (await line.ask("MAIL FROM:<alice@example.com>")).startswith("503 5.5.1 ")
    assert (await line.ask("RCPT TO:<15551234568@fax.local>")).startswith("503 5.5.1 ")
    assert (await line.ask("BDAT 0 LAST")).startswith("250 2.0.0 Ok: queued")
    assert len(opened.backend.mails[0].envelope.recipients) == 1


@pytest.mark.parametrize("ender", ["RSET", "EHLO c"])
async def test_what_has_arrived_is_dropped_with_its_mail(open_server: OpenServer, ender: str) -> None:
    opened = await open_server()
    line = await opened.connect()
    await begun(line)
    await line.send(chunk(b"A: b\r\n\r\nhalf a "))
    await line.hear()
    assert (await line.ask(ender)).startswith("250")
    assert opened.backend.contents[0].abandoned
    await line.send(chunk(b"QUIT\r\n", last=True))
    assert await line.hear() == "503 5.5.1 Bad sequence of commands: no recipient was accepted"
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_a_connection_that_ends_between_or_within_chunks_leaves_nothing(open_server: OpenServer) -> None:
    opened = await open_server(pace=Pace(command=0.2, data=0.2))
    for said in (chunk(MAIL), b"BDAT 100\r\nhalf"):
        line, silent = await opened.connect(), await opened.connect()
        for one in (line, silent):
            await begun(one)
            await one.send(said)
        line.writer.write_eof()
        while await silent.hear():
            pass
    await opened.listeners.drain(5)
    assert opened.backend.mails == []
    assert len(opened.backend.contents) == 4 and all(content.abandoned for content in opened.backend.contents)


async def test_after_any_error_the_octets_are_swallowed(open_server: OpenServer) -> None:
    def full() -> Kept:
        raise OSError(errno.ENOSPC, "no")

    hidden = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15559999999@fax.local>\r\nBDAT 3 LAST\r\nA:b"
    opened = await open_server(backend=Backend(make=full))
    line = await opened.connect()
    await line.hear()
    await line.send(chunk(hidden, last=True))
    assert (await line.hear()).startswith("503 5.5.1 ")
    await line.ask("EHLO c", "MAIL FROM:<mallory@example.com>", "RCPT TO:<15551234567@fax.local>")
    await line.send(chunk(hidden) + chunk(hidden, last=True))
    assert [(await line.hear())[:9] for _ in range(2)] == ["503 5.5.1"] * 2
    await line.ask("RSET", "MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>")
    await line.send(chunk(hidden, last=True))
    assert (await line.hear()).startswith("452 4.3.1 ")
    assert await line.ask("NOOP") == "250 2.0.0 Ok"


async def test_a_chunk_too_many_ends_the_mail(open_server: OpenServer) -> None:
    opened = await open_server(limits=Limits(message_bytes=100))
    line = await opened.connect()
    await begun(line)
    await line.send(chunk(b"A: b\r\n\r\n") + chunk(b"x" * 200) + chunk(b"MAIL FROM:<>\r\n") + b"BDAT 0 LAST\r\n")
    assert [(await line.hear())[:9] for _ in range(4)] == ["250 2.0.0", "552 5.3.4", "503 5.5.1", "503 5.5.1"]
    assert opened.backend.contents[0].abandoned and not opened.backend.mails


@pytest.mark.parametrize("data", [b"A: b\n\r\nx", b"A: b\r\n\r\nx\ry", b"A: b\r\n\r\nx\r"])
@pytest.mark.parametrize("size", [1, 1000])
async def test_bare_line_ends_are_refused_as_in_data(open_server: OpenServer, data: bytes, size: int) -> None:
    opened = await open_server()
    line = await opened.connect()
    await begun(line)
    replies = []
    for at in range(0, len(data), size):
        await line.send(chunk(data[at : at + size]))
        replies.append(await line.hear())
        if not replies[-1].startswith("250 "):
            break
    if replies[-1].startswith("250 "):
        replies.append(await line.ask("BDAT 0 LAST"))
    assert replies[-1].startswith("554 5.6.0 "), replies
    assert not opened.backend.mails


@pytest.mark.parametrize("argument", ["", "x", "-1", "1 2", "5 LASTLY", "5LAST", "0x10", "9" * 14, "9" * 400, "1.5"])
async def test_nobody_knows_where_the_next_command_begins_after_a_bad_size(
    open_server: OpenServer, argument: str
) -> None:
    opened = await open_server()
    line = await opened.connect()
    await begun(line)
    await line.send(f"BDAT {argument}\r\nMAIL FROM:<alice@example.com>\r\n".encode())
    assert await line.hear() == "501 5.5.2 Syntax: BDAT size [LAST]"
    assert await line.hear() == ""


async def test_a_huge_chunk_is_refused_only_when_it_has_been_read(open_server: OpenServer) -> None:
    """9,999,999,999,999 octets are announced: they are awaited at the pace of a mail, and never stored."""
    opened = await open_server(
        limits=Limits(message_bytes=1000), pace=Pace(data=5, data_patience=0.2, bytes_per_second=1e9)
    )
    line = await opened.connect()
    await begun(line)
    await line.send(b"BDAT 9999999999999 LAST\r\n" + b"QUIT\r\n" * 1000)
    assert (await line.hear()).startswith("421 4.4.2 ")
    await opened.listeners.drain(1)
    assert opened.backend.contents[0].abandoned and opened.backend.contents[0].size < 1000


async def test_binarymime_is_not_taken(open_server: OpenServer) -> None:
    opened = await open_server()
    line = await opened.connect()
    await line.hear()
    assert "BINARYMIME" not in await line.ask("EHLO c")
    assert (await line.ask("MAIL FROM:<alice@example.com> BODY=BINARYMIME")).startswith("501 5.5.4 ")


async def test_chunks_stream_and_other_sessions_are_heard(open_server: OpenServer) -> None:
    opened = await open_server()
    line, other = await opened.connect(), await opened.connect()
    await begun(line)
    await other.hear()
    await line.send(b"BDAT 4000000 LAST\r\nA: b\r\n\r\n" + b"x" * 1_000_000)
    assert await other.ask("NOOP") == "250 2.0.0 Ok"
    while opened.backend.contents[0].size < 1_000_000:
        await asyncio.sleep(0.01)
    await line.send(b"x" * 2_999_992)
    assert (await line.hear()).startswith("250 2.0.0 Ok: queued")
