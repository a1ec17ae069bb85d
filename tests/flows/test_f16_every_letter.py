"""Killed at every commit of a letter's way to the relay: the same one comes, and a lost one is kept for a person."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest
from aiosmtpd.smtp import Envelope
from deaths import MOMENTS, command, dies
from smarthost import CUT, OK, REJECTED, Smarthost, smarthost

from tests.support.ports import free_port
from tests.support.site import Site, until

POSTMASTER = "postmaster@example.com"


@pytest.fixture
def relay(site: Site) -> Iterator[Smarthost]:
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    with smarthost(port) as sink:
        yield sink


@pytest.mark.parametrize(
    ("commit", "reply"),
    [
        ("letter-not-taken", "451 4.3.0 later"),
        ("letter-maybe-taken", CUT),
    ],
)
def test_one_answer_through_a_moody_relay(site: Site, relay: Smarthost, commit: str, reply: str) -> None:
    relay.reply, sent = reply, False
    for moment in MOMENTS:
        bridge = site.start(moment, commit)
        if not sent:
            site.send("15555550100")
            sent = True
        dies(site, bridge, f"{moment} {commit}")
    relay.reply = OK
    site.start()
    until(lambda: handed_over(site), "mails", site.log)
    mine = {bytes(mail.content) for mail in relay.taken if mail.rcpt_tos == ["alice@example.com"]}
    assert len(mine) == 1 and len(site.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", ["letters-due", "owed"])
def test_dead_when_the_relay_takes_mail_again(site: Site, relay: Smarthost, commit: str, moment: str) -> None:
    relay.reply = REJECTED
    bridge = site.start(moment, commit)
    for sender in range(3):
        site.send("15555550100", sender=f"user{sender}@example.com")
    until(lambda: "relay-paused" in site.log(), "the relay to refuse", site.log)
    relay.reply = OK
    dies(site, bridge, f"{moment} {commit}")
    site.start()
    until(lambda: handed_over(site), "mails", site.log)
    mine = {(mail.rcpt_tos[0], bytes(mail.content)) for mail in relay.taken if POSTMASTER not in mail.rcpt_tos}
    assert len(mine) == 3 and len(site.faxes()) == 3


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_the_relay_is_slow(site: Site, relay: Smarthost, moment: str) -> None:
    """The lease of a letter is renewed while the relay reads."""
    relay.seconds = 4.0
    bridge = site.start(moment, "letter-lease")
    site.send("15555550100")
    dies(site, bridge, f"{moment} letter-lease")
    relay.seconds = 0.0
    site.start()
    until(lambda: handed_over(site), "mails", site.log)
    assert len({bytes(mail.content) for mail in relay.taken}) == 1 and len(site.faxes()) == 1


@pytest.mark.parametrize("commit", ["letter-refused", "letter-too-old", "letter-resend", "letter-cancel"])
def test_an_answer_that_nobody_takes(site: Site, relay: Smarthost, commit: str) -> None:
    """It is kept for a person, the postmaster hears, and it comes once where it is sent again."""
    old = commit == "letter-too-old"
    relay.unknown = {"alice@example.com"}
    site.settings["more"] = "letter_seconds = 3" if old else ""
    bridge = site.start()
    site.send("15555550100")
    until(lambda: site.rows("SELECT 1 FROM letter WHERE attempts > 0"), "a refusal", site.log)
    site.stop(bridge)
    ending = "letter-too-old" if old else "letter-refused"
    if old:
        time.sleep(3)
    else:  # others are taken, and it was refused for long
        site.change("UPDATE letter SET refusals = 9, refused_at = 1")
    for moment in MOMENTS if commit == ending else ():
        dies(site, site.start(moment, ending), f"{moment} {ending}")
    bridge = site.start()
    until(lambda: postmasters(relay), "the postmaster's mail", site.log)
    site.stop(bridge)
    assert site.rows("SELECT state FROM letter WHERE recipients LIKE '%alice%'") == [("undeliverable",)]
    [(name,)] = site.rows("SELECT letter_id FROM letter WHERE recipients LIKE '%alice%'")
    relay.unknown = set()
    if commit == "letter-cancel":
        for moment in MOMENTS:
            command(site, moment, commit, "cancel", name)
    elif commit == "letter-resend":
        for moment in MOMENTS:
            command(site, moment, commit, "resend", name)
        site.start()
    until(lambda: handed_over(site, "cancelled" if commit == "letter-cancel" else "undeliverable"), "mails", site.log)
    assert len([mail for mail in relay.taken if mail not in postmasters(relay)]) == (commit == "letter-resend")


def postmasters(relay: Smarthost) -> list[Envelope]:
    return [mail for mail in relay.taken if mail.rcpt_tos == [POSTMASTER]]


def handed_over(site: Site, *others: str) -> bool:
    states = {state for (state,) in site.rows("SELECT state FROM letter")}
    return bool(states) and states <= {"handed-over", *others}
