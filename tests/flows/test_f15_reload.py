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

from tests.support.ports import free_port
from tests.support.site import PATIENCE, SENDER, Site, letter, until

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


def reload(site: Site, bridge: subprocess.Popen[bytes], told: str) -> str:
    """What the log says of it."""
    before = len(site.log())
    bridge.send_signal(signal.SIGHUP)
    return until(lambda: told in (said := site.log()[before:]) and said, told, site.log)


def begin(site: Site, sender: str = SENDER) -> smtplib.SMTP:
    """A session up to the middle of its data."""
    client = smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=PATIENCE)
    client.ehlo()
    assert client.mail(sender)[0] == client.rcpt("15555550100@fax.local")[0] == 250
    assert client.docmd("DATA")[0] == 354
    client.send(b"Subject: half\r\n\r\nsome text\r\n")
    return client


def certificate(site: Site, name: str) -> str:
    """A new one in the place of the old; its authority."""
    authority = trustme.CA()
    authority.issue_cert(name).private_key_and_cert_chain_pem.write_to_path(str(site.folder / "gate.pem"))
    return authority.cert_pem.bytes().decode()


def greeting(port: int, authority: str, name: str) -> bytes:
    context = ssl.create_default_context(cadata=authority)
    plain = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
    with plain, context.wrap_socket(plain, server_hostname=name) as client:
        return client.recv(100)


def test_everything_goes_on_by_the_new_configuration(site: Site) -> None:
    port, other = free_port(), free_port()
    site.settings["more"] = MORE.format(name="tls", port=port)
    authority = certificate(site, "old.example.com")
    bridge = site.start()
    assert greeting(port, authority, "old.example.com").startswith(b"220 ")
    session = begin(site)

    authority = certificate(site, "new.example.com")
    site.settings["more"] += MORE.format(name="another", port=other) + BOBS_RULE
    site.configure()
    assert "listening: another on 127.0.0.1" in reload(site, bridge, "listening: another")

    session.send(b"and the rest\r\n.\r\n")
    code, text = session.getreply()
    assert code == 250 and b"queued as" in text
    assert session.mail(BOB)[0] == session.rcpt("15555550101@fax.local")[0] == 250, "by the new rule"
    assert session.data(letter().as_bytes(policy=email.policy.SMTP))[0] == 250
    session.quit()
    for place in (port, other):
        assert greeting(place, authority, "new.example.com").startswith(b"220 ")
    assert {mail["X-Fax-Outcome"] for mail in site.answers(1)} == {"delivered"}
    assert {mail["X-Fax-Outcome"] for mail in site.answers(1, BOB)} == {"failed"}
    assert len(site.faxes()) == 2
    assert site.stop(bridge) == 0
    assert "Traceback" not in site.log(), site.log()


def test_the_command_waits_for_the_outcome_and_tells_it(site: Site) -> None:
    command = ("reload", "--config", str(site.configure()))
    ran = site.run(*command)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "mailfax reload: no mailfax serve runs on this spool, so there is nothing to reload\n"
    bridge = site.start()
    site.settings["more"] = BOBS_RULE
    site.configure()
    ran = site.run(*command)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, f"process {bridge.pid}: reloaded\n", "")
    site.send("15555550101", sender=BOB)
    unreadable(site)
    ran = site.run(*command)
    assert ran.returncode == 1 and "mailfax.toml" in ran.stderr, "said before anybody is asked"
    site.configure()
    another_web(site)
    ran = site.run(*command)
    assert ran.returncode == 1
    assert ran.stdout.startswith(
        f"process {bridge.pid}: not reloaded, the old configuration stays: [web] was changed"
    )
    assert bridge.poll() is None


@pytest.mark.parametrize("moment", ["before", "after"])
def test_who_dies_while_it_notes_the_reload_starts_with_the_new_configuration(site: Site, moment: str) -> None:
    bridge = site.start(moment, "reloaded")
    site.settings["more"] = BOBS_RULE
    site.configure()
    bridge.send_signal(signal.SIGHUP)
    until(lambda: bridge.poll() is not None, "its death", site.log)
    site.start()
    site.send("15555550101", sender=BOB)
    site.answers(1, BOB)


def unreadable(site: Site) -> None:
    site.config.write_text(site.config.read_text() + "\n[limits\n")


def another_spool(site: Site) -> None:
    site.config.write_text(site.config.read_text().replace(site.settings["spool"], "sqlite:///other.db"))


def another_web(site: Site) -> None:
    site.config.write_text(site.config.read_text() + '\n[web]\naddress = "127.0.0.1:0"\n')


def a_taken_port(site: Site) -> None:
    site.config.write_text(site.config.read_text() + MORE.format(name="taken", port=site.sandbox_port))


def a_broken_certificate(site: Site) -> None:
    Path(site.folder / "gate.pem").write_text("-----BEGIN CERTIFICATE-----\n")


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
def test_what_can_not_be_reloaded_leaves_all_as_it_was(site: Site, spoil: Callable[[Site], None], why: str) -> None:
    port = free_port()
    site.settings["more"] = MORE.format(name="tls", port=port)
    authority = certificate(site, "old.example.com")
    bridge = site.start()
    session = begin(site)
    spoil(site)
    assert why in reload(site, bridge, "the configuration was not reloaded, and the old one stays in force")
    session.send(b"and the rest\r\n.\r\n")
    assert session.getreply()[0] == 250
    assert session.mail(BOB)[0] == 250 and session.rcpt("15555550101@fax.local")[0] == 550
    session.quit()
    assert greeting(port, authority, "old.example.com").startswith(b"220 ")
    assert {mail["X-Fax-Outcome"] for mail in site.answers(1)} == {"delivered"}
    assert site.stop(bridge) == 0


def test_a_fax_on_its_way_is_not_cut_off(site: Site) -> None:
    site.settings["timeout_seconds"] = 30
    site.control("quirks", {"reply_delay_seconds": 4})
    bridge = site.start()
    site.send("15555550100")
    until(lambda: site.faxes(), "the fax at FaxCore", site.log)
    for _ in range(3):
        reload(site, bridge, "the configuration was reloaded")
    assert {mail["X-Fax-Outcome"] for mail in site.answers(1)} == {"delivered"}
    assert len(site.requests("SendFax")) == 1
    assert site.stop(bridge) == 0
    assert "Traceback" not in site.log(), site.log()


def test_a_renewed_certificate_is_taken_into_use_without_being_asked(site: Site) -> None:
    port = free_port()
    site.settings["more"] = MORE.format(name="tls", port=port)
    certificate(site, "old.example.com")
    bridge = site.start()
    a_broken_certificate(site)
    until(lambda: "the old ones stay in use" in site.log(), "the broken file to be seen", site.log)
    session = begin(site)
    authority = certificate(site, "new.example.com")
    until(lambda: "the new ones are in use" in site.log(), "the renewed file to be seen", site.log)
    assert greeting(port, authority, "new.example.com").startswith(b"220 ")
    session.send(b"and the rest\r\n.\r\n")
    assert session.getreply()[0] == 250
    session.quit()
    assert site.stop(bridge) == 0
    assert "Traceback" not in site.log(), site.log()
