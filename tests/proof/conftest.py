"""Domains with records of their own, and mails that are really signed with dkimpy."""

from __future__ import annotations

import base64
import functools
import ipaddress
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from mailfax.config import Config, Limits, Listener, SpoolConfig
from mailfax.config.values import RelayConfig
from mailfax.proof import Prover
from mailfax.proof.questions import Temporary
from mailfax.rules.envelope import Client, Proven
from mailfax.spool.files import NamedFile, file_path
from mailfax.spool.growing import Content

#: Of the sending domain, of nobody, and of the mail server in front.
OUTSIDE, STRANGER, RELAY = "192.0.2.25", "198.51.100.66", "10.0.0.5"
TRACE = b"Received: from mail.example.com ([192.0.2.25])\r\n\tby fax.example.org with ESMTP; Tue, 24 Nov 2026\r\n"
HEADER = (
    b"From: Alice Example <Alice@example.com>\r\nTo: 15551234567@fax.example.org\r\n"
    b"Subject: Invoice 12\r\nDate: Tue, 24 Nov 2026 01:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n"
)
BODY = b"Dear Bob,\r\n\r\nplease  find the invoice. \r\n\r\n\r\n"
ALICE = "alice@example.com"


@functools.cache
def private_key(bits: int = 2048, name: str = "") -> bytes:
    """A key in PEM; another one for each name."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=bits)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def public_key(private: bytes) -> str:
    """What stands in ``p=``."""
    key = serialization.load_pem_private_key(private, None).public_key()
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(der).decode()


@dataclass
class Zones:
    """The DNS as the tests have it: ``records[name, type]``; a ``float`` there: seconds of silence."""

    records: dict[tuple[str, str], list[str] | float] = field(default_factory=dict)
    asked: list[tuple[str, str]] = field(default_factory=list)

    def lookup(self, name: str, kind: str, seconds: float) -> list[str]:
        self.asked.append((name, kind))
        found = self.records.get((name, kind), [])
        if isinstance(found, float):
            time.sleep(min(found, seconds))
            raise Temporary(f"no answer from the DNS about {name}")
        return found

    def publish_key(self, domain: str, private: bytes, selector: str = "s1", extra: str = "") -> None:
        self.records[f"{selector}._domainkey.{domain}", "TXT"] = [f"v=DKIM1; {extra}p={public_key(private)}"]


def sign(
    mail: bytes,
    domain: str = "example.com",
    *,
    key: bytes | None = None,
    selector: str = "s1",
    names: tuple[str, ...] = ("from", "to", "subject", "date"),
    canonical: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
    length: bool = False,
    identity: str = "",
) -> bytes:
    """The mail with a DKIM-Signature on top."""
    signature = dkim.DKIM(mail).sign(
        selector.encode(),
        domain.encode(),
        key or private_key(),
        identity=identity.encode() or None,
        canonicalize=canonical,
        include_headers=[name.encode() for name in names],
        length=length,
    )
    return bytes(signature) + mail


LISTENERS = (
    Listener("internet", "127.0.0.1", 0, proof="dmarc"),
    Listener(
        "behind",
        "127.0.0.1",
        0,
        proof="dmarc",
        relays=(ipaddress.ip_network(f"{RELAY}/32"),),
        authserv_id="mx.example.org",
    ),
    Listener("office", "127.0.0.1", 0),
)


def config(*listeners: Listener) -> Config:
    return Config(
        source=Path("mailfax.toml"),
        hostname="fax.example.org",
        postmaster="postmaster@example.org",
        fax_domains=("fax.example.org",),
        default_country="US",
        spool=SpoolConfig("sqlite:///spool.db", "spool.db"),
        listeners=listeners,
        accounts=(),
        senders=(),
        relay=RelayConfig(),
        limits=Limits(),
    )


@pytest.fixture
def zones() -> Zones:
    """example.com as a careful domain: SPF, DKIM and DMARC."""
    zones = Zones()
    zones.publish_key("example.com", private_key())
    zones.records["example.com", "TXT"] = ["some-site-verification=1", f"v=spf1 ip4:{OUTSIDE} -all"]
    zones.records["_dmarc.example.com", "TXT"] = ["v=DMARC1; p=reject"]
    return zones


@pytest.fixture
def make_prover(zones: Zones) -> Iterator[Callable[..., Prover]]:
    provers: list[Prover] = []

    def make(**options: float) -> Prover:
        provers.append(Prover(config(*LISTENERS), lookup=zones.lookup, **options))  # type: ignore[arg-type]
        return provers[-1]

    yield make
    for prover in provers:
        prover.close()


def begin_content(folder: Path) -> Content:
    """An empty content of the spool, in a file where it is large."""
    return Content(lambda name, hashed: NamedFile(file_path(folder, name), hashed), os.urandom(16).hex())


@dataclass
class Backend:
    """Asks as the SMTP server does: the mail lies in a content of the spool, behind our own line."""

    prover: Prover
    folder: Path

    async def prove(
        self,
        mail: bytes,
        *,
        sender: str = "nobody@elsewhere.example",
        ip: str = STRANGER,
        helo: str = "mail.example.com",
        listener: str = "internet",
        relayed: bool = False,
    ) -> Proven:
        header, empty_line, _ = mail.partition(b"\r\n\r\n")
        content = begin_content(self.folder)
        content.prefix(TRACE)
        content.write(mail)
        try:
            client = Client(listener, ip, helo, proof="dmarc", relayed=relayed)
            return await self.prover.prove(client, sender, header + (b"\r\n" if empty_line else b""), content)
        finally:
            content.abandon()


@pytest.fixture
def backend(make_prover: Callable[..., Prover], tmp_path: Path) -> Backend:
    return Backend(make_prover(), tmp_path)
