"""Killed at a named commit and started again: one fax and one answer, whatever the moment.

The list of commits is the list of kill points: each is tried just before and just after it is durable.
"""

from __future__ import annotations

import smtplib

import pytest

from tests.support.site import Site, until

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
def test_one_fax_and_one_answer(site: Site, moment: str, commit: str) -> None:
    if commit == "claim":
        # Nothing was sent, and that must be proven: by an account that is known to give our reference back.
        first = site.start()
        site.send("15550001111")
        site.answers(1)
        site.stop(first)
    earlier = len(site.mails())
    bridge = site.start(moment, commit)
    heard = True
    try:
        site.send("15551234567")
    except (smtplib.SMTPException, OSError):
        heard = False
    until(lambda: bridge.poll() is not None, f"the bridge to die {moment} {commit}", site.log)
    assert bridge.returncode == -9
    site.start()
    assert not (heard and commit == "accept"), "this commit comes before the 250"
    if not heard:
        # Stored or not, it is the client's again, and comes back.
        site.send("15551234567")
    copies = 2 if (moment, commit) == ("before", "letter-taken") else 1
    mails = [mail for mail in site.answers(earlier + copies) if mail["X-Fax-Number"] == "15551234567"]
    # A second copy is possible only where we died between the relay's 250 and our commit: then it is the same mail.
    assert len({mail["Message-ID"] for mail in mails}) == 1
    assert mails[0]["X-Fax-Outcome"] == "delivered"
    assert len([fax for fax in site.faxes() if fax["number"] == "15551234567"]) == 1


def test_right_after_the_250_the_fax_is_not_lost(site: Site) -> None:
    bridge = site.start()
    site.send("15551234567")
    bridge.kill()
    bridge.wait()
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(site.faxes()) == 1
