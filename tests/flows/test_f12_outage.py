"""FaxCore, or a balancer in front of it, closes every connection: the queue waits, and hardly any fax is in doubt."""

from __future__ import annotations

import time

from tests.support.site import Site, until

POSTMASTER = "postmaster@example.com"


def test_every_connection_closed_for_25_seconds_leaves_few_in_doubt(site: Site) -> None:
    site.start()
    site.control("faults", {"operation": "SendFax", "action": "drop_before", "count": None})
    for mail in range(5):
        site.send(*(f"1555123{mail}{number:03d}" for number in range(40)))
    until(lambda: "account-paused" in site.log(), "the account to be paused", site.log)
    time.sleep(25)
    [(doubted,)] = site.rows("SELECT count(*) FROM job WHERE state = 'in-doubt'")
    assert 3 <= doubted <= 10
    assert len(site.mails(POSTMASTER)) == 1
    site.control("faults", method="DELETE")
    until(lambda: len(site.mails(POSTMASTER)) == 2, "the all-clear", site.log)
    until(lambda: len(site.faxes()) >= 200 - doubted, "the others to be faxed", site.log)
    numbers = [fax["number"] for fax in site.faxes()]
    assert len(numbers) == len(set(numbers)), "none twice"
