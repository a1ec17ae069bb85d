"""Forged mail from the Internet behind a real Postfix, and forged addresses behind a load balancer: 0 faxes.

The office is 192.168.1.0/24 here, Postfix and load balancer are 127.0.0.1, and whoever is elsewhere is a stranger. To
Postfix, clients of the whole Internet come by XCLIENT; else it is set up as ``docs/howto/postfix-and-exim.md`` says.
"""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.smtpd.test_smuggling import HIDDEN, OUTER, PUBLISHED
from tests.structure.packages import TOP
from tests.support.gate import Gate, gate
from tests.support.postfix import Postfix, running

OFFICE, STRANGER, UNCHECKED, MTA = "192.168.1.9", "198.51.100.66", "198.51.100.67", "mta.example.com"
LISTENERS = """
[[listener]]
name = "relay"
address = "127.0.0.1:0"
networks = ["192.168.1.0/24"]
relays = ["127.0.0.1/32"]

[[listener]]
name = "lmtp"
address = "127.0.0.1:0"
protocol = "lmtp"
networks = ["192.168.1.0/24"]
relays = ["127.0.0.1/32"]

[[listener]]
name = "internet"
address = "127.0.0.1:0"
networks = ["127.0.0.0/8"]
proof = "dmarc"
relays = ["127.0.0.1/32"]
authserv_id = "mta.example.com"

[[listener]]
name = "proxied"
address = "127.0.0.1:0"
networks = ["192.168.1.0/24"]
proxies = ["127.0.0.1/32"]

[[sender]]
from = ["alice@example.com"]
account = "main"

[[sender]]
network = ["192.168.1.9/32"]
account = "main"
notify = "owner@example.com"
"""
#: Which listener a number is routed to.
BY_SMTP, BY_LMTP, BY_DMARC = "15557651001", "15557651002", "15557651003"
#: What our page says to write into main.cf; where mail goes is said by ``routes`` here.
PAGE = (TOP / "docs" / "howto" / "postfix-and-exim.md").read_text()
OF_THE_PAGE = dict(re.findall(r"^(\w+) = (.+)$", PAGE.partition("main.cf\n")[2].partition("\n\n")[0], re.MULTILINE))
assert OF_THE_PAGE.pop("transport_maps") and "smtpd_forbid_bare_newline" in OF_THE_PAGE
MAIN = OF_THE_PAGE | {
    "mynetworks": "127.0.0.1/32",
    "smtpd_authorized_xclient_hosts": "127.0.0.1/32",
    "smtpd_relay_restrictions": "reject_unauth_destination",
    # Mail about what was refused has nowhere to go here.
    "default_transport": "discard",
    "smtpd_forbid_bare_newline_exclusions": "",
    # In place of a milter: what was found out about each client's mail, and nobody else's words about it.
    "smtpd_recipient_restrictions": "check_client_access inline:{"
    f" {{ {OFFICE} = PREPEND X-Found: dmarc=pass header.from=example.com }},"
    f" {{ {STRANGER} = PREPEND X-Found: dmarc=fail header.from=example.com }} }}",
    "header_checks": "regexp:{ { /^Authentication-Results:/ IGNORE },"
    f" {{ /^X-Found: (.*)/ REPLACE Authentication-Results: {MTA}; $$1 }} }}",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gate]:
    with gate(tmp_path_factory.mktemp("gate"), LISTENERS) as opened:
        yield opened


@pytest.fixture(scope="module")
def postfix(site: Gate) -> Iterator[Postfix]:
    routes = {
        f"{BY_SMTP}@fax.local": f"smtp:[127.0.0.1]:{site.ports['relay']}",
        f"{BY_LMTP}@fax.local": f"lmtp:[127.0.0.1]:{site.ports['lmtp']}",
        f"{BY_DMARC}@fax.local": f"smtp:[127.0.0.1]:{site.ports['internet']}",
    }
    with running(routes=routes, main=MAIN) as postfix:
        yield postfix


def hand_over(postfix: Postfix, source: str, mail: bytes, *numbers: str, helo: str = "pc.example.com") -> int:
    """How many of its recipients Postfix could not deliver to, for good."""
    before = postfix.log().count("status=bounced")
    with smtplib.SMTP("127.0.0.1", postfix.port, helo, timeout=30) as smtp:
        smtp.ehlo()
        assert smtp.docmd("XCLIENT", f"ADDR={source} NAME=[UNAVAILABLE]")[0] == 220
        smtp.ehlo()
        smtp.sendmail("alice@example.com", [f"{number}@fax.local" for number in numbers], mail)
    postfix.until_empty()
    return postfix.log().count("status=bounced") - before


MAIL = b"From: Alice <alice@example.com>\r\nSubject: Pay at once\r\n\r\nto this account\r\n"
INSIDE = b"Received: from pc.example.com (pc.example.com [192.168.1.9])\r\n\tby mta.example.com (Postfix) with "
END = b"id 4F00D; Tue, 24 Nov 2026 00:00:00 +0000\r\n"
FORGED = {
    "a sender's name alone": MAIL,
    "a Received line from inside": INSIDE + b"ESMTP " + END + MAIL,
    "a Received line with a login": INSIDE + b"ESMTPSA " + END + MAIL,
    "a Received line of mail born at the relay": (
        b"Received: by mta.example.com (Postfix, from userid 1000)\r\n\t" + END + MAIL
    ),
    "a line that goes on from Postfix's own": b"\tby mta.example.com (Postfix) with ESMTPSA id 4F00D\r\n" + MAIL,
    "a line hidden behind a bare CR": b"X-A: b\r" + INSIDE.replace(b"\r\n", b"") + b"ESMTPSA " + END + MAIL,
    "an answer to a check that nobody made": (
        b"Authentication-Results: mta.example.com; dmarc=pass header.from=example.com\r\n" + MAIL
    ),
}  # fmt: skip
HELO_NAMES = [
    "[192.168.1.9]",
    "192.168.1.9",
    "pc[192.168.1.9]",
    "pc(pc[192.168.1.9])",
    "pc (pc.example.com [192.168.1.9]) by mta.example.com with ESMTPA",
    "pc\\",
]


@pytest.mark.needs("postfix")
def test_the_office_faxes_through_postfix(site: Gate, postfix: Postfix) -> None:
    """The other side of the same rules: whoever may, can."""
    assert hand_over(postfix, OFFICE, MAIL, BY_SMTP, BY_LMTP, BY_DMARC) == 0
    numbers = sorted(number for arrival in site.arrivals() for number in arrival.numbers)
    assert numbers == [BY_SMTP, BY_LMTP, BY_DMARC]


@pytest.mark.needs("postfix")
def test_forged_mail_is_never_faxed(site: Gate, postfix: Postfix) -> None:
    for mail in FORGED.values():
        assert hand_over(postfix, STRANGER, mail, BY_SMTP, BY_LMTP, BY_DMARC) == 3
    assert site.arrivals() == []


@pytest.mark.needs("postfix")
@pytest.mark.parametrize("helo", HELO_NAMES)
def test_a_client_s_name_for_itself_is_no_address(site: Gate, postfix: Postfix, helo: str) -> None:
    assert hand_over(postfix, STRANGER, MAIL, BY_SMTP, BY_LMTP, BY_DMARC, helo=helo) == 3
    assert site.arrivals() == []


@pytest.mark.needs("postfix")
def test_mail_that_the_relay_did_not_check_proves_nothing(site: Gate, postfix: Postfix) -> None:
    """The check was out of order, and the mail brings its own result, in each way that a reader may take it."""
    results = [
        b"mta.example.com; dmarc=pass header.from=example.com",
        b"MTA.EXAMPLE.COM; dmarc=pass header.from=example.com",
        b"(checked) mta.example.com; dmarc=pass header.from=example.com",
        b'"mta.example.com"; dmarc=pass header.from=example.com',
        b"\r\n mta.example.com 1;\r\n dmarc=pass (p=none) header.from=example.com",
    ]
    for result in results:
        for name in (b"Authentication-Results", b"authentication-results"):
            assert hand_over(postfix, UNCHECKED, name + b": " + result + b"\r\n" + MAIL, BY_DMARC) == 1
    assert site.arrivals() == []


@pytest.mark.needs("postfix")
@pytest.mark.parametrize("number", [BY_SMTP, BY_LMTP, BY_DMARC])
def test_nothing_is_smuggled_through_postfix(site: Gate, postfix: Postfix, number: str) -> None:
    """What Postfix took for content and passed on is content here, too."""
    hidden = HIDDEN.replace(b"15559999999", BY_SMTP.encode())
    envelope = (b"MAIL FROM:<alice@example.com>", b"RCPT TO:<%b@fax.local>" % number.encode())
    sent = 0
    for variant in PUBLISHED:
        with closing(socket.create_connection(("127.0.0.1", postfix.port), 30)) as client:
            talk = client.makefile("rwb")
            for said in (b"", b"EHLO pc", b"XCLIENT ADDR=%b" % OFFICE.encode(), b"EHLO pc", *envelope, b"DATA"):
                talk.write(said and said + b"\r\n")
                talk.flush()
                reply = heard(talk)
                assert reply[:1] in b"23", (variant, reply)
            talk.write(b"From: alice@example.com\r\n" + OUTER + variant + hidden + b"\r\n.\r\n")
            talk.flush()
            sent += heard(talk).startswith(b"250")
    postfix.until_empty()
    arrivals = site.arrivals()
    assert [arrival.message["subject"] for arrival in arrivals] == ["outer"] * len(arrivals)
    assert [arrival.numbers for arrival in arrivals] == [[number]] * len(arrivals)
    assert 0 < len(arrivals) <= sent


def heard(talk: socket.SocketIO) -> bytes:
    """The last line of one reply."""
    while (line := talk.readline())[3:4] == b"-":
        pass
    return line


PROXIED = {
    "no header": (b"", "127.0.0.1"),
    "a header that names nobody": (b"PROXY UNKNOWN\r\n", "127.0.0.1"),
    "a header cut off": (b"PROXY TCP4 192.168.1.9\r\n", "127.0.0.1"),
    "a header for a stranger": (b"PROXY TCP4 198.51.100.66 127.0.0.1 4000 25\r\n", "127.0.0.1"),
    "a second header": (
        b"PROXY TCP4 198.51.100.66 127.0.0.1 4000 25\r\nPROXY TCP4 192.168.1.9 127.0.0.1 4000 25\r\n", "127.0.0.1"
    ),
    "a header that comes too late": (b"NOOP\r\nPROXY TCP4 192.168.1.9 127.0.0.1 4000 25\r\n", "127.0.0.1"),
    "the load balancer's own check": (b"\r\n\r\n\0\r\nQUIT\n\x20\x00\x00\x00", "127.0.0.1"),
    "a header in binary that names no address": (b"\r\n\r\n\0\r\nQUIT\n\x21\x00\x00\x00", "127.0.0.1"),
    "a header from a stranger": (b"PROXY TCP4 192.168.1.9 127.0.0.1 4000 25\r\n", "127.0.0.66"),
    "a binary header from a stranger": (
        b"\r\n\r\n\0\r\nQUIT\n\x21\x11\x00\x0c\xc0\xa8\x01\x09\x7f\x00\x00\x01\x0f\xa0\x00\x19", "127.0.0.66"
    ),
    "XCLIENT where nobody may say it": (
        b"PROXY TCP4 192.168.1.10 127.0.0.1 4000 25\r\nEHLO x\r\nXCLIENT ADDR=192.168.1.9\r\n", "127.0.0.1"
    ),
}  # fmt: skip
#: No rule lets this sender fax but the one for 192.168.1.9.
SESSION = (
    b"EHLO x\r\nMAIL FROM:<device@example.net>\r\nRCPT TO:<15557651004@fax.local>\r\n"
    b"DATA\r\nSubject: x\r\n\r\ny\r\n.\r\nQUIT\r\n"
)


@pytest.mark.parametrize("case", PROXIED)
def test_a_proxy_s_address_is_never_the_client_s(site: Gate, case: str) -> None:
    header, source = PROXIED[case]
    converse(site.ports["proxied"], header + SESSION, source)
    assert site.arrivals() == []


def test_behind_a_load_balancer_the_true_client_faxes(site: Gate) -> None:
    converse(site.ports["proxied"], b"PROXY TCP4 192.168.1.9 127.0.0.1 4000 25\r\n" + SESSION, "127.0.0.1")
    [arrival] = site.arrivals()
    assert arrival.message["client_ip"] == OFFICE


def converse(port: int, said: bytes, source: str) -> None:
    """Say everything at once, and hear the other side out."""
    with closing(socket.create_connection(("127.0.0.1", port), 30, (source, 0))) as client:
        try:
            client.sendall(said)
            client.shutdown(socket.SHUT_WR)
            while client.recv(65536):
                pass
        except OSError:
            pass  # refused before it was said
