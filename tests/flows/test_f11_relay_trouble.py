"""A relay that refuses everything for a while: nothing is lost, and nothing ends on its word."""

from __future__ import annotations

import time

import documents
from house import House, free_port, until
from smarthost import OK, REJECTED, smarthost

POSTMASTER = "postmaster@example.com"


def test_550_to_everything_for_25_seconds_loses_nothing(house: House) -> None:
    port = free_port()
    house.settings["relay"] = f'address = "127.0.0.1:{port}"'
    with smarthost(port) as sink:
        sink.reply, sink.unknown = REJECTED, {"gone@example.com"}
        house.start()
        for sender in range(5):
            house.send("15555550100", sender=f"user{sender}@example.com")
        house.send("15555550100", sender="gone@example.com")
        house.drop_in(documents.pdf(1))
        until(lambda: "relay-paused" in house.log(), "the trouble to be seen", house.log)
        time.sleep(25)
        assert "letter-undeliverable" not in house.log()
        sink.reply = OK
        people = {f"user{sender}@example.com" for sender in range(5)} | {"office@example.com", POSTMASTER}
        until(lambda: {to for mail in sink.taken for to in mail.rcpt_tos} == people, "all to be told", house.log)
    [told] = [mail.content for mail in sink.taken if mail.rcpt_tos == [POSTMASTER]]
    assert b"is accepting messages again" in told
    assert house.rows("SELECT state FROM letter WHERE recipients LIKE '%gone%'") == [("waiting",)]
