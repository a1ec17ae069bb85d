"""Closed by default: what no rule allows is refused, and what must never be faxed is not."""

from __future__ import annotations

import ipaddress
from dataclasses import replace
from typing import Any

import pytest

from mailfax.config import ConfigError, Listener, SenderRule
from mailfax.config.values import Destinations
from mailfax.rules.envelope import Client, Destination, FaxNumber, Proven
from mailfax.rules.policy import Permission, Policy, may_connect
from mailfax.rules.status import Cause, Refusal

OFFICE = ipaddress.ip_network("192.0.2.0/24")
CLIENT = Client("submission", "192.0.2.7")
BASE = Policy(("fax.local",), "US", "postmaster@example.com", ())


def policy(*rules: SenderRule, **changes: Any) -> Policy:
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


@pytest.mark.parametrize(
    ("device", "notify", "rule", "told"),
    [
        (True, "o@x.com", True, True),
        (True, "o@x.com", False, False),
        (True, "", True, False),
        (False, "", True, True),
        (False, "", False, False),
    ],
)
def test_a_rule_says_whether_success_is_told_and_a_device_has_its_owner_told(
    device: bool, notify: str, rule: bool, told: bool
) -> None:
    written = SenderRule(network=(OFFICE,), account="main", notify=notify, success_notice=rule)
    judged = policy(written).judge_sender(replace(CLIENT, device=device), "a@x.com")
    assert isinstance(judged, Permission) and judged.grant.success_notice is told


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


AUTH = replace(CLIENT, proof="auth")


def permission(*, automatic: bool) -> Permission:
    rule = SenderRule(senders=("@x.com",), account="main", automatic=automatic)
    judged = policy(rule).judge_sender(CLIENT, "a@x.com")
    assert isinstance(judged, Permission)
    return judged


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
        (b"Subject: a\r\n\tPrecedence: bulk\r\n", None, None),
        (b"X-Auto-Response-Suppress: All\r\n", None, None),
        (b"Precedence: auto_reply\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Content-Type: message/partial; number=1; total=3; id=x\r\n", Cause.PARTIAL, Cause.PARTIAL),
        (b"List-Unsubscribe : <mailto:a@b.example>\r\n", Cause.BULK, Cause.BULK),
        (b"Precedence: (a comment) bulk\r\n", Cause.BULK, Cause.BULK),
        (b"Content-Type: (a comment) multipart/report\r\n", Cause.AUTOMATIC, Cause.AUTOMATIC),
        (b"Received: a\r\n\tb\r\n" * 101, Cause.LOOP, Cause.LOOP),
    ],
)
def test_mail_that_is_never_faxed(header: bytes, cause: Cause | None, with_automatic: Cause | None) -> None:
    for automatic, expected in ((False, cause), (True, with_automatic)):
        refused = BASE.judge_header(AUTH, "a@x.com", permission(automatic=automatic), header, None, ())
        assert (refused.cause if isinstance(refused, Refusal) else None) is expected


def test_our_postmaster_takes_bounces_but_no_loops() -> None:
    assert BASE.judge_header(CLIENT, "", None, b"Auto-Submitted: auto-replied\r\nList-Id: x\r\n", None, ()) is None
    refused = BASE.judge_header(CLIENT, "", None, b"Received: a\r\n" * 101, None, ())
    assert isinstance(refused, Refusal) and refused.cause is Cause.LOOP


@pytest.mark.parametrize(
    ("login", "sender", "answer"),
    [
        ("ann", "ann@x.com", "main"),
        ("ANN", "Ann@X.com", "main"),
        ("ann", "bob@x.com", Cause.SENDER_NOT_YOURS),
        ("bob", "anybody@y.com", "bobs"),
        ("eve", "ann@x.com", Cause.SENDER_UNKNOWN),
        ("", "office@x.com", Cause.SENDER_UNKNOWN),
        ("eve", "office@x.com", Cause.SENDER_UNKNOWN),
    ],
)
def test_where_a_login_is_asked_for_only_rules_with_one_count(login: str, sender: str, answer: object) -> None:
    rules = policy(
        SenderRule(senders=("office@x.com",), account="open"),
        SenderRule(senders=("ann@x.com",), login=("ann",), account="main"),
        SenderRule(login=("bob",), account="bobs"),
    )
    judged = rules.judge_sender(replace(AUTH, login=login), sender)
    assert (judged.cause if isinstance(judged, Refusal) else judged.grant.account) == answer


@pytest.mark.parametrize(
    ("login", "notify", "payer"), [("Ann", "o@x.com", "ann"), ("", "O@x.com", "o@x.com"), ("", "", "a@x.com")]
)
def test_quotas_are_used_up_by_login_else_owner_else_sender(login: str, notify: str, payer: str) -> None:
    rules = policy(SenderRule(network=(OFFICE,), notify=notify, faxes_per_day=3, pages_per_day=9))
    judged = rules.judge_sender(replace(CLIENT, login=login), "A@x.com")
    assert isinstance(judged, Permission)
    assert (judged.grant.payer, judged.grant.faxes_per_day, judged.grant.pages_per_day) == (payer, 3, 9)


@pytest.mark.parametrize(
    ("address", "says"),
    [
        ("15551234567@fax.local", ""),
        ("+18765551234@fax.local", 'Faxes to +18765551234 are not allowed: the site denies "international"'),
        ("+14165551234@fax.local", 'the site denies "international"'),
        ("+19005551234@fax.local", 'the sender\'s rule denies "premium"'),
        ("+13125551234@fax.local", 'the sender\'s rule allows only "+1555", "+1212"'),
        ("some@fax.local", 'Faxes to +442079460958 are not allowed: the site denies "international"'),
    ],
)
def test_deny_wins_and_joins_and_the_senders_allow_replaces(address: str, says: str) -> None:
    rules = policy(
        SenderRule(senders=("@x.com",), allow=("+1555", "+1212"), deny=("premium",)),
        destinations=Destinations(allow=("*",), deny=("international",)),
        aliases=(("some", ("+15551110001", "+442079460958")),),
    )
    judged = rules.judge_sender(CLIENT, "a@x.com")
    found = rules.judge_recipient(CLIENT, judged, address)
    if says:
        assert isinstance(found, Refusal) and found.cause is Cause.DESTINATION_DENIED and says in found.reply
    else:
        assert isinstance(found, Destination)


BEHIND = Listener(
    "behind",
    "127.0.0.1",
    25,
    networks=(OFFICE,),
    relays=(ipaddress.ip_network("10.0.0.5"), ipaddress.ip_network("10.0.0.6")),
)
RELAYED = Client("behind", "10.0.0.5", relayed=True)
FROM_OFFICE = (
    b"Received: from pc (pc.x.com [192.0.2.7])\r\n\tby relay.x.com (Postfix) with ESMTP id 1\r\n\tfor <1>; x\r\n"
)
FROM_OUTSIDE = b"Received: from pc.x.com (evil.example [203.0.113.5]) by relay.x.com (Postfix) with ESMTP id 1; x\r\n"
LOGGED_IN = b"Received: from pc (evil.example [203.0.113.5]) by relay.x.com (Postfix) with ESMTPSA id 1; x\r\n"
NUMBER = FaxNumber("15551234567", "15551234567", "US")


@pytest.mark.parametrize(
    ("client", "header", "ip"),
    [
        (RELAYED, FROM_OFFICE, "192.0.2.7"),
        (RELAYED, b"Received: from a (b [10.0.0.6]) by c with ESMTP; x\r\n" + FROM_OUTSIDE, "203.0.113.5"),
        (RELAYED, b"Subject: x\r\n", "10.0.0.5"),
        (CLIENT, FROM_OUTSIDE, CLIENT.ip),
    ],
)
def test_where_a_mail_began_is_told_by_the_relays_in_front_alone(client: Client, header: bytes, ip: str) -> None:
    rules = policy(SenderRule(senders=("@x.com",), account="main"), listeners=(BEHIND,))
    assert rules.origin(client, header) == replace(client, ip=ip)


@pytest.mark.parametrize(
    ("client", "header", "answer"),
    [
        (CLIENT, b"Subject: x\r\n", "main"),
        (CLIENT, FROM_OFFICE, Cause.RELAYED),
        # Written on the client itself, and handed to us by what has no mail server: dma, nullmailer, qmail.
        (CLIENT, b"Received: (nullmailer pid 4711 invoked by uid 1000);\r\n\tx\r\n", "main"),
        (CLIENT, b"Received: (nullmailer pid 4711 invoked by uid 1000); x\r\n" + FROM_OUTSIDE, Cause.RELAYED),
        (RELAYED, FROM_OFFICE, "main"),
        # A server of the office that nobody named took it from the Internet.
        (RELAYED, FROM_OFFICE + FROM_OUTSIDE, Cause.RELAYED),
        (RELAYED, FROM_OFFICE + b"Received: by pc.x.com (Postfix, from userid 1) id 1; x\r\n", "main"),
        (RELAYED, FROM_OUTSIDE, Cause.SENDER_UNPROVEN),
        (RELAYED, FROM_OUTSIDE + FROM_OFFICE, Cause.SENDER_UNPROVEN),
        (RELAYED, FROM_OUTSIDE + LOGGED_IN, Cause.SENDER_UNPROVEN),
        (RELAYED, b"Subject: x\r\n", Cause.RELAYED),
        (RELAYED, b"Received: junk\r\n" + FROM_OFFICE, Cause.RELAYED),
        (RELAYED, b"Received: from a (b [10.0.0.6]) by c with ESMTP; x\r\n" + FROM_OFFICE, "main"),
        (RELAYED, b"Received: from a (b [10.0.0.6]) by c with ESMTP; x\r\n" + FROM_OUTSIDE, Cause.SENDER_UNPROVEN),
        (RELAYED, b"Received: from a (b [10.0.0.6]) by c with ESMTP; x\r\n", Cause.RELAYED),
        # 10.0.0.5 vouches for who logged in there, but is itself in no network of this listener.
        (RELAYED, LOGGED_IN, Cause.SENDER_UNPROVEN),
        (replace(RELAYED, listener="another"), FROM_OFFICE, Cause.SENDER_UNPROVEN),
    ],
)
def test_forged_mail_through_a_relay_is_never_faxed(client: Client, header: bytes, answer: object) -> None:
    rules = policy(SenderRule(senders=("@x.com",), account="main"), listeners=(BEHIND,))
    judged = rules.judge_sender(client, "a@x.com")
    assert isinstance(judged, Permission)
    final = rules.judge_header(client, "a@x.com", judged, header, None, (NUMBER,))
    assert (final.cause if isinstance(final, Refusal) else final and final.grant.account) == answer


def test_a_relay_in_networks_vouches_for_who_logged_in_there() -> None:
    own = replace(BEHIND, networks=(OFFICE, ipaddress.ip_network("10.0.0.5")))
    rules = policy(SenderRule(senders=("@x.com",), account="main"), listeners=(own,))
    judged = rules.judge_sender(RELAYED, "a@x.com")
    assert isinstance(judged, Permission)
    assert rules.judge_header(RELAYED, "a@x.com", judged, LOGGED_IN + FROM_OUTSIDE, None, ()) == judged


def test_behind_a_relay_the_true_client_decides_between_rules_and_destinations() -> None:
    rules = policy(
        SenderRule(network=(ipaddress.ip_network("192.0.2.99"),), account="boss"),
        SenderRule(network=(OFFICE,), account="office", deny=("international",)),
        listeners=(BEHIND,),
    )
    judged = rules.judge_sender(RELAYED, "a@x.com")
    assert isinstance(judged, Permission) and judged.grant.account == "boss"
    abroad = rules.judge_recipient(RELAYED, judged, "+442079460958@fax.local")
    assert isinstance(abroad, Destination)
    final = rules.judge_header(RELAYED, "a@x.com", judged, FROM_OFFICE, None, (NUMBER,))
    assert isinstance(final, Permission) and final.grant.account == "office"
    refused = rules.judge_header(RELAYED, "a@x.com", judged, FROM_OFFICE, None, abroad.numbers)
    assert isinstance(refused, Refusal) and refused.cause is Cause.DESTINATION_DENIED


def test_behind_a_relay_a_number_is_denied_at_once_only_where_every_rule_that_may_decide_denies_it() -> None:
    rules = policy(
        SenderRule(network=(OFFICE,), account="office", deny=("international",)),
        SenderRule(senders=("@x.com",), account="boss", deny=("JM",)),
        listeners=(replace(BEHIND, networks=(OFFICE, ipaddress.ip_network("198.51.100.7"))),),
    )
    judged = rules.judge_sender(RELAYED, "a@x.com")
    assert isinstance(judged, Permission)
    abroad = rules.judge_recipient(RELAYED, judged, "+442079460958@fax.local")
    assert isinstance(abroad, Destination)
    denied = rules.judge_recipient(RELAYED, judged, "+18765551234@fax.local")
    assert isinstance(denied, Refusal) and denied.cause is Cause.DESTINATION_DENIED
    from_boss = FROM_OFFICE.replace(b"192.0.2.7", b"198.51.100.7")
    final = rules.judge_header(RELAYED, "a@x.com", judged, from_boss, None, abroad.numbers)
    assert isinstance(final, Permission) and final.grant.account == "boss" and not final.perhaps
    refused = rules.judge_header(RELAYED, "a@x.com", judged, FROM_OFFICE, None, abroad.numbers)
    assert isinstance(refused, Refusal) and refused.cause is Cause.DESTINATION_DENIED


DMARC = replace(CLIENT, proof="dmarc", ip="203.0.113.5")


@pytest.mark.parametrize(
    ("proven", "answer"),
    [
        (Proven("ann@x.com", ""), "ann"),
        (Proven("bob@x.com", ""), "x"),
        (Proven("mallory@evil.example", ""), Cause.SENDER_UNPROVEN),
        (Proven("", "no DKIM signature"), Cause.SENDER_UNPROVEN),
        (Proven("", "the DNS is silent", temporary=True), Cause.SENDER_UNPROVEN_NOW),
        (None, Cause.SENDER_UNPROVEN),
    ],
)
def test_a_proven_author_must_match_as_the_sender_does(proven: Proven | None, answer: object) -> None:
    rules = policy(
        SenderRule(network=(ipaddress.ip_network("203.0.113.0/24"),), account="no from"),
        SenderRule(senders=("ann@x.com",), account="ann"),
        SenderRule(senders=("@x.com",), account="x"),
    )
    judged = rules.judge_sender(DMARC, "ann@x.com")
    assert rules.needs_proof(DMARC) and isinstance(judged, Permission) and judged.grant.account == "ann"
    final = rules.judge_header(DMARC, "ann@x.com", judged, FROM_OUTSIDE, proven, ())
    assert (final.cause if isinstance(final, Refusal) else final and final.grant.account) == answer
    stranger = rules.judge_sender(DMARC, "mallory@evil.example")
    assert isinstance(stranger, Refusal) and stranger.cause is Cause.SENDER_UNKNOWN


def test_a_subject_is_judged_as_a_recipient_is() -> None:
    rules = policy(SenderRule(senders=("@x.com",)), subject_mailbox="scan", subject_numbers=2)
    judged = rules.judge_sender(CLIENT, "a@x.com")
    assert isinstance(judged, Permission)
    assert rules.judge_recipient(CLIENT, judged, "scan@fax.local") == Destination(in_subject=True)
    found = rules.judge_subject(CLIENT, judged, "[15551234567] Invoice 12")
    assert isinstance(found, Destination) and found.cover == (("subject", "Invoice 12"),)
    for subject, cause in (
        ("Scanned image", Cause.SUBJECT_NUMBER),
        ("[1555111000,15551110001,15551110002] x", Cause.SUBJECT_NUMBER),
        ("911", Cause.NUMBER_NOT_DIALLED),
        ("19005551234", Cause.DESTINATION_DENIED),
    ):
        refused = rules.judge_subject(CLIENT, judged, subject)
        assert isinstance(refused, Refusal) and refused.cause is cause, subject


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"destinations": Destinations(deny=("Premium",))}, '[destinations]: "Premium" is no destination'),
        ({"senders": (SenderRule(allow=("1876",)),)}, '[sender 1]: "1876" is no destination'),
        ({"aliases": (("a", ("b",)),)}, "[aliases] a:"),
        ({"aliases": (("Scan", ("+15551234567",)),), "subject_mailbox": "scan"}, "[aliases] Scan: this name"),
    ],
)
def test_rules_that_mean_nothing_do_not_start(changes: dict[str, Any], says: str) -> None:
    with pytest.raises(ConfigError) as wrong:
        replace(BASE, **changes)
    assert says in str(wrong.value)


def test_nobody_may_fax_to_a_number_that_is_blocked_whatever_else_is_allowed() -> None:
    rules = policy(
        SenderRule(senders=("@x.com",), account="main", allow=("*",)), blocked=(("15559876543", "by wish."),)
    )
    judged = rules.judge_sender(CLIENT, "ann@x.com")
    for address in ("15559876543@fax.local", "+1-555-987-6543@fax.local", "Jane=15559876543/at=18:00@fax.local"):
        found = rules.judge_recipient(CLIENT, judged, address)
        assert isinstance(found, Refusal) and found.cause is Cause.NUMBER_BLOCKED
        assert (
            found.reply == "550 5.7.1 Nobody may fax to +15559876543 from here: by wish. Ask postmaster@example.com"
        )
    assert isinstance(rules.judge_recipient(CLIENT, judged, "15559876544@fax.local"), Destination)
    assert isinstance(judged, Permission)
    found = rules.judge_subject(CLIENT, judged, "[15551234567, 15559876543] Offer")
    assert isinstance(found, Refusal) and found.cause is Cause.NUMBER_BLOCKED
