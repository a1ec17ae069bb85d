"""Where a mail began is told by the lines of relays that we know, and by nothing that a stranger wrote."""

from __future__ import annotations

import ipaddress
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.rules.trace import Hop, Origin, Untold, read_received, true_client, was_written_there

DATE = "; Tue, 24 Nov 2026 01:00:00 +0000"
HERE = Hop("", local=True)
RELAYS = frozenset({"10.0.0.5", "10.0.0.6", "2001:db8::5"})


@pytest.mark.parametrize(
    ("line", "hop"),
    [
        # Postfix
        (
            "from pc.x.com (pc.x.com [192.0.2.7]) by mx.x.com (Postfix) with ESMTP id 4XyZ for <1@fax.local>",
            Hop("192.0.2.7"),
        ),
        ("from pc (unknown [IPv6:2001:db8::7]) by mx.x.com (Postfix) with ESMTPS id 4XyZ", Hop("2001:db8::7")),
        (
            "from [10.0.0.5] (unknown [203.0.113.5]) (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 (256/256 "
            "bits) key-exchange X25519 server-signature RSA-PSS (2048 bits)) (No client certificate requested) "
            "(Authenticated sender: ann@x.com) by mx.x.com (Postfix) with ESMTPSA id 4XyZ",
            Hop("203.0.113.5", authenticated=True),
        ),
        ("by mx.x.com (Postfix, from userid 1000) id 4XyZ", HERE),
        (
            "from mx.x.com ([127.0.0.1]) by localhost (mx.x.com [127.0.0.1]) (amavis, port 10024) with LMTP id 1",
            Hop("127.0.0.1"),
        ),
        # Exim
        (
            "from pc.x.com ([192.0.2.7]:51234 helo=pc) by mx.x.com with esmtps (TLS1.3) tls TLS_AES_256_GCM_SHA384 "
            "(Exim 4.96) (envelope-from <a@x.com>) id 1r-0001 for 1@fax.local",
            Hop("192.0.2.7"),
        ),
        (
            "from [192.0.2.7] (helo=pc) by mx.x.com with esmtpsa (Exim 4.96) id 1r",
            Hop("192.0.2.7", authenticated=True),
        ),
        ("from [192.0.2.7] (port=51234 helo=[10.0.0.5]) by mx.x.com with esmtp (Exim 4.96) id 1r", Hop("192.0.2.7")),
        ("from [192.0.2.7] by mx.x.com with esmtp (Exim 4.96) id 1r", Hop("192.0.2.7")),
        ("from pc.x.com ([192.0.2.7] ident=ann) by mx.x.com with esmtp (Exim 4.96) id 1r", Hop("192.0.2.7")),
        ("from root by mx.x.com with local (Exim 4.96) (envelope-from <root@x.com>) id 1r", HERE),
        # Sendmail
        (
            "from pc (pc.x.com [192.0.2.7] (may be forged)) by mx.x.com (8.17.1/8.17.1) with ESMTP id 3A",
            Hop("192.0.2.7"),
        ),
        (
            "from pc (ann@pc.x.com [192.0.2.7]) (authenticated bits=0) by mx.x.com (8.17.1/8.17.1) with ESMTPSA",
            Hop("192.0.2.7", authenticated=True),
        ),
        ("(from root@localhost) by mx.x.com (8.17.1/8.17.1/Submit) id 3A", HERE),
        ("(from pc.x.com [203.0.113.5]) by mx.x.com (8.17.1/8.17.1) with SMTP id 3A", Hop("203.0.113.5")),
        # Exchange
        (
            "from EX2.x.com (192.0.2.7) by EX1.x.com (10.0.0.5) with Microsoft SMTP Server (version=TLS1_2, "
            "cipher=TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384) id 15.1.2507.6 via Frontend Transport",
            Hop("192.0.2.7"),
        ),
        (
            "from EX2.x.com ([fe80::1%5]) by EX2.x.com ([fe80::1%5]) with mapi id 15.01.2507.006",
            Hop("fe80::1", authenticated=True),
        ),
        # Haraka
        (
            "from pc (pc.x.com [192.0.2.7]) by mx.x.com (Haraka/3.0.3) with ESMTP id AB-1.1 envelope-from <a@x.com>",
            Hop("192.0.2.7"),
        ),
        (
            "from pc ([192.0.2.7]) by mx.x.com (Haraka/3.0.3) with ESMTPSA id AB-1.1",
            Hop("192.0.2.7", authenticated=True),
        ),
        # OpenSMTPD
        (
            "from pc (pc.x.com [192.0.2.7]) by mx.x.com (OpenSMTPD) with ESMTP id ab12 for <1@fax.local>",
            Hop("192.0.2.7"),
        ),
        (
            "from pc (pc.x.com [192.0.2.7]) by mx.x.com (OpenSMTPD) with ESMTPSA id ab12 "
            "(TLSv1.3:TLS_AES_256_GCM_SHA384:256:NO) auth=yes user=ann",
            Hop("192.0.2.7", authenticated=True),
        ),
        ("from localhost (mx.x.com [local]) by mx.x.com (OpenSMTPD) with ESMTP id ab12", HERE),
        # IIS and Domino
        ("from pc ([192.0.2.7]) by mx.x.com with Microsoft SMTPSVC(8.5.9600.16384)", Hop("192.0.2.7")),
        ("from mail pickup service by mx.x.com with Microsoft SMTPSVC", HERE),
        (
            "from pc.x.com ([192.0.2.7]) by mx.x.com (IBM Domino Release 9.0.1FP8) with ESMTP id 2026112412003000-12",
            Hop("192.0.2.7"),
        ),
        ("from pc ([192.0.2.7]) by mx.x.com (Lotus Domino Release 8.5.3) with SMTP id 20261124", Hop("192.0.2.7")),
        # what hands to a smarthost, and takes nothing from a network
        (
            "from ann (uid 1000) (envelope-from ann@pc.x.com) id 9d2b2.6925f8f0.3a1 by pc.x.com "
            "(DragonFly Mail Agent v0.13)",
            HERE,
        ),
        ("(nullmailer pid 4711 invoked by uid 1000)", HERE),
        ("(qmail 4711 invoked by uid 1000)", HERE),
        ("(qmail 4711 invoked by alias)", HERE),
        ("by pc (sSMTP sendmail emulation)", HERE),
        # one that hides its client
        ("by 2001:db8::1 with SMTP id a1", Hop("")),
        # ourselves, in front of ourselves
        ("from pc ([192.0.2.7]) by fax.x.com with UTF8SMTPSA", Hop("192.0.2.7", authenticated=True)),
    ],
)
def test_the_lines_of_known_mail_servers(line: str, hop: Hop) -> None:
    assert read_received(line + DATE) == hop
    assert read_received(line.replace(" (", "\t(").replace(" by ", "  by ") + DATE) == hop


@pytest.mark.parametrize(
    "line",
    [
        "",
        "from a by b",
        "from [10.0.0.5] by mx.x.com with SMTP",
        "from [10.0.0.5] (helo=x) by mx.x.com (Postfix) with ESMTP",
        "from x(y [10.0.0.5]) (evil.example [203.0.113.5]) by mx (Haraka/3) with ESMTP",
        "from x (y [10.0.0.5]) (evil.example [203.0.113.5]) by mx with ESMTP",
        "from evil.example (HELO [10.0.0.5]) (203.0.113.5) by mx with SMTP",
        "from evil.example (HELO [10.0.0.5]) by mx with SMTP",
        "from evil.example (10.0.0.5) by mx with SMTP",
        "from a b (c [10.0.0.5]) by mx with SMTP",
        "from a (b [10.0.0.5] by mx with SMTP",
        "from a) (b [10.0.0.5]) by mx with SMTP",
        "from a (b [999.0.0.5]) by mx with SMTP",
        "from a (b [10.0.0.5] c) by mx with SMTP",
        "from by (b [10.0.0.5]) by mx with SMTP",
        "from x (y [10.0.0.5]) by r with ESMTPA id 1 (evil.example [203.0.113.5]) by mx (Postfix) with ESMTP",
        "from x (y [10.0.0.5]) by r with ESMTPA; (evil.example [203.0.113.5]) by mx (Postfix) with ESMTP" + DATE,
        "from x; (b [10.0.0.5]) by mx with SMTP" + DATE,
        "(from a [10.0.0.5]) (b [203.0.113.5]) by mx with SMTP",
        "from a (b [local]) by mx (Postfix) with SMTP",
        "(qmail 4711 invoked from network)",
        "(qmail 4711 invoked from network)" + DATE,
        "(qmail 4711 invoked for bounce)" + DATE,
        "from ann (uid 0) (envelope-from x) id 1 by mx (Postfix)",
        "from unknown (HELO pc) (192.0.2.7) by mx with SMTP",
        "from a (b [10.0.0.5]) by mx with SMTP " + "x" * 5000,
    ],
)
def test_what_is_not_understood_is_not_believed(line: str) -> None:
    assert read_received(line) is None


def postfix(helo: str, ip: str, protocol: str = "ESMTP") -> str:
    return f"from {helo} (unknown [{ip}]) by mx.x.com (Postfix) with {protocol} id 1{DATE}"


@pytest.mark.parametrize(
    ("lines", "client"),
    [
        ([postfix("pc", "192.0.2.7")], "192.0.2.7"),
        ([postfix("pc", "203.0.113.5"), postfix("pc", "192.0.2.7")], "203.0.113.5"),
        ([postfix("[192.0.2.7]", "203.0.113.5")], "203.0.113.5"),
        ([postfix("pc", "203.0.113.5"), postfix("pc", "192.0.2.7", "ESMTPSA")], "203.0.113.5"),
        ([postfix("pc", "203.0.113.5"), "by mx.x.com (Postfix, from userid 0)"], "203.0.113.5"),
        ([postfix("pc", "203.0.113.5", "ESMTPSA"), postfix("pc", "198.51.100.1")], "10.0.0.5"),
        ([postfix("in", "10.0.0.6"), postfix("pc", "192.0.2.7")], "192.0.2.7"),
        ([postfix("in", "10.0.0.6"), postfix("pc", "203.0.113.5", "ESMTPSA")], "10.0.0.6"),
        ([postfix("in", "2001:DB8::5"), postfix("pc", "::ffff:192.0.2.7")], "192.0.2.7"),
        (["by mx.x.com (Postfix, from userid 1000) id 1"], "10.0.0.5"),
        # A content filter puts mail back on the same host, by its program or by SMTP on loopback.
        (["by mx.x.com (Postfix, from userid 99) id 1", postfix("pc", "203.0.113.5")], "203.0.113.5"),
        (
            [postfix("localhost", "127.0.0.1"), postfix("localhost", "127.0.0.1"), postfix("pc", "203.0.113.5")],
            "203.0.113.5",
        ),
        ([postfix("localhost", "127.0.0.1")], "10.0.0.5"),
    ],
)
def test_the_true_client_is_the_first_that_is_no_relay(lines: list[str], client: str) -> None:
    found = true_client(lines, "10.0.0.5", RELAYS.__contains__)
    assert isinstance(found, Origin) and found.ip == client


@pytest.mark.parametrize(
    ("below", "passed_on"),
    [
        ([], False),
        (["by app.x.com (Postfix, from userid 1000) id 1"], False),
        ([postfix("localhost", "127.0.0.1"), "by app.x.com (Postfix, from userid 1000) id 1"], False),
        ([postfix("pc", "203.0.113.5")], True),
        (["by app.x.com (Postfix, from userid 99) id 1", postfix("pc", "203.0.113.5")], True),
        (["junk"], True),
    ],
)
def test_a_client_that_had_it_from_others_is_a_relay_that_nobody_named(below: list[str], passed_on: bool) -> None:
    lines = [postfix("app", "192.0.2.7"), *below]
    assert true_client(lines, "10.0.0.5", RELAYS.__contains__) == Origin("192.0.2.7", passed_on)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([], "the relay at 10.0.0.5 wrote no Received line"),
        (["junk", postfix("pc", "192.0.2.7")], "the Received line of 10.0.0.5 can't be read"),
        ([postfix("in", "10.0.0.6")], "the relay at 10.0.0.6 wrote no Received line"),
        ([postfix("in", "10.0.0.6"), "junk"], "the Received line of 10.0.0.6 can't be read"),
    ],
)
def test_a_relay_that_hides_its_line_can_not_be_used(lines: list[str], why: str) -> None:
    assert true_client(lines, "10.0.0.5", RELAYS.__contains__) == Untold(why)


QMAIL = "(qmail 4711 invoked from network)" + DATE


@pytest.mark.parametrize(
    ("line", "client"),
    [
        ("from unknown (HELO pc) (192.0.2.7) by mx.x.com with SMTP", Origin("192.0.2.7")),
        ("from pc.x.com (HELO ?10.0.0.5?) (ann@192.0.2.7) by mx.x.com with ESMTP", Origin("192.0.2.7")),
        ("from pc.x.com (192.0.2.7) by mx.x.com with SMTP", Origin("192.0.2.7")),
        ("from pc.x.com (192.0.2.7) by mx.x.com with ESMTPSA", Origin("10.0.0.5")),
        ("from x (HELO y) (10.0.0.5) (192.0.2.7) by mx.x.com with SMTP", Untold),
        ("from x (HELO y (10.0.0.5) by z) (192.0.2.7) by mx.x.com with SMTP", Untold),
        ("from x (HELO y) (999.0.2.7) by mx.x.com with SMTP", Untold),
        ("", Untold),
    ],
)
def test_qmail_has_its_client_in_a_second_line(line: str, client: Origin | type[Untold]) -> None:
    found = true_client([QMAIL, line + DATE] if line else [QMAIL], "10.0.0.5", RELAYS.__contains__)
    assert found == client if isinstance(client, Origin) else isinstance(found, client)


NULLMAILER = "(nullmailer pid 4711 invoked by uid 1000)" + DATE


@pytest.mark.parametrize(
    ("lines", "written_there"),
    [
        ([], True),
        ([NULLMAILER], True),
        ([NULLMAILER, "by pc.x.com (Postfix, from userid 1000) id 1" + DATE], True),
        ([NULLMAILER, postfix("pc", "203.0.113.5")], False),  # passed on by a user's program
        ([QMAIL, "from pc.x.com (192.0.2.7) by mx.x.com with SMTP" + DATE], False),
        ([postfix("pc", "192.0.2.7")], False),
        ([postfix("localhost", "127.0.0.1")], False),  # behind a proxy that is everybody
        (["by 2001:db8::1 with SMTP id a1" + DATE], False),
        (["from pc ([192.0.2.7]) by fax.x.com with ESMTPSA" + DATE], False),
        (["junk"], False),
    ],
)
def test_a_client_that_nobody_named_may_hand_over_what_it_wrote_itself(lines: list[str], written_there: bool) -> None:
    assert was_written_there(lines) is written_there


LINE = st.lists(
    st.sampled_from(
        [
            "from",
            "by",
            "with",
            "ESMTPA",
            "(",
            ")",
            "[",
            "]",
            "10.0.0.5",
            "203.0.113.5",
            "helo=",
            ";",
            "\\",
            " ",
            "x",
            "(Exim 4)",
        ]
    )
    | st.text(max_size=3),
    max_size=24,
).map("".join)


@given(
    LINE | LINE.map(lambda text: f"x (y [10.0.0.5]) by r {text}"),
    st.lists(LINE | st.just(postfix("pc", "10.0.0.5", "ESMTPA")), max_size=3),
)
def test_nothing_below_the_relays_line_and_no_name_in_it_moves_the_client(helo: str, below: list[str]) -> None:
    """However a stranger calls itself, and whatever lines it brings: its own address, or not understood."""
    found = true_client(
        [f"from {helo} (evil.example [203.0.113.5]) by mx.x.com (Postfix) with ESMTP id 1{DATE}", *below],
        "10.0.0.5",
        RELAYS.__contains__,
    )
    assert isinstance(found, Untold) or found.ip == "203.0.113.5"


@given(LINE)
def test_any_line_is_a_hop_or_none(line: str) -> None:
    found = read_received(line)
    assert found is None or not found.ip or ipaddress.ip_address(found.ip)


@pytest.mark.parametrize("piece", ["(", ")", "()", ":", "a:", "[1.", "by ", "\\", "from ", "1.1.1.1 "])
def test_a_long_line_takes_no_longer_than_its_length(piece: str) -> None:
    began = time.perf_counter()
    for line in (piece * 1300, "from a (" + piece * 1300, "from a (" + piece * 1300 + ") by b"):
        read_received(line)
    assert time.perf_counter() - began < 0.5
