"""SIGTERM: nothing new is begun, what is under way is finished, and nobody is kept waiting."""

from __future__ import annotations

import smtplib
import time

from tests.support.site import PATIENCE, SENDER, Site, letter, until

#: What systemd and Docker may be told to wait for; ours is shorter.
LONGEST = 10.0


def test_idle_it_stops_at_once(site: Site) -> None:
    bridge = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    began = time.monotonic()
    assert site.stop(bridge) == 0
    assert time.monotonic() - began < 2.0
    assert "Traceback" not in site.log() and "Error" not in site.log(), site.log()


def test_what_is_under_way_is_finished_and_nothing_is_begun(site: Site) -> None:
    """A POST whose answer comes late, a mail in DATA, and a client that is only connected."""
    site.settings["timeout_seconds"] = 30
    site.control("quirks", {"reply_delay_seconds": 3})
    bridge = site.start()
    idle = smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=PATIENCE)
    idle.ehlo()
    writing = smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=PATIENCE)
    writing.ehlo()
    assert writing.mail(SENDER)[0] == writing.rcpt("15557654321@fax.local")[0] == 250
    assert writing.docmd("DATA")[0] == 354
    content = letter().as_bytes().replace(b"\n", b"\r\n")
    writing.send(content[:50])
    queue_id = site.send("15555550124")
    until(lambda: site.faxes(), "the fax at FaxCore", site.log)

    began = time.monotonic()
    bridge.terminate()
    code, text = idle.getreply()
    assert (code, text[:5]) == (421, b"4.3.2")
    idle.close()
    writing.send(content[50:] + b"\r\n.\r\n")
    code, text = writing.getreply()
    assert code == 250 and b"queued as" in text
    writing.close()
    assert bridge.wait(timeout=PATIENCE) == 0
    assert time.monotonic() - began < LONGEST

    [fax] = site.faxes()
    job = site.rows("SELECT state, fax_id, attempts FROM job WHERE queue_id = ?", f"{queue_id}-1")
    assert job == [("submitted", fax["id"], 1)], "the answer was awaited and written down"
    assert site.rows("SELECT ended_at > 0 FROM process") == [(1,)], "it said that it ended"
    assert "Traceback" not in site.log() and "Error" not in site.log(), site.log()

    site.start()
    assert {mail["X-Fax-Number"] for mail in site.answers(2)} == {"15555550124", "15557654321"}
    assert len(site.requests("SendFax")) == len(site.faxes()) == 2
