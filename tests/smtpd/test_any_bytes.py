"""Invariant: whatever bytes a client sends, each reply is a row of the table or good news, and nothing is left."""

from __future__ import annotations

import asyncio
import re

from hypothesis import example, given, settings
from hypothesis import strategies as st

from mailfax.rules.status import Cause
from mailfax.smtpd import Pace
from tests.smtpd.conftest import Desk, house

REPLY = re.compile(r"(?:220|221|250|252|214|354|421|4\d\d|5\d\d)[ -][ -~]*")
CODES = {f"{cause.reply_code} {cause.code}" for cause in Cause if cause.reply_code}
WORDS = st.sampled_from(
    [
        b"EHLO c", b"HELO", b"MAIL FROM:<alice@example.com>", b"MAIL FROM:<>", b"RCPT TO:<15551234567@fax.local>",
        b"RCPT TO:<(555)1234567@fax.local>", b"DATA", b".", b"RSET", b"QUIT", b"STARTTLS", b"NOOP x", b"\r\n", b"\n",
        b"\r", b"\0", b" ", b"SIZE=9", b"NOTIFY=NEVER", b"Subject: x", b"\r\n.\r\n", b"VRFY", b"HELP", b"EXPN",
    ]
)  # fmt: skip
BYTES = st.lists(WORDS | st.just(b"\r\n") | st.binary(max_size=30), max_size=40).map(b"".join)


@settings(max_examples=150, deadline=None)
@given(BYTES)
@example(b"EHLO c\r\nMAIL FROM:<alice@example.com>\r\nRCPT TO:<15551234567@fax.local>\r\nDATA\r\n.\r\n")
def test_any_bytes_get_replies_of_the_table(data: bytes) -> None:
    asyncio.run(_converse(data))


async def _converse(data: bytes) -> None:
    desk = Desk()
    async with house(desk=desk, pace=Pace(command=5, data=5)) as opened:
        line = await opened.connect()
        await line.send(data)
        line.writer.write_eof()
        said = (await line.reader.read()).decode("ascii")
    for reply in said.splitlines():
        assert REPLY.fullmatch(reply), reply
        if reply[0] in "45":
            assert " ".join(reply.split()[:2]) in CODES, reply
    assert not [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    assert len(desk.mails) == said.count("250 2.0.0 Ok: queued as ")
    assert all(mail.data for mail in desk.mails)
    assert sum(not content.abandoned for content in desk.contents) == len(desk.mails)
