"""What a client on the Internet hears: a mail is faxed only where both MAIL FROM and its author are of one rule."""

from __future__ import annotations

import asyncio
import ipaddress
import smtplib
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from mailfax.config import Limits, Listener, SenderRule
from mailfax.proof import Prover
from mailfax.rules.envelope import Envelope
from mailfax.rules.policy import Policy
from mailfax.smtpd import Handler, open_listeners
from mailfax.spool.content import Content
from tests.proof.conftest import ALICE, BODY, HEADER, Zones, begin_content, sign
from tests.smtpd.conftest import Told

#: (mail, MAIL FROM) -> the reply to its data, and what was accepted.
Ask = Callable[[bytes, str], Awaitable[tuple[int, list[Envelope]]]]

pytestmark = pytest.mark.anyio

MAIL = HEADER + b"\r\n" + BODY
BOB = "bob@partner.example"
LISTENER = Listener("internet", "127.0.0.1", 0, proof="dmarc", networks=(ipaddress.ip_network("127.0.0.0/8"),))
POLICY = Policy(
    fax_domains=("fax.example.org",),
    default_country="US",
    postmaster="postmaster@example.org",
    senders=(SenderRule(senders=(ALICE,), account="main"), SenderRule(senders=(BOB,), account="main")),
    listeners=(LISTENER,),
)


@pytest.fixture
def ask(make_prover: Callable[..., Prover], tmp_path: Path) -> Ask:
    async def deliver(mail: bytes, sender: str) -> tuple[int, list[Envelope]]:
        accepted: list[Envelope] = []

        async def accept(envelope: Envelope, content: Content, header_block: bytes) -> Told:
            accepted.append(envelope)
            content.abandon()
            return Told("B000000001", [])

        async def authenticate(user: str, password: str, listener: str) -> None:
            return None

        handler = Handler(
            begin=lambda: begin_content(tmp_path),
            room=lambda: 1 << 40,
            accept=accept,
            policy=POLICY,
            now=lambda: 1795485377.0,
            authenticate=authenticate,
            prove=make_prover().prove,
        )
        listeners = await open_listeners([LISTENER], handler, hostname="fax.example.org", limits=Limits())
        try:
            host, port = listeners.addresses["internet"]
            code = await asyncio.to_thread(_send, host, port, mail, sender)
        finally:
            await listeners.drain(5)
        return code, accepted

    return deliver


def _send(host: str, port: int, mail: bytes, sender: str) -> int:
    with smtplib.SMTP(host, port, timeout=20) as client:
        client.ehlo("mail.example.com")
        client.mail(sender)
        code, _ = client.rcpt("15551234567@fax.example.org")
        return client.data(mail)[0] if code == 250 else code


async def test_a_signed_mail_is_taken(ask: Ask) -> None:
    code, accepted = await ask(sign(MAIL), ALICE)
    assert code == 250 and [envelope.sender for envelope in accepted] == [ALICE]


@pytest.mark.parametrize("size", [0, 300_000], ids=["in its row", "in a file"])
async def test_a_signed_mail_of_any_size_is_taken(ask: Ask, size: int) -> None:
    code, accepted = await ask(sign(MAIL + b"0123456789\r\n" * (size // 12)), ALICE)
    assert code == 250 and accepted


@pytest.mark.parametrize(
    ("mail", "sender"),
    [
        (MAIL, ALICE),
        (sign(MAIL).replace(b"invoice", b"letter"), ALICE),
        (sign(MAIL), BOB),
        (MAIL.replace(b"Alice@example.com", b"bob@partner.example"), ALICE),
        (b"Authentication-Results: fax.example.org; dmarc=pass header.from=example.com\r\n" + MAIL, ALICE),
        (b"Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\r\n" + MAIL, ALICE),
        (sign(MAIL) + b"\r\nFrom: x@y\r\n", ALICE),
        (b"From: mallory@mallory.example\r\n" + sign(MAIL), ALICE),
    ],
    ids=[
        "bare",
        "changed",
        "of another sender",
        "of another author",
        "told",
        "told as ours",
        "longer",
        "two authors",
    ],
)
async def test_a_forged_mail_is_refused(ask: Ask, mail: bytes, sender: str) -> None:
    code, accepted = await ask(mail, sender)
    assert code == 550 and not accepted


async def test_a_mail_that_cannot_be_judged_now_is_put_off(ask: Ask, zones: Zones) -> None:
    zones.records["s1._domainkey.example.com", "TXT"] = 0.0
    code, accepted = await ask(sign(MAIL), ALICE)
    assert code == 451 and not accepted


async def test_spf_counts_the_address_of_the_connection(ask: Ask, zones: Zones) -> None:
    zones.records["example.com", "TXT"] = ["v=spf1 ip4:127.0.0.1 -all"]
    code, accepted = await ask(MAIL, ALICE)
    assert code == 250 and accepted
