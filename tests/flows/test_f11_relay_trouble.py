"""A relay that refuses everything for a while: nothing is lost, and nothing ends on its word."""

from __future__ import annotations

import time

import documents
from smarthost import OK, REJECTED, smarthost

from tests.support.ports import free_port
from tests.support.site import Site, until

POSTMASTER = "postmaster@example.com"


def test_550_to_everything_for_25_seconds_loses_nothing(site: Site) -> None:
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    with smarthost(port) as sink:
        sink.reply, sink.unknown = REJECTED, {"gone@example.com"}
        site.start()
        for sender in range(5):
            site.send("15555550100", sender=f"user{sender}@example.com")
        site.send("15555550100", sender="gone@example.com")
        site.drop_in(documents.pdf(1))
        until(lambda: "relay-paused" in site.log(), "the trouble to be seen", site.log)
        time.sleep(25)
        assert "notification-undeliverable" not in site.log()
        sink.reply = OK
        people = {f"user{sender}@example.com" for sender in range(5)} | {"office@example.com", POSTMASTER}
        until(lambda: {to for mail in sink.taken for to in mail.rcpt_tos} == people, "all to be told", site.log)
    [told] = [mail.content for mail in sink.taken if mail.rcpt_tos == [POSTMASTER]]
    assert b"is accepting messages again" in told
    assert site.rows("SELECT state FROM letter WHERE recipients LIKE '%gone%'") == [("waiting",)]
