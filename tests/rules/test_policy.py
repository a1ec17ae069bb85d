"""Closed by default: what no rule allows is refused, and what must never be faxed is not."""

from __future__ import annotations

import ipaddress
from dataclasses import replace

import pytest

from mailfax.config import SenderRule
from mailfax.rules.envelope import Client, Destination
from mailfax.rules.policy import Permission, Policy, header_fields, may_connect
from mailfax.rules.status import Cause, Refusal

OFFICE = ipaddress.ip_network("192.0.2.0/24")
CLIENT = Client("submission", "192.0.2.7")
BASE = Policy(("fax.local",), "US", "postmaster@example.com", ())


def policy(*rules: SenderRule, **changes: object) -> Policy:
    return replace(BASE, senders=rules, **changes)


@pytest.mark.parametrize(
    ("pattern", "sender", "allowed"),
    [
        ("bob@x.com", "bob@x.com", True),
        ("bob@x.com", "BOB@X.Com", True),
        ("bob@x.com", "evilbob@x.com", False),
        ("bob@x.com", "bob@xYcom", False),
        ("bob@x.com", "bob@x.com.evil.example", False),
        ("bob@x.com", "bob+fax@x.com", False),
        ("bob@x.com", '"bob"@x.com', True),
        ("@x.com", "anybody@X.COM", True),
        ("@x.com", "anybody@sub.x.com", False),
        ("@x.com", "anybody@evilx.com", False),
        ("@x.com", "@x.com", False),
        ("@x.com", '"a@x.com"@evil.example', False),
        ("@bücher.example", "a@xn--bcher-kva.example", True),
        (".*", "bob@x.com", False),
        ("bob@x.com", "bob", False),
    ],
)
def test_from_is_an_exact_address_or_a_whole_domain(pattern: str, sender: str, allowed: bool) -> None:
    judged = policy(SenderRule(senders=(pattern,), account="main")).judge_sender(CLIENT, sender)
    assert isinstance(judged, Permission) is allowed


@pytest.mark.parametrize(
    ("client", "sender", "allowed"),
    [
        (Client("l", "192.0.2.7", login="ann"), "ann@x.com", True),
        (Client("l", "192.0.2.7", login="ANN"), "ann@x.com", True),
        (Client("l", "192.0.2.7", login=""), "ann@x.com", False),
        (Client("l", "192.0.2.7", login="bob"), "ann@x.com", False),
        (Client("l", "198.51.100.1", login="ann"), "ann@x.com", False),
        (Client("l", "192.0.2.7", login="ann"), "bob@x.com", False),
    ],
)
def test_every_key_given_must_match(client: Client, sender: str, allowed: bool) -> None:
    rule = SenderRule(senders=("ann@x.com",), network=(OFFICE,), login=("ann",), account="main")
    assert isinstance(policy(rule).judge_sender(client, sender), Permission) is allowed


def test_the_first_rule_that_matches_decides() -> None:
    rules = policy(
        SenderRule(senders=("ann@x.com",), account="first", name="Ann"),
        SenderRule(senders=("@x.com",), account="second"),
    )
    first, second = (rules.judge_sender(CLIENT, sender) for sender in ("ann@x.com", "bob@x.com"))
    assert isinstance(first, Permission) and (first.grant.account, first.grant.name) == ("first", "Ann")
    assert isinstance(second, Permission) and second.grant.account == "second"


@pytest.mark.parametrize("rules", [(), (SenderRule(account="main"),)], ids=["no rules", "a rule without keys"])
def test_no_rule_lets_nobody_in(rules: tuple[SenderRule, ...]) -> None:
    judged = policy(*rules).judge_sender(CLIENT, "ann@x.com")
    assert isinstance(judged, Refusal) and judged.cause is Cause.SENDER_UNKNOWN
    assert "192.0.2.7" in judged.reply and "postmaster@example.com" in judged.reply


@pytest.mark.parametrize(
    ("device", "notify", "allowed"), [(True, "o@x.com", True), (True, "", False), (False, "o@x.com", False)]
)
def test_the_null_sender_faxes_only_from_a_device_with_an_owner(device: bool, notify: str, allowed: bool) -> None:
    judged = policy(SenderRule(network=(OFFICE,), account="main", notify=notify)).judge_sender(
        replace(CLIENT, device=device), ""
    )
    assert isinstance(judged, Permission) is allowed
    assert allowed or (isinstance(judged, Refusal) and judged.cause is Cause.SENDER_NULL)


def test_devices_get_no_success_notices() -> None:
    rules = policy(SenderRule(network=(OFFICE,), account="main"))
    told = [rules.judge_sender(replace(CLIENT, device=device), "a@x.com") for device in (False, True)]
    assert [judged.grant.success_notice for judged in told if isinstance(judged, Permission)] == [True, False]


@pytest.mark.parametrize(
    ("networks", "ip", "allowed"),
    [
        (["192.0.2.0/24"], "192.0.2.1", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.1", True),
        (["192.0.2.0/24"], "198.51.100.1", False),
        (["fe80::/10"], "fe80::1%eth0", True),
        (["2001:db8::/32"], "192.0.2.1", False),
        ([], "127.0.0.1", False),
        (["0.0.0.0/0"], "no address", False),
        (["0.0.0.0/0"], "", False),
    ],
)
def test_who_may_connect(networks: list[str], ip: str, allowed: bool) -> None:
    assert may_connect(tuple(map(ipaddress.ip_network, networks)), ip) is allowed


def test_strangers_reach_our_postmaster_and_learn_nothing_about_numbers() -> None:
    stranger = BASE.judge_sender(CLIENT, "mallory@evil.example")
    assert BASE.judge_recipient(CLIENT, stranger, "postmaster@fax.local") == Destination()
    for address in ("15551234567@fax.local", "12@fax.local", "(5)1@fax.local"):
        assert BASE.judge_recipient(CLIENT, stranger, address) is stranger
    relayed = BASE.judge_recipient(CLIENT, stranger, "bob@elsewhere.example")
    assert isinstance(relayed, Refusal) and relayed.cause is Cause.FOREIGN_DOMAIN


def test_who_has_a_rule_gets_numbers() -> None:
    rules = policy(SenderRule(senders=("@x.com",), account="main"))
    judged = rules.judge_sender(CLIENT, "a@x.com")
    assert isinstance(rules.judge_recipient(CLIENT, judged, "15551234567@fax.local"), Destination)


ALLOWED = policy(SenderRule(senders=("@x.com",), account="main")).judge_sender(CLIENT, "a@x.com")
assert isinstance(ALLOWED, Permission)
AUTOMATIC = replace(ALLOWED, automatic=True)


@pytest.mark.parametrize(
    ("header", "cause", "with_automatic"),
    [
        (b"Subject: x\r\n", None, None),
        (b"Auto-Submitted: no\r\n", None, None),
        (b"Auto-Submitted: (a comment) No; x=y\r\n", None, None),
        (b"Auto-Submitted: auto-generated\r\n", Cause.AUTOMATIC, None),
        (b"AUTO-SUBMITTED:Auto-Generated; owner=a\r\n", Cause.AUTOMATIC, None),
        (b"Auto-Submitted: auto-replied\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Auto-Submitted:\r\n auto-replied\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Auto-Submitted: no\r\nAuto-Submitted: auto-notified\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Auto-Submitted:\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Precedence: bulk\r\n", Cause.BULK, Cause.BULK),
        (b"Precedence: JUNK\r\n", Cause.BULK, Cause.BULK),
        (b"Precedence: list\r\n", Cause.BULK, Cause.BULK),
        (b"Precedence: first-class\r\n", None, None),
        (b"List-Id: <a.b>\r\n", Cause.BULK, Cause.BULK),
        (b"List-Unsubscribe: <mailto:a@b>\r\n", Cause.BULK, Cause.BULK),
        (b"X-Fax-Outcome: failed\r\n", Cause.OWN_NOTICE, Cause.OWN_NOTICE),
        (b"X-Failed-Recipients: a@b\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Content-Type: multipart/report; boundary=x\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Content-Type: multipart/mixed; boundary=x\r\n", None, None),
        (b"Subject: List-Id: x\r\n", None, None),
        (b"Received: a\r\n" * 100, None, None),
        (b"Received: a\r\n\tb\r\n" * 101, Cause.LOOP, Cause.LOOP),
    ],
)
def test_mail_that_is_never_faxed(header: bytes, cause: Cause | None, with_automatic: Cause | None) -> None:
    for permission, expected in ((ALLOWED, cause), (AUTOMATIC, with_automatic)):
        refused = BASE.judge_header(CLIENT, "a@x.com", permission, header, None, ())
        assert (refused.cause if isinstance(refused, Refusal) else None) is expected


def test_our_postmaster_takes_bounces_but_no_loops() -> None:
    assert BASE.judge_header(CLIENT, "", None, b"Auto-Submitted: auto-replied\r\nList-Id: x\r\n", None, ()) is None
    refused = BASE.judge_header(CLIENT, "", None, b"Received: a\r\n" * 101, None, ())
    assert isinstance(refused, Refusal) and refused.cause is Cause.LOOP


def test_header_fields_are_unfolded_and_junk_is_passed_over() -> None:
    block = b"A: b\r\n\tc\r\njunk line\r\nX-\xff: \xfe\r\n"
    assert list(header_fields(block)) == [("a", "b\tc"), ("x-ÿ", "þ")]
