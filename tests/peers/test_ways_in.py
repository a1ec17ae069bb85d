"""Each mail program, by each TLS and AUTH it knows, sends 10 MB to two recipients, and all of it arrives as sent."""

from __future__ import annotations

import base64
import hashlib
import random
import re
import smtplib
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.peers.clients import (
    BY_SMTP,
    HERE,
    KNOWN,
    NEEDS,
    PASSWORD,
    SEND,
    SENDER,
    USERS,
    WISHES,
    Way,
    Wishes,
    letter,
)
from tests.support.gate import Arrival, Gate, gate
from tests.support.postfix import Postfix, running, skip_without_postfix

ATTACHED = random.Random(4711).randbytes(10_000_000)
DIGEST = hashlib.sha256(ATTACHED).hexdigest()
#: From the empty line of the part that has our file to the next boundary.
FILE_PART = re.compile(rb'name="?offer\.pdf"?(?:[^\r\n]|\r\n(?!\r\n))*\r\n\r\n([A-Za-z0-9+/=\r\n]+)\r\n--')

LISTENERS = """
[[listener]]
name = "clear"
address = "127.0.0.1:0"

[[listener]]
name = "copier"
address = "127.0.0.1:0"
networks = ["127.0.0.1/32"]
proof = "auth"
device = true

[[listener]]
name = "starttls"
address = "127.0.0.1:0"
tls = "starttls"
{pem}

[[listener]]
name = "submission"
address = "127.0.0.1:0"
tls = "starttls"
proof = "auth"
{pem}

[[listener]]
name = "implicit"
address = "127.0.0.1:0"
tls = "implicit"
{pem}

[[listener]]
name = "submissions"
address = "127.0.0.1:0"
tls = "implicit"
proof = "auth"
{pem}

[[listener]]
name = "lmtp"
address = "127.0.0.1:0"
protocol = "lmtp"

[[listener]]
name = "lmtp-starttls"
address = "127.0.0.1:0"
protocol = "lmtp"
tls = "starttls"
{pem}

[[listener]]
name = "relay"
address = "127.0.0.1:0"
relays = ["127.0.0.1/32"]

[[listener]]
name = "relay-starttls"
address = "127.0.0.1:0"
relays = ["127.0.0.1/32"]
tls = "starttls"
{pem}

[[listener]]
name = "relay-implicit"
address = "127.0.0.1:0"
relays = ["127.0.0.1/32"]
tls = "implicit"
{pem}

[[listener]]
name = "relay-lmtp"
address = "127.0.0.1:0"
relays = ["127.0.0.1/32"]
protocol = "lmtp"

[[listener]]
name = "relay-lmtp-starttls"
address = "127.0.0.1:0"
relays = ["127.0.0.1/32"]
protocol = "lmtp"
tls = "starttls"
{pem}

[[sender]]
from = ["alice@example.com"]
network = ["127.0.0.0/8"]
account = "main"

[[sender]]
from = ["alice@example.com"]
login = ["alice", "copier-3"]
account = "main"
"""


class Servers:
    """A gate for all mails of one program, gone with them (a hundred megabytes) when the next one sends."""

    def __init__(self) -> None:
        self._open = ExitStack()
        self._program, self._gate = "", None

    def of(self, program: str) -> Gate:
        if program != self._program:
            self.close()
            folder = Path(self._open.enter_context(tempfile.TemporaryDirectory()))
            (folder / "offer.pdf").write_bytes(ATTACHED)
            self._program, self._gate = program, self._open.enter_context(gate(folder, LISTENERS, USERS))
        assert self._gate is not None
        return self._gate

    def close(self) -> None:
        self._open.close()


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    with closing(Servers()) as opened:
        yield opened


TABLE = [
    pytest.param(
        client,
        way,
        id=f"{client} by {way}",
        marks=[pytest.mark.needs(NEEDS[client])] if client in NEEDS else [],
    )
    for client, ways in KNOWN.items()
    for way in ways
]


@pytest.mark.parametrize(("client", "way"), TABLE)
def test_ten_megabytes_arrive(servers: Servers, client: str, way: Way) -> None:
    if client == "nodemailer" and not (HERE / "node" / "node_modules" / "nodemailer").is_dir():
        pytest.skip("needs nodemailer; scripts/test installs it")
    server = servers.of(client)
    recipients = ["15557651001@fax.local", "15557651002@fax.local"]
    SEND[client](way, server.ports[way.listener], server.folder / "ca.pem", recipients, server.folder / "offer.pdf")
    [arrival] = server.arrivals()
    assert_as_sent(arrival, way, recipients, WISHES[client])


#: Behind Postfix the true client is somebody else, so only a listener that knows it as a relay takes its mail.
BY_POSTFIX = (
    Way("relay"),
    Way("relay-starttls", "starttls"),
    Way("relay-implicit", "implicit"),
    Way("relay-lmtp", lmtp=True),
    Way("relay-lmtp-starttls", "starttls", lmtp=True),
    *(way for way in BY_SMTP if way.auth),
)
#: As they travel: ENVID and ORCPT in xtext, where "+" is "+2B".
POSTFIX_WISHES = Wishes(
    "HDRS", "Offer+12", frozenset({"SUCCESS", "DELAY"}), lambda recipient: f"rfc822;Bob+{recipient}"
)


@pytest.mark.needs("postfix")
def test_postfix_relays_with_an_empty_queue_and_its_requests_honoured(servers: Servers) -> None:
    """All its ways at once: a service each, chosen by the recipient."""
    skip_without_postfix()
    server = servers.of("postfix")
    services, routes, expected = {}, {}, {}
    for number, way in enumerate(BY_POSTFIX):
        protocol = "lmtp" if way.lmtp else "smtp"
        recipients = [f"1555765{number:02}01@fax.local", f"1555765{number:02}02@fax.local"]
        services[f"way{number}"] = (protocol, postfix_settings(protocol, way, server))
        routes |= dict.fromkeys(recipients, f"way{number}:[127.0.0.1]:{server.ports[way.listener]}")
        expected[recipients[0]] = (way, recipients)
    with running(services=services, routes=routes) as postfix:
        for _, recipients in expected.values():
            hand_to(postfix, recipients, server.folder / "offer.pdf")
        postfix.until_empty()
        assert "status=bounced" not in postfix.log()
    arrivals = server.arrivals()
    assert sorted(arrival.jobs[0]["address"] for arrival in arrivals) == sorted(expected)
    for arrival in arrivals:
        assert_as_sent(arrival, *expected[arrival.jobs[0]["address"]], POSTFIX_WISHES)


def postfix_settings(protocol: str, way: Way, server: Gate) -> dict[str, str]:
    settings = {"tls_security_level": "verify" if way.tls != "none" else "none"}
    if way.tls != "none":
        settings |= {"tls_CAfile": str(server.folder / "ca.pem"), "tls_verify_cert_match": "gate.example.com"}
    if way.tls == "implicit":
        settings["tls_wrappermode"] = "yes"
    if way.auth:
        login = f"[127.0.0.1]:{server.ports[way.listener]} = {way.user}:{PASSWORD}"
        settings |= {
            "sasl_auth_enable": "yes",
            "sasl_password_maps": f"inline:{{ {{{login}}} }}",
            "sasl_mechanism_filter": way.auth.lower(),
            "sasl_security_options": "noanonymous",
        }
    return {f"{protocol}_{key}": value for key, value in settings.items()}


def hand_to(postfix: Postfix, recipients: list[str], file: Path) -> None:
    with smtplib.SMTP("127.0.0.1", postfix.port, timeout=30, source_address=("127.0.0.7", 0)) as smtp:
        smtp.ehlo()
        assert smtp.mail(SENDER, [f"RET={POSTFIX_WISHES.ret}", "ENVID=Offer+2B12"])[0] == 250
        for recipient in recipients:
            orcpt = POSTFIX_WISHES.orcpt(recipient).replace("+", "+2B")
            assert smtp.rcpt(recipient, ["NOTIFY=SUCCESS,DELAY", f"ORCPT={orcpt}"])[0] == 250
        assert smtp.data(letter(file))[0] == 250


def assert_as_sent(arrival: Arrival, way: Way, recipients: list[str], wishes: Wishes) -> None:
    message, jobs = arrival.message, arrival.jobs
    assert (message["sender"], message["listener"]) == (SENDER, way.listener)
    assert message["login"] == (way.user if way.auth else "")
    assert [job["address"] for job in jobs] == recipients
    assert (message["ret"], message["envid"]) == (wishes.ret, wishes.envid)
    assert arrival.notify() == [wishes.notify] * len(recipients)
    assert [job["orcpt"] for job in jobs] == [wishes.orcpt(recipient) for recipient in recipients]
    found = FILE_PART.search(arrival.content)
    assert found, arrival.content[:2000]
    assert hashlib.sha256(base64.b64decode(found[1])).hexdigest() == DIGEST
