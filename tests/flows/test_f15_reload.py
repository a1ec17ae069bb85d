"""SIGHUP: another configuration and other certificates, and no session, mail or fax notices but by the new rules."""

from __future__ import annotations

import email.policy
import signal
import smtplib
import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme
from house import PATIENCE, SENDER, House, free_port, letter, until

BOB = "bob@example.org"
MORE = """
[[listener]]
name = "{name}"
address = "127.0.0.1:{port}"
networks = ["127.0.0.0/8"]
proof = "network"
tls = "implicit"
certificate = "gate.pem"
key = "gate.pem"
"""
BOBS_RULE = f"""
[[sender]]
from = ["{BOB}"]
account = "main"
"""


def reload(house: House, bridge: subprocess.Popen[bytes], told: str) -> str:
    """What the log says of it."""
    before = len(house.log())
    bridge.send_signal(signal.SIGHUP)
    return until(lambda: told in (said := house.log()[before:]) and said, told, house.log)


def begin(house: House, sender: str = SENDER) -> smtplib.SMTP:
    """A session up to the middle of its data."""
    client = smtplib.SMTP("127.0.0.1", house.smtp_port, timeout=PATIENCE)
    client.ehlo()
    assert client.mail(sender)[0] == client.rcpt("15555550100@fax.local")[0] == 250
    assert client.docmd("DATA")[0] == 354
    client.send(b"Subject: half\r\n\r\nsome text\r\n")
    return client


def certificate(house: House, name: str) -> str:
    """A new one in the place of the old; its authority."""
    authority = trustme.CA()
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(house.folder / "gate.pem"))
    return authority.cert_pem.bytes().decode()


def greeting(port: int, authority: str, name: str) -> bytes:
    context = ssl.create_default_context(cadata=authority)
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    with plain, context.wrap_socket(plain, server_hostname=name) as client:
        return client.recv(100)


def test_everything_goes_on_by_the_new_configuration(house: House) -> None:
    port, other = free_port(), free_port()
    house.settings["more"] = MORE.format(name="tls", port=port)
    authority = certificate(house, "old.example.com")
    bridge = house.start()
    assert greeting(port, authority, "old.example.com").startswith(b"220 ")
    session = begin(house)

    authority = certificate(house, "new.example.com")
    house.settings["more"] += MORE.format(name="another", port=other) + BOBS_RULE
    house.configure()
    assert "listening: another on 127.0.0.1" in reload(house, bridge, "listening: another")

    session.send(b"and the rest\r\n.\r\n")
    code, text = session.getreply()
    assert code == 250 and b"queued as" in text
    assert session.mail(BOB)[0] == session.rcpt("15555550101@fax.local")[0] == 250, "by the new rule"
    assert session.data(letter().as_bytes(policy=email.policy.SMTP))[0] == 250
    session.quit()
    for place in (port, other):
        assert greeting(place, authority, "new.example.com").startswith(b"220 ")
    assert {mail["X-Fax-Outcome"] for mail in house.answers(1)} == {"delivered"}
    assert {mail["X-Fax-Outcome"] for mail in house.answers(1, BOB)} == {"failed"}
    assert len(house.faxes()) == 2
    assert house.stop(bridge) == 0
    assert "Traceback" not in house.log(), house.log()


def test_the_command_waits_for_the_outcome_and_tells_it(house: House) -> None:
    command = ("reload", "--config", str(house.configure()))
    ran = house.run(*command)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "mailfax reload: no mailfax serve runs on this spool, so there is nothing to reload\n"
    bridge = house.start()
    house.settings["more"] = BOBS_RULE
    house.configure()
    ran = house.run(*command)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"process {bridge.pid}: reloaded\n", "")
    house.send("15555550101", sender=BOB)
    unreadable(house)
    ran = house.run(*command)
    assert ran.returncode == 1 and "mailfax.toml" in ran.stderr, "said before anybody is asked"
    house.configure()
    another_web(house)
    ran = house.run(*command)
    assert ran.returncode == 1
    assert ran.stdout.startswith(
        f"process {bridge.pid}: not reloaded, the old configuration stays: [web] was changed"
    )
    assert bridge.poll() is None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_dies_while_it_notes_the_reload_starts_with_the_new_configuration(house: House, moment: str) -> None:
    bridge = house.start(moment, "reloaded")
    house.settings["more"] = BOBS_RULE
    house.configure()
    bridge.send_signal(signal.SIGHUP)
    until(lambda: bridge.poll() is not None, "its death", house.log)
    house.start()
    house.send("15555550101", sender=BOB)
    house.answers(1, BOB)


def unreadable(house: House) -> None:
    house.config.write_text(house.config.read_text() + "\n[limits\n")


def another_spool(house: House) -> None:
    house.config.write_text(house.config.read_text().replace(house.settings["spool"], "sqlite:///other.db"))


def another_web(house: House) -> None:
    house.config.write_text(house.config.read_text() + '\n[web]\naddress = "127.0.0.1:0"\n')


def a_taken_port(house: House) -> None:
    house.config.write_text(house.config.read_text() + MORE.format(name="taken", port=house.sandbox_port))


def a_broken_certificate(house: House) -> None:
    Path(house.folder / "gate.pem").write_text("-----BEGIN CERTIFICATE-----\n")


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (unreadable, "mailfax.toml"),
        (another_spool, "[spool] was changed, which needs a restart"),
        (another_web, "[web] was changed, which needs a restart"),
        (a_taken_port, 'listener "taken"'),
        (a_broken_certificate, "certificate"),
    ],
)
def test_what_can_not_be_reloaded_leaves_all_as_it_was(
    house: House, spoil: Callable[[House], None], why: str
) -> None:
    port = free_port()
    house.settings["more"] = MORE.format(name="tls", port=port)
    authority = certificate(house, "old.example.com")
    bridge = house.start()
    session = begin(house)
    spoil(house)
    assert why in reload(house, bridge, "the configuration was not reloaded, and the old one stays in force")
    session.send(b"and the rest\r\n.\r\n")
    assert session.getreply()[0] == 250
    assert session.mail(BOB)[0] == 250 and session.rcpt("15555550101@fax.local")[0] == 550
    session.quit()
    assert greeting(port, authority, "old.example.com").startswith(b"220 ")
    assert {mail["X-Fax-Outcome"] for mail in house.answers(1)} == {"delivered"}
    assert house.stop(bridge) == 0


def test_a_fax_on_its_way_is_not_cut_off(house: House) -> None:
    house.settings["timeout_seconds"] = 30
    house.control("quirks", {"reply_delay_seconds": 4})
    bridge = house.start()
    house.send("15555550100")
    until(lambda: house.faxes(), "the fax at FaxCore", house.log)
    for _ in range(3):
        reload(house, bridge, "the configuration was reloaded")
    assert {mail["X-Fax-Outcome"] for mail in house.answers(1)} == {"delivered"}
    assert len(house.requests("SendFax")) == 1
    assert house.stop(bridge) == 0
    assert "Traceback" not in house.log(), house.log()


def test_a_renewed_certificate_is_taken_into_use_without_being_asked(house: House) -> None:
    port = free_port()
    house.settings["more"] = MORE.format(name="tls", port=port)
    certificate(house, "old.example.com")
    bridge = house.start()
    a_broken_certificate(house)
    until(lambda: "the old ones stay in use" in house.log(), "the broken file to be seen", house.log)
    session = begin(house)
    authority = certificate(house, "new.example.com")
    until(lambda: "the new ones are in use" in house.log(), "the renewed file to be seen", house.log)
    assert greeting(port, authority, "new.example.com").startswith(b"220 ")
    session.send(b"and the rest\r\n.\r\n")
    assert session.getreply()[0] == 250
    session.quit()
    assert house.stop(bridge) == 0
    assert "Traceback" not in house.log(), house.log()
