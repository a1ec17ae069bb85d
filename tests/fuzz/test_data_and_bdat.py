"""Invariant: the same mail gives the same content, however it comes: by DATA or BDAT, cut into whatever pieces."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.smtpd.conftest import Backend, server
from tests.smtpd.kinds import CLEAR, greet

LINES = st.lists(st.binary(max_size=12) | st.sampled_from([b".", b"..", b"\0", b"Subject: x", b""]), max_size=12)
#: Line ends as they should be, and as they should not.
ENDS = st.sampled_from([b"\r\n"] * 8 + [b"\n", b"\r", b"\r\r\n"])


@st.composite
def mails(draw: st.DrawFn) -> bytes:
    return b"".join(line + draw(ENDS) for line in draw(LINES)) + b"\r\n"


@pytest.mark.parametrize("name", CLEAR)
@settings(max_examples=250, deadline=None)
@given(
    mail=mails(), cuts=st.lists(st.integers(0, 200), max_size=6), packets=st.lists(st.integers(0, 200), max_size=4)
)
def test_data_and_bdat_agree(name: str, mail: bytes, cuts: list[int], packets: list[int]) -> None:
    asyncio.run(_compare(name, mail, sorted(cut for cut in cuts if cut < len(mail)), packets))


async def _compare(name: str, mail: bytes, cuts: list[int], packets: list[int]) -> None:
    kind, behind = CLEAR[name], Backend()
    dotted = (b"\r\n" + mail).replace(b"\r\n.", b"\r\n..")[2:]
    edges = [0, *cuts, len(mail)]
    chunks = [mail[start:end] for start, end in itertools.pairwise(edges)]
    last = len(chunks) - 1
    by_bdat = b"".join(
        b"BDAT %d%s\r\n%s" % (len(chunk), b" LAST" if at == last else b"", chunk) for at, chunk in enumerate(chunks)
    )
    answers = []
    async with server(kind.listener, backend=behind) as opened:
        for said, number in ((b"DATA\r\n" + dotted + b".\r\n", 2), (by_bdat, len(chunks))):
            line = await opened.connect(kind.listener.name)
            await greet(line, kind)
            await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>")
            at = 0
            for size in packets:
                await line.send(said[at : at + size])
                await asyncio.sleep(0)
                at += size
            await line.send(said[at:])
            replies = [await line.hear() for _ in range(number)]
            answers.append(replies[-1][:1])
            await line.ask("QUIT")
    assert answers[0] == answers[1]
    assert len(behind.mails) == answers.count("2")
    if behind.mails:
        assert behind.mails[0].body == behind.mails[1].body
