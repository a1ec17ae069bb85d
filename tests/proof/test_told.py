"""What a relay tells is believed in its topmost field alone, and only where it is written as RFC 8601 has it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.proof.author import Author, Field, Unproven, read_fields
from mailfax.proof.told import judge_told, read_results
from mailfax.rules.envelope import Proven

AUTHOR = Author("alice@example.com", "example.com")
MX = "mx.example.org"
PASS = "dmarc=pass header.from=example.com"


def fields(*lines: str) -> list[Field]:
    found = read_fields("".join(f"{line}\r\n" for line in lines).encode())
    assert isinstance(found, list)
    return found


def told(value: str) -> Proven | Unproven:
    return judge_told(fields(f"Authentication-Results: {value}", "From: alice@example.com"), MX, AUTHOR)


@pytest.mark.parametrize(
    "value",
    [
        f"{MX}; {PASS}",
        f"MX.Example.ORG; {PASS}",
        f"{MX} 1; {PASS}",
        f'"{MX}"; {PASS}',
        f"{MX}; {PASS};",
        f"{MX};\r\n\tdmarc=pass (p=reject dis=none)\r\n\theader.from=example.com",
        f"{MX} (a (nested) comment; dmarc=fail \\) ); dmarc=pass header.from=example.com",
        f"{MX}; dmarc (x) = (y) pass (z) header (a) . (b) from (c) = (d) example.com (e)",
        f"{MX};dmarc/1=pass header.from=Example.COM",
        f'{MX}; dmarc=pass reason="p; q=\\"r" header.from="example.com"',
        f"{MX}; dmarc=pass policy.published-domain-policy=none header.from=example.com",
        f"{MX}; spf=fail smtp.mailfrom=bounce@example.net; dkim=none; {PASS}",
        f"{MX}; dkim=pass header.d=example.com header.i=@example.com header.b=ab/cd=",
        f"{MX}; dkim=pass header.i=@example.com",
        f"{MX}; dkim=fail header.d=example.com; dkim=pass header.d=mail.example.com",
        f"{MX}; spf=pass smtp.mailfrom=alice@example.com",
        f"{MX}; spf=pass smtp.mailfrom=bounces.example.com",
        f'{MX}; spf=pass smtp.mailfrom="odd; name"@example.com',
        f"{MX}; dmarc=none header.from=example.com; spf=pass smtp.mailfrom=example.com",
        f"{MX}; iprev=pass policy.iprev=192.0.2.1; x-tls=pass smtp.version=TLSv1.3; {PASS}",
    ],
)
def test_an_aligned_pass_of_the_relay_proves(value: str) -> None:
    found = told(value)
    assert isinstance(found, Proven) and found.address == "alice@example.com"


@pytest.mark.parametrize(
    "value",
    [
        "",
        MX,
        f"{MX}; none",
        f"mx.example.net; {PASS}",
        f"{MX}.example.net; {PASS}",
        f"x{MX}; {PASS}",
        f"{PASS}",
        f"{MX} 2; {PASS}",
        f"{MX}; dmarc=pass header.from=example.net",
        f"{MX}; dmarc=pass header.from=sub.example.com",
        f"{MX}; dmarc=pass",
        f"{MX}; dmarc=pass header.from=example.com header.from=example.net",
        f"{MX}; dmarc=fail header.from=example.com; spf=pass smtp.mailfrom=example.com",
        f"{MX}; {PASS}; dmarc=fail header.from=example.com",
        f"{MX}; {PASS}; dmarc=pass header.from=example.net",
        f"{MX}; dmarc=bestguesspass header.from=example.com",
        f"{MX}; (dmarc=pass header.from=example.com) dmarc=none",
        f"{MX}; dmarc=fail (; {PASS}) header.from=example.com",
        f'{MX}; dmarc=fail reason="; {PASS}" header.from=example.com',
        f'{MX}; spf=fail smtp.mailfrom="x; {PASS}"@example.net',
        f"{MX}; spf=softfail smtp.mailfrom=example.com",
        f"{MX}; spf=pass smtp.mailfrom=example.net",
        f"{MX}; spf=pass smtp.mailfrom=example.com@example.net",
        f"{MX}; spf=pass smtp.mailfrom=notexample.com",
        f"{MX}; spf=pass smtp.mailfrom=com",
        f"{MX}; spf=pass smtp.helo=example.com",
        f"{MX}; dkim=pass header.d=example.net header.i=alice@example.com",
        f"{MX}; dkim=pass header.from=example.com",
        f"{MX}; dkim=pass header.d=example.com.example.net",
        f"{MX}; auth=pass smtp.auth=alice@example.com",
        f"{MX}; {PASS} (unclosed",
        f"{MX}; {PASS} )",
        f'{MX}; {PASS} reason="unclosed',
        f"{MX}; {PASS} action=none",
        f"{MX}; {PASS} rubbish",
        f"{MX}; dmarc=pass dmarc=pass header.from=example.com",
        f"{MX}; ; {PASS}",
        f"{MX}; dmarc\\=pass header.from=example.com",
        "spf=pass (sender IP is 192.0.2.1) smtp.mailfrom=example.com; dmarc=pass action=none header.from=example.com",
    ],
)
def test_everything_else_does_not(value: str) -> None:
    assert isinstance(told(value), Unproven)


@pytest.mark.parametrize(
    ("result", "temporary"), [("temperror", True), ("permerror", False), ("fail", False), ("quarantine", False)]
)
def test_what_the_relay_could_not_find_out_is_temporary(result: str, temporary: bool) -> None:
    found = told(f"{MX}; dmarc={result} header.from=example.com")
    assert isinstance(found, Unproven) and found.temporary is temporary


GOOD = f"Authentication-Results: {MX}; {PASS}"
FAIL = f"Authentication-Results: {MX}; dmarc=fail header.from=example.com"
RELAY = "Received: from x ([198.51.100.66]) by mx.example.org with ESMTP; date"
BELOW = "Received: from y ([203.0.113.5]) by z with ESMTP; date"


@pytest.mark.parametrize(
    ("lines", "proven"),
    [
        ((GOOD, RELAY, BELOW), True),
        ((RELAY, GOOD, BELOW), True),
        ((RELAY, "X-Spam: no", GOOD), True),
        ((RELAY, BELOW, GOOD), False),
        ((FAIL, RELAY, GOOD), False),
        ((RELAY, FAIL, GOOD), False),
        ((GOOD, RELAY, FAIL), True),
        ((f"Authentication-Results: other.example; {PASS}", GOOD), False),
        ((f"ARC-Authentication-Results: i=1; {MX}; {PASS}", RELAY), False),
        ((f"X-Authentication-Results: {MX}; {PASS}", RELAY), False),
        ((RELAY,), False),
    ],
)
def test_only_the_topmost_field_above_the_second_received_line_counts(lines: tuple[str, ...], proven: bool) -> None:
    assert isinstance(judge_told(fields(*lines, "From: alice@example.com"), MX, AUTHOR), Proven) is proven


@given(st.text(alphabet='mx.example.org;=()" \\/1dmarcpassheader.from', max_size=120))
def test_any_field_is_read_or_is_not(value: str) -> None:
    found = read_results(value)
    assert found is None or found[0]


def test_a_field_made_to_hurt_costs_little() -> None:
    for piece in ("(", '"', "\\", " ", ";", "a=", '"\\', "((\\)"):
        read_results(f"{MX}; " + piece * 60_000)
