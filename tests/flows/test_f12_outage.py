"""FaxCore, or a balancer in front of it, closes every connection: the queue waits, and hardly any fax is in doubt."""

from __future__ import annotations

import time

from house import House, until

POSTMASTER = "postmaster@example.com"


def test_every_connection_closed_for_25_seconds_leaves_few_in_doubt(house: House) -> None:
    house.start()
    house.control("faults", {"operation": "SendFax", "action": "drop_before", "count": None})
    for mail in range(5):
        house.send(*(f"1555123{mail}{number:03d}" for number in range(40)))
    until(lambda: "account-paused" in house.log(), "the account to be paused", house.log)
    time.sleep(25)
    [(doubted,)] = house.rows("SELECT count(*) FROM job WHERE state = 'in-doubt'")
    assert 3 <= doubted <= 10
    assert len(house.mails(POSTMASTER)) == 1
    house.control("faults", method="DELETE")
    until(lambda: len(house.mails(POSTMASTER)) == 2, "the all-clear", house.log)
    until(lambda: len(house.faxes()) >= 200 - doubted, "the others to be faxed", house.log)
    numbers = [fax["number"] for fax in house.faxes()]
    assert len(numbers) == len(set(numbers)), "none twice"
