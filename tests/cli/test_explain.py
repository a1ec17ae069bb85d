"""``mailfax explain`` says what SMTP says: every rule, and the very reply."""

from __future__ import annotations

import json
import smtplib
from pathlib import Path
from typing import Any

import pytest

from mailfax.cli import main
from tests.support.site import Site

CONFIG = """\
fax_domains = ["fax.local"]
default_country = "US"
postmaster = "postmaster@example.com"
hostname = "fax.example.com"
subject_mailbox = "scan"

[spool]
url = "sqlite:///spool.db"

[[listener]]
name = "office"
address = "127.0.0.1:0"
networks = ["127.0.0.0/8", "192.168.0.0/16"]
relays = ["192.168.0.5"]
proof = "network"

[[account]]
name = "main"
base_url = "http://127.0.0.1:1/api/"
username = "5557152222"

[[sender]]
from = ["boss@example.com"]
network = ["192.168.1.0/24"]
account = "main"
deny = ["+1876"]

[[sender]]
from = ["@example.com"]
account = "main"
allow = ["home"]
faxes_per_day = 20

[aliases]
sales = ["+15551110001", "+15551110002"]

[relay]
maildir = "mail"
"""


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("MAILFAX_ACCOUNT_MAIN_PASSWORD", "x")
    file = tmp_path / "mailfax.toml"
    file.write_text(CONFIG)
    return file


def explained(config: Path, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["explain", *arguments, "--config", str(config), "--json"]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


@pytest.mark.parametrize(
    ("arguments", "rule", "dialled", "reply"),
    [
        (
            ("ann@example.com", "15551234567@fax.local"),
            2,
            ["15551234567"],
            "250 2.1.5 Ok: 15551234567 will be dialled",
        ),
        (
            ("boss@example.com", "sales@fax.local", "--from-ip", "192.168.1.9"),
            1,
            ["15551110001", "15551110002"],
            "250 ",
        ),
        (("boss@example.com", "+442079460958@fax.local", "--from-ip", "192.168.1.9"), 1, ["442079460958"], "250 "),
        (
            ("boss@example.com", "+18765551234@fax.local", "--from-ip", "192.168.1.9"),
            1,
            [],
            "550 5.7.1 Faxes to +1876",
        ),
        (("boss@example.com", "+442079460958@fax.local"), 2, [], "550 5.7.1 Faxes to +4420"),
        (("eve@evil.example", "15551234567@fax.local"), None, [], "550 5.7.1 Sender eve@evil.example may not"),
        (("eve@evil.example", "postmaster@fax.local"), None, [], "250 2.1.5 Ok"),
        (("ann@example.com", "15551234567@fax.local", "--from-ip", "203.0.113.5"), 2, [], "554 5.7.1 Clients at 203"),
        (("ann@example.com", "bob@elsewhere.example"), 2, [], "550 5.7.1 Relaying denied"),
        (("ann", "15551234567@fax.local"), None, [], "501 5.1.7 The sender address is malformed"),
        (("", "15551234567@fax.local"), None, [], "550 5.7.1 Mail with an empty sender"),
        (("ann@example.com", "scan@fax.local"), 2, [], "250 2.1.5 Ok: the number at the beginning of the subject"),
        (("ann@example.com", "15551234567/cc=x@fax.local"), 2, [], "550 5.1.3 This address is not understood: /cc="),
    ],
)
def test_the_reply_is_the_listeners(
    config: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
    rule: int | None,
    dialled: list[str],
    reply: str,
) -> None:
    told = explained(config, capsys, *arguments)
    assert (told["rule"], told["dialled"]) == (rule, dialled)
    assert told["reply"].startswith(reply)


def test_every_rule_is_told_in_order_with_each_of_its_keys(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["explain", "boss@example.com", "15551234567@fax.local", "--config", str(config)]) == 0
    assert capsys.readouterr().out == (
        'listener "office" (proof: network), client 127.0.0.1\n'
        "MAIL FROM:<boss@example.com>  RCPT TO:<15551234567@fax.local>\n"
        "no   rule 1: a key does not match\n"
        "yes    from: the sender is in boss@example.com\n"
        "no     network: the client's address is not in 192.168.1.0/24\n"
        "yes  rule 2: every key matches\n"
        "yes    from: the sender is in @example.com\n"
        "yes  15551234567@fax.local: means +15551234567\n"
        "yes  +15551234567: in US\n"
        'yes    allow: the sender\'s rule allows "home"\n'
        "yes    deny: no pattern matches\n"
        'account: "main"\n'
        "quota of boss@example.com: 20 faxes a day\n"
        "ceiling of the site: 5000 faxes a day\n"
        "when the message is here: automatic mail, list mail and notices are refused\n"
        "when the message is here: mail that this client had from elsewhere (by its Received lines) "
        "is refused: it is not named in relays\n"
        "reply: 250 2.1.5 Ok: 15551234567 will be dialled\n"
    )


def test_behind_a_relay_the_last_word_comes_with_the_mail(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = explained(config, capsys, "boss@example.com", "15551234567@fax.local", "--from-ip", "192.168.0.5")
    assert told["rule"] == 1 and any("true client" in line for line in told["later"])


@pytest.mark.parametrize(
    ("option", "says"),
    [
        (("--listener", "nope"), "write one of office"),
        (("--from-ip", "x"), "is no IP address"),
        (("--login", "ann"), 'nobody can log in on listener "office"'),
    ],
)
def test_what_does_not_exist_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], option: tuple[str, str], says: str
) -> None:
    assert main(["explain", "a@example.com", "15551234567@fax.local", *option, "--config", str(config)]) == 1
    assert says in capsys.readouterr().err


def test_a_running_listener_says_the_same(
    office: Site, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """No second truth: each reply is asked of the SMTP server itself."""
    monkeypatch.setenv("MAILFAX_ACCOUNT_MAIN_PASSWORD", office.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"])
    for sender in ("alice@example.com", "eve@evil.example"):
        for address in ("15551234567@fax.local", "911@fax.local", "19005551234@fax.local", "postmaster@fax.local"):
            with smtplib.SMTP("127.0.0.1", office.smtp_port) as handler:
                handler.ehlo("test")
                handler.mail(sender)
                code, text = handler.rcpt(address)
            told = explained(office.config, capsys, sender, address)
            assert told["reply"] == f"{code} {text.decode()}"


def test_of_a_received_fax_it_says_which_route_it_takes(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    route = '[[route]]\ncaller = ["+1555*"]\nhours = ["mon-fri 08:00-18:00"]\ndeliver_to = ["day@example.com"]\n'
    config.write_text(CONFIG + route)
    asked = ("--received", "--caller", "5559990000", "--at")
    told = explained(config, capsys, *asked, "2026-11-27T12:00+00:00")
    assert (told["to"], told["why"], told["junk"]) == (["day@example.com"], "route 1", False)
    told = explained(config, capsys, *asked, "2026-11-28T12:00+00:00")
    assert (told["to"], told["why"]) == (["postmaster@example.com"], 'account "main"')
    assert told["findings"][0] == {"about": "route 1", "answer": False, "why": "hours does not match"}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--received", "--account", "nope"), "write one of main"),
        (("--received", "ann@example.com"), "there is no sender"),
        (("ann@example.com",), "give SENDER and ADDRESS"),
    ],
)
def test_what_is_missing_is_said(
    config: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    assert main(["explain", *arguments, "--config", str(config)]) == 1
    assert says in capsys.readouterr().err
