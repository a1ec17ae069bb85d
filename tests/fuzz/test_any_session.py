"""Invariant: whatever bytes a client sends, on each kind of listener, each reply is a row of the table or good news,
every mail answered 250 was taken whole and no other was, no task is left behind, and memory stays where it was."""

from __future__ import annotations

import asyncio
import gc
import random
import re
import tracemalloc
from pathlib import Path

import pytest
import trustme
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailfax.rules.status import Cause
from mailfax.smtpd import Pace
from tests.smtpd.conftest import LISTENERS, Backend, Server, server
from tests.smtpd.kinds import CLEAR, LOGIN, UNHURRIED, Kind

#: Good news, and what a reply may say besides the table: greeting, offers, challenges, help.
GOOD = re.compile(
    r"(?:220 [ -~]+|221 2\.0\.0 Bye|235 2\.7\.0 [ -~]+|250[ -][ -~]+|252 2\.0\.0 [ -~]+|214 2\.0\.0 [ -~]+"
    r"|334 [A-Za-z0-9+/=]*|354 [ -~]+)"
)
#: Code and enhanced code of every row, with the fixed beginning of its sentence.
ROWS = {(str(cause.reply_code), cause.code, cause.value[2].partition("{")[0]) for cause in Cause if cause.reply_code}
CONTENT = b"Subject: x\r\n\r\ny\r\n"
WORDS = st.sampled_from(
    [
        b"EHLO c", b"LHLO c", b"HELO", LOGIN.encode(), b"AUTH LOGIN", b"AUTH PLAIN", b"YWxpY2U=", b"*",
        b"MAIL FROM:<alice@example.com>", b"MAIL FROM:<>", b"MAIL FROM: x", b"RCPT TO:<15551234567@fax.local>",
        b"RCPT TO:<(555)1234567@fax.local>", b"RCPT TO:<postmaster>",
        b"RCPT TO:<FAX=+15551234567/T33S=1@fax.local>", b"RCPT TO:<15551234567/to=A/x=y@fax.local>", b"DATA",
        CONTENT + b".", b".", b"BDAT 16 LAST\r\n" + CONTENT, b"BDAT 5", b"BDAT 0 LAST",
        b"BDAT 99999999999999999999", b"BDAT -1 LAST", b"RSET", b"QUIT", b"STARTTLS", b"NOOP x",
        b"XCLIENT ADDR=127.0.0.9", b"PROXY TCP4 127.0.0.9 127.0.0.1 1 2", b"\x16\x03\x01\x02\x00", b"\r\n",
        b"\n", b"\r", b"\0", b" ", b" SIZE=9", b" NOTIFY=NEVER", b" ORCPT=rfc822;a+2B", b" RET=FULL",
        b"Subject: x", b"\r\n.\r\n", b"VRFY", b"HELP", b"EXPN", b"\xff\xfe", b"A" * 3000,
    ]
)  # fmt: skip
BYTES = st.lists(WORDS | st.just(b"\r\n") | st.binary(max_size=30), max_size=60).map(b"".join)
PACE = Pace(command=5, data=5, handshake=5)
#: Where nobody gets as far as a mail by these bytes, and all the replies on the way must be right, too.
OTHERS = {name: Kind(LISTENERS[name], ()) for name in ("auth", "auth-implicit", "xclient", "proxied", "dmarc")}
MAIL = b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15551234567@fax.local>\r\n"


def whole(kind: Kind) -> bytes:
    """A mail as it should be, by this kind of listener."""
    return "\r\n".join(kind.hello).encode() + b"\r\n" + MAIL + b"DATA\r\n" + CONTENT + b".\r\n"


@pytest.mark.parametrize("name", CLEAR)
@settings(max_examples=1000, deadline=None)
@given(said=BYTES, begun=st.booleans())
@example(said=b"", begun=True)
@example(said=MAIL + b"BDAT 16 LAST\r\n" + CONTENT + b"QUIT\r\n", begun=True)
@example(said=MAIL + b"DATA\r\n.\r\n" * 3, begun=True)
def test_any_bytes_get_replies_of_the_table(name: str, said: bytes, begun: bool) -> None:
    """``begun``: behind a mail as it should be, so that the client has come through the SMTP server."""
    asyncio.run(_one_session(CLEAR[name], whole(CLEAR[name]) + said if begun else said, mails=int(begun)))


@pytest.mark.parametrize("name", OTHERS)
@settings(max_examples=250, deadline=None)
@given(said=BYTES)
def test_any_bytes_get_replies_at_every_other_handler(
    name: str, said: bytes, tls_files: tuple[trustme.CA, Path]
) -> None:
    asyncio.run(_one_session(OTHERS[name], said, mails=0, tls_files=tls_files))


async def _one_session(
    kind: Kind, said: bytes, *, mails: int, tls_files: tuple[trustme.CA, Path] | None = None
) -> None:
    behind = Backend()
    async with server(kind.listener, backend=behind, pace=PACE, limits=UNHURRIED, tls_files=tls_files) as opened:
        replies = await _converse(opened, kind, said)
    taken = 0
    for reply in replies:
        if reply[0] in "45":
            code, enhanced, sentence = reply.split(" ", 2)
            assert any((code, enhanced) == row[:2] and sentence.startswith(row[2]) for row in ROWS), reply
        else:
            assert GOOD.fullmatch(reply), reply
        taken += reply.startswith("250 2.0.0 Ok: queued as ")
    assert mails <= len(behind.mails) <= taken  # by LMTP each recipient has its reply
    assert kind.listener.protocol == "lmtp" or len(behind.mails) == taken
    assert all(mail.data for mail in behind.mails)
    assert sum(not content.abandoned for content in behind.contents) == len(behind.mails)
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def _converse(opened: Server, kind: Kind, said: bytes) -> list[str]:
    reader, writer = await asyncio.open_connection(*opened.listeners.addresses[kind.listener.name])
    try:
        writer.write(said)
        writer.write_eof()
        return (await asyncio.wait_for(reader.read(), 20)).decode("ascii").splitlines()
    except ConnectionError:
        return []  # the other side has had enough
    finally:
        writer.close()


@pytest.mark.parametrize("name", CLEAR)
def test_memory_stays_flat_over_many_sessions(name: str) -> None:
    """What a session leaves behind, a thousand of them leave a thousand times."""
    chance = random.Random(4711)

    async def sessions(opened: Server, number: int) -> None:
        for _ in range(number):
            noise = chance.randbytes(chance.randrange(2000)) + b"\r\n" + b"A" * chance.randrange(5000)
            await _converse(opened, CLEAR[name], whole(CLEAR[name]) + noise)
            for kept in (behind.mails, behind.contents, behind.answers, behind.asked):
                kept.clear()

    async def growth() -> int:
        async with server(CLEAR[name].listener, backend=behind, pace=PACE, limits=UNHURRIED) as opened:
            await sessions(opened, 30)  # tables and caches fill
            tracemalloc.start()
            try:
                await sessions(opened, 20)
                gc.collect()
                before = tracemalloc.get_traced_memory()[0]
                await sessions(opened, 150)
                gc.collect()
                return tracemalloc.get_traced_memory()[0] - before
            finally:
                tracemalloc.stop()

    behind = Backend()
    assert asyncio.run(growth()) < 64 * 1024
