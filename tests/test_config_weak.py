"""What a configuration allows that may be meant is told, and a careful one has nothing to tell."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from pathlib import Path

import pytest

from mailfax.config import (
    Config,
    Destinations,
    Limits,
    Listener,
    RelayConfig,
    RenderConfig,
    SenderRule,
    SpoolConfig,
    User,
)
from mailfax.config.weak import weaknesses

HASH = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$3wUzYJxCJzRXSrqeqLXSmCuVkyvRTyrn6N9RZW8cTXk"
WORLD, OFFICE, COPIER = (ip_network(net) for net in ("0.0.0.0/0", "192.168.1.0/24", "192.168.1.50"))

PEOPLE = Listener("people", "0.0.0.0", 587, tls="starttls", certificate=Path("c"), networks=(OFFICE,), proof="auth")
COPIERS = Listener("copiers", "0.0.0.0", 25, networks=(COPIER,), device=True)
RELAY = Listener("relay", "127.0.0.1", 2525, networks=(OFFICE,), relays=(ip_network("127.0.0.1"),))
PROVEN = replace(RELAY, name="proven", proof="dmarc", authserv_id="mx.example.com")
CAREFUL = Config(
    source=Path("/etc/mailfax/mailfax.toml"),
    hostname="fax.example.com",
    postmaster="postmaster@example.com",
    fax_domains=("fax.local",),
    default_country="US",
    spool=SpoolConfig("sqlite:///spool.db", "spool.db"),
    listeners=(PEOPLE, COPIERS, RELAY, PROVEN),
    accounts=(),
    senders=(SenderRule(login=("alice",)), SenderRule(senders=("@example.com",))),
    relay=RelayConfig(maildir=Path("/mail")),
    limits=Limits(),
)
USERS = (User("Alice", HASH),)


def test_a_careful_configuration_has_nothing_weak() -> None:
    assert list(weaknesses(CAREFUL, USERS)) == []


@pytest.mark.parametrize(
    ("listener", "sentence"),
    [
        (
            replace(COPIERS, proof="auth"),
            "copiers' passwords are sent in clear; a certificate and key let those speak TLS that can",
        ),
        (
            replace(COPIERS, certificate=Path("c"), tls_minimum="1.1"),
            "TLS 1.1 can be broken by whoever reads the wire",
        ),
        (
            replace(COPIERS, networks=(OFFICE,)),
            "each of 256 addresses counts as a copier; name the copiers one by one",
        ),
        (
            replace(RELAY, relays=(ip_network("10.0.0.0/16"),)),
            "each of the 65536 addresses in relays is believed about who the client is; name the servers",
        ),
        (
            replace(RELAY, proxies=(ip_network("fd00::/64"),)),
            f"each of the {2**64} addresses in proxies is believed about who the client is; name the servers",
        ),
        (
            replace(RELAY, xclient=(ip_network("10.0.0.0/23"),)),
            "each of the 512 addresses in xclient is believed about who the client is; name the servers",
        ),
        (
            replace(PROVEN, authserv_id=""),
            "behind relays SPF can't be checked, so that mail without DKIM is refused; authserv_id would help",
        ),
    ],
)
def test_a_weak_listener_is_told(listener: Listener, sentence: str) -> None:
    config = replace(CAREFUL, listeners=(PEOPLE, RELAY, replace(listener, name="weak")))
    assert list(weaknesses(config, USERS)) == [f"listener weak: {sentence}"]


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"destinations": Destinations(deny=())}, "[destinations]: premium numbers may be dialled, at your cost"),
        (
            {"destinations": Destinations(allow=("home", "premium"), deny=())},
            "[destinations]: premium numbers may be dialled, at your cost",
        ),
        (
            {"limits": Limits(faxes_per_day=0)},
            "[limits]: faxes_per_day = 0, so nothing stops a flood of faxes at your cost",
        ),
        (
            {"listeners": (replace(PEOPLE, networks=(WORLD,)), RELAY)},
            "[sender 1]: reached from the Internet without faxes_per_day or pages_per_day: "
            "one stolen password or domain may use up the site's own limit",
        ),
        (
            {"listeners": (PEOPLE, replace(PROVEN, networks=(WORLD,)))},
            "[sender 2]: reached from the Internet without faxes_per_day or pages_per_day: "
            "one stolen password or domain may use up the site's own limit",
        ),
        (
            {"render": RenderConfig(cell="low", unconfined=True)},
            "[render]: strangers' files may be opened where they can reach your own",
        ),
        (
            {"senders": (SenderRule(login=("alice",)),), "listeners": (PEOPLE, RELAY)},
            "listener relay: no [[sender]] rule can match there, so nobody may fax through it",
        ),
        (
            {"senders": (SenderRule(senders=("@example.com",)),), "listeners": (RELAY,)},
            "user Alice: no [[sender]] rule has them in login, so they may not fax",
        ),
    ],
)
def test_a_weak_rule_is_told(changes: dict[str, object], sentence: str) -> None:
    users = USERS if changes.get("senders") != () else ()
    assert list(weaknesses(replace(CAREFUL, **changes), users)) == [sentence]  # type: ignore[arg-type]


def test_quotas_are_enough_against_the_internet() -> None:
    rule = SenderRule(login=("alice",), pages_per_day=100)
    config = replace(CAREFUL, listeners=(replace(PEOPLE, networks=(WORLD,)),), senders=(rule,))
    assert list(weaknesses(config, USERS)) == []


def test_a_hash_that_is_cheap_to_guess_is_told() -> None:
    users = (User("alice", HASH.replace("m=19456,t=2", "m=8192,t=1")),)
    assert list(weaknesses(CAREFUL, users)) == [
        "user alice: their hash is cheap to guess (m=8192, t=1); set the password anew with mailfax passwd"
    ]
