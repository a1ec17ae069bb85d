"""No ending but CRLF.CRLF ends a mail: a second mail hidden in a first never becomes one, on no kind of listener."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from mailfax.smtpd import Pace
from tests.smtpd.conftest import Backend, Line, OpenServer
from tests.smtpd.kinds import KINDS, UNHURRIED, greet

pytestmark = pytest.mark.anyio

# Published variants (SMTP smuggling, 2023, and what followed), and every mix of CR, LF, NUL and dots around one dot.
_EDGES = [b"\r\n", b"\n", b"\r", b"\0", b"\r\0\n", b"\n\r", b"\r\r\n", b"\n\n", b"\x85", b"\x0b", b" \r\n"]
_EDGES += [b"\r\n\0", b"\0\r\n"]
_DOTS = [b".", b"..", b". ", b".\0", b"\0."]
VARIANTS = [
    before + dot + after
    for before in _EDGES
    for dot in _DOTS
    for after in _EDGES
    if b"\r\n.\r\n" not in before + dot + after
]
#: The ones with a name, which are tried at every cut as well.
PUBLISHED = (
    b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r", b"\r.\r\n", b"\r\n.\r\r\n", b"\r\r\n.\r\r\n",
    b"\r\n\0.\r\n", b"\r\n.\0\r\n", b"\r\n..\r\n", b"\n..\r\n",
)  # fmt: skip
ALLOWED, SMUGGLED = "15551234567", "15559999999"
HIDDEN = (
    b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15559999999@fax.local>\r\nDATA\r\nSubject: hidden\r\n\r\nfraud\r\n"
)
OUTER = b"Subject: outer\r\n\r\ntext"


def test_there_are_many_variants() -> None:
    assert len(VARIANTS) > 800
    assert set(PUBLISHED) <= set(VARIANTS)


@pytest.fixture(params=KINDS)
async def entrance(request: pytest.FixtureRequest, open_server: OpenServer) -> tuple[Line, Backend]:
    """A client that may say MAIL, on a listener of each kind, and what arrives from it."""
    kind, behind = KINDS[request.param], Backend()
    opened = await open_server(kind.listener, backend=behind, limits=UNHURRIED, pace=Pace(errors=10_000))
    line = await opened.connect(kind.listener.name, tls=kind.listener.tls == "implicit")
    await greet(line, kind)
    return line, behind


async def begin(line: Line) -> None:
    """Up to where the content is said."""
    await line.send(f"MAIL FROM:<alice@example.com>\r\nRCPT TO:<{ALLOWED}@fax.local>\r\n".encode())
    assert (await line.hear()).startswith("250")
    assert (await line.hear()).startswith("250")


async def in_packets(line: Line, *packets: bytes) -> None:
    for packet in packets:
        await line.send(packet)
        for _ in range(3):
            await asyncio.sleep(0)  # the other side of this loop reads it


async def one_mail_at_most(line: Line, behind: Backend, what: object) -> None:
    """The mail had exactly one answer: another command's would come before that of NOOP."""
    reply = await line.hear()
    assert await line.ask("NOOP") == "250 2.0.0 Ok", (what, reply)
    assert reply[:3] in ("250", "554"), (what, reply)
    assert len(behind.mails) <= 1, what
    assert bool(behind.mails) == reply.startswith("250"), what
    for mail in behind.mails:
        assert [one.number.dialled for one in mail.envelope.recipients] == [ALLOWED], what
    behind.mails.clear()
    behind.contents.clear()


async def test_no_variant_smuggles_a_mail(entrance: tuple[Line, Backend]) -> None:
    line, behind = entrance
    for variant in VARIANTS:
        await begin(line)
        assert (await line.ask("DATA")).startswith("354")
        await line.send(OUTER + variant + HIDDEN + b"\r\n.\r\n")
        await one_mail_at_most(line, behind, variant)


def cuts(data: bytes, variant: bytes) -> Iterator[int]:
    """Every place around the variant where a packet may end."""
    start = data.index(variant, len(OUTER))
    yield from range(start - 1, start + len(variant) + 2)


async def test_no_packet_border_smuggles_a_mail(entrance: tuple[Line, Backend]) -> None:
    line, behind = entrance
    for variant in PUBLISHED:
        data = OUTER + variant + HIDDEN + b"\r\n.\r\n"
        for cut in cuts(data, variant):
            await begin(line)
            assert (await line.ask("DATA")).startswith("354")
            await in_packets(line, data[:cut], data[cut:])
            await one_mail_at_most(line, behind, (variant, cut))
        await begin(line)
        assert (await line.ask("DATA")).startswith("354")
        await in_packets(line, *(bytes([octet]) for octet in data))
        await one_mail_at_most(line, behind, (variant, "byte by byte"))


async def test_no_chunk_smuggles_a_mail(entrance: tuple[Line, Backend]) -> None:
    """BDAT counts, so that even CRLF.CRLF is content, wherever chunks and packets end."""
    line, behind = entrance
    for variant in (*PUBLISHED, b"\r\n.\r\n", b"\r\nBDAT 0 LAST\r\n", b"\r\nRSET\r\n"):
        data = OUTER + variant + HIDDEN + b"\r\n.\r\n"
        for cut in cuts(data, variant):
            await begin(line)
            await in_packets(line, b"BDAT %d\r\n" % cut + data[:cut])
            first = await line.hear()
            assert first[:3] in ("250", "554"), (variant, cut, first)
            await in_packets(line, b"BDAT %d LAST\r\n" % len(data[cut:]), data[cut:])
            if first.startswith("250"):
                await one_mail_at_most(line, behind, (variant, cut))
            else:
                # What was refused stays refused: the rest is read and dropped (RFC 3030 2).
                assert (await line.hear())[:1] == "5", (variant, cut)
                assert not behind.mails
            assert (await line.ask("RSET")).startswith("250")


async def test_a_chunk_that_counts_too_little_smuggles_nothing(entrance: tuple[Line, Backend]) -> None:
    """Bytes behind a chunk are commands: a mail that begins there, before the first has ended, is refused."""
    line, behind = entrance
    await begin(line)
    await line.send(b"BDAT %d\r\n" % len(OUTER) + OUTER + HIDDEN + b"\r\n.\r\n")
    assert (await line.hear()).startswith("250")
    assert (await line.hear()).startswith("503")
    assert not behind.mails
    line.close()


async def test_bytes_behind_the_true_end_are_commands(entrance: tuple[Line, Backend]) -> None:
    """The positive side: what follows CRLF.CRLF is a command, in the same packet too."""
    line, behind = entrance
    await begin(line)
    await line.send(b"DATA\r\nSubject: a\r\n\r\nb\r\n.\r\nNOOP\r\n")
    assert (await line.hear()).startswith("354")
    assert (await line.hear()).startswith("250 2.0.0 Ok: queued as")
    assert await line.hear() == "250 2.0.0 Ok"
    assert len(behind.mails) == 1
