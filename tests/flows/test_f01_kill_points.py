"""Killed at a named commit and started again: one fax and one answer, whatever the moment.

The list of commits is the list of kill points: each is tried just before and just after it is durable.
"""

from __future__ import annotations

import smtplib

import pytest
from house import House, until

#: The commits on the way of one mail to its answer, in their order.
COMMITS = (
    "accept",
    "rendering",
    "document-ready",
    "claim",
    "id-given",
    "completed",
    "letter-claimed",
    "letter-taken",
)


@pytest.mark.parametrize("commit", COMMITS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_one_fax_and_one_answer(house: House, moment: str, commit: str) -> None:
    if commit == "claim":
        # Nothing was sent, and that must be proven: by an account that is known to give our reference back.
        first = house.start()
        house.send("15550001111")
        house.answers(1)
        house.stop(first)
    earlier = len(house.mails())
    bridge = house.start(moment, commit)
    heard = True
    try:
        house.send("15551234567")
    except (smtplib.SMTPException, OSError):
        heard = False
    until(lambda: bridge.poll() is not None, f"the bridge to die {moment} {commit}", house.log)
    assert bridge.returncode == -9
    house.start()
    assert not (heard and commit == "accept"), "this commit comes before the 250"
    if not heard:
        # Stored or not, it is the client's again, and comes back.
        house.send("15551234567")
    copies = 2 if (moment, commit) == ("before", "letter-taken") else 1
    mails = [mail for mail in house.answers(earlier + copies) if mail["X-Fax-Number"] == "15551234567"]
    # A second copy is possible only where we died between the relay's 250 and our commit: then it is the same mail.
    assert len({mail["Message-ID"] for mail in mails}) == 1
    assert mails[0]["X-Fax-Outcome"] == "delivered"
    assert len([fax for fax in house.faxes() if fax["number"] == "15551234567"]) == 1


def test_right_after_the_250_the_fax_is_not_lost(house: House) -> None:
    bridge = house.start()
    house.send("15551234567")
    bridge.kill()
    bridge.wait()
    house.start()
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(house.faxes()) == 1
