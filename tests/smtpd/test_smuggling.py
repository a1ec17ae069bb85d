"""No ending but CRLF.CRLF ends a mail: a second mail hidden in a first never becomes one."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.smtpd.conftest import PLAIN, Desk, OpenHouse

pytestmark = pytest.mark.anyio

# Published variants (SMTP smuggling, 2023, and what followed), and every mix of CR, LF, NUL and dots around one dot.
_EDGES = [b"\r\n", b"\n", b"\r", b"\0", b"\r\0\n", b"\n\r", b"\r\r\n", b"\n\n", b"\x85", b"\x0b", b" \r\n"]
_DOTS = [b".", b"..", b". ", b".\0", b"\0."]
VARIANTS = [
    before + dot + after
    for before in _EDGES
    for dot in _DOTS
    for after in _EDGES
    if (before, dot, after) != (b"\r\n", b".", b"\r\n") and b"\r\n.\r\n" not in before + dot + after
]
HIDDEN = (
    b"MAIL FROM:<alice@example.com>\r\nRCPT TO:<15559999999@fax.local>\r\nDATA\r\nSubject: hidden\r\n\r\nfraud\r\n"
)


def test_there_are_many_variants() -> None:
    assert len(VARIANTS) > 500


@pytest.mark.parametrize("device", [False, True], ids=["submission", "device"])
async def test_no_variant_smuggles_a_mail(open_house: OpenHouse, device: bool) -> None:
    desk = Desk()
    opened = await open_house(replace(PLAIN, device=device), desk=desk)
    line = await opened.connect()
    await line.hear()
    await line.ask("EHLO client.example")
    taken = 0
    for variant in VARIANTS:
        await line.ask("MAIL FROM:<alice@example.com>", "RCPT TO:<15551234567@fax.local>", "DATA")
        await line.send(b"Subject: outer\r\n\r\ntext" + variant + HIDDEN + b"\r\n.\r\n")
        reply = await line.hear()
        taken += reply.startswith("250")
        # Exactly one reply: had a second command been read, its reply would come before that of NOOP.
        assert await line.ask("NOOP") == "250 2.0.0 Ok", variant
        assert reply[:3] in ("250", "554"), (variant, reply)
        assert len(desk.mails) == taken, variant
        assert all(recipient.number.dialled == "15551234567" for recipient in _recipients(desk)), variant


async def test_no_cut_smuggles_a_mail(open_house: OpenHouse) -> None:
    """The same with the bytes arriving in two packets, cut at every position around the variant."""
    opened = await open_house()
    for variant in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r\n.\r\r\n", b"\r\n.\0\r\n", b"\r\n..\r\n"):
        data = b"Subject: outer\r\n\r\ntext" + variant + HIDDEN + b"\r\n.\r\n"
        start = data.index(variant, 22)
        for cut in range(start - 1, start + len(variant) + 2):
            line = await opened.connect()
            await line.begin()
            await line.send(data[:cut])
            await asyncio.sleep(0)  # the loop reads the first packet
            await line.send(data[cut:])
            assert (await line.hear())[:3] in ("250", "554")
            assert await line.ask("NOOP") == "250 2.0.0 Ok"
            line.close()
    assert all(recipient.number.dialled == "15551234567" for recipient in _recipients(opened.desk))


async def test_bytes_behind_the_true_end_are_commands(open_house: OpenHouse) -> None:
    """The positive side: what follows CRLF.CRLF is a command, in the same packet too."""
    opened = await open_house()
    line = await opened.connect()
    await line.begin()
    await line.send(b"Subject: a\r\n\r\nb\r\n.\r\nNOOP\r\n")
    assert (await line.hear()).startswith("250 2.0.0 Ok: queued as")
    assert await line.hear() == "250 2.0.0 Ok"


def _recipients(desk: Desk):
    return [recipient for mail in desk.mails for recipient in mail.envelope.recipients]
