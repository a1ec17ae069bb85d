"""The sandbox's numbers with a meaning: every recipient gets exactly one truthful answer."""

from __future__ import annotations

import pytest

from tests.support.site import Site, until


def test_busy_is_a_failed_dsn(site: Site) -> None:
    site.start()
    site.send("15555550101")
    [mail] = site.answers(1)
    assert mail.get_content_type() == "multipart/report"
    assert mail.get_param("report-type") == "delivery-status"
    people, machines, original = mail.iter_parts()
    _, fields = machines.get_payload()
    assert fields["Action"] == "failed"
    assert fields["Status"] == "5.4.1"
    assert fields["Final-Recipient"] == "rfc822; 15555550101@fax.local"
    assert "not delivered" in " ".join(people.get_body(("plain",)).get_content().split())
    assert "Invoice 12" in original.as_string()
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["X-Fax-Outcome"] == "failed" and mail["X-Fax-Number"] == "15555550101"


@pytest.mark.parametrize(
    ("number", "outcome", "faxes"),
    [
        ("15555550100", "delivered", 1),
        ("15555550105", "failed", 1),  # half of the pages
        ("15555550108", "cancelled", 1),
        ("15555550110", "failed", 0),  # refused at submission
        ("15555550111", "failed", 1),  # conversion failure
        ("15555550112", "delivered", 1),  # an unknown word, then Sent
        ("15555550120", "delivered", 1),  # accepted, then the reply is lost
        ("15555550122", "delivered", 1),  # 500 after acceptance
        ("15555550124", "delivered", 1),  # the reply comes too late
        ("15555550126", "delivered", 1),  # 503 with Retry-After, once
        ("15555550127", "delivered", 1),  # 200 that can't be read
    ],
)
def test_one_answer_that_is_true(site: Site, number: str, outcome: str, faxes: int) -> None:
    site.start()
    site.send(number)
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == outcome, mail.as_string()
    assert len(site.faxes()) == faxes


def test_a_login_refused_once_pauses_the_account_and_not_the_fax(site: Site) -> None:
    """…0125: 401 at the first call. One alarm, one all-clear, and the fax goes out."""
    site.start()
    site.send("15555550125")
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(site.faxes()) == 1
    alarm, clear = sorted(site.answers(2, "postmaster@example.com"), key=lambda told: told["Date"].datetime)
    assert alarm["X-Fax-Outcome"] == clear["X-Fax-Outcome"] == "alarm"


def test_accepted_twice_is_told_once(site: Site) -> None:
    """…0128: FaxCore makes two faxes of one submission; that is its doing, and the sender hears one answer."""
    site.start()
    site.send("15555550128")
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"


def test_two_recipients_two_faxes_one_answer(site: Site) -> None:
    site.start()
    site.send("15551234567", "15555550102")
    [mail] = site.answers(1)
    outcomes = dict(result.split("; ")[1:] for result in mail.get_all("X-Fax-Result"))
    assert outcomes == {"15551234567": "delivered", "15555550102": "failed"}
    assert sorted(fax["number"] for fax in site.faxes()) == ["15551234567", "15555550102"]


@pytest.mark.parametrize("number", ["15555550121", "15555550123"])
def test_never_accepted_and_not_provable_is_unconfirmed(site: Site, number: str) -> None:
    """Dropped, or a 500, before acceptance: we can't tell it from after. An account that was never seen to give our
    reference back proves nothing, so nothing is sent again, and the sender hears that nobody knows."""
    site.settings["deadline_seconds"] = 8
    site.start()
    site.send(number)
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "unconfirmed"
    assert site.faxes() == []


def test_proven_absent_is_sent_again_and_only_then(site: Site) -> None:
    """The account is known to give references back; the settling time has passed; all folders were listed twice."""
    site.start()
    site.send("15551234567")
    site.answers(1)
    site.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    site.send("15557654321")
    assert [mail["X-Fax-Outcome"] for mail in site.answers(2)] == ["delivered", "delivered"]
    assert sorted(fax["number"] for fax in site.faxes()) == ["15551234567", "15557654321"]
    assert "proven-absent" in site.log()


def test_accepted_and_listed_only_ten_minutes_later_is_found(site: Site) -> None:
    """…0129: the reply is lost and the fax is listed only when the service's clock has moved on by ten minutes."""
    site.settings["settle_seconds"] = 30
    site.start()
    site.send("15555550129")
    until(lambda: "in-doubt" in site.log(), "the doubt", site.log)
    site.control("clock", {"advance_seconds": 660})
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(site.faxes()) == 1


def test_unconfirmed_when_nothing_can_be_learned(site: Site) -> None:
    """…0106 stays in the queue for ever: after the deadline the sender hears that nobody knows."""
    site.settings["deadline_seconds"] = 4
    site.start()
    site.send("15555550106")
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "unconfirmed"
    assert "may or may not have been sent" in mail["Subject"]
    _, machines, _ = mail.iter_parts()
    _, fields = machines.get_payload()
    assert (fields["Action"], fields["Status"]) == ("failed", "5.4.0")


def test_notify_never_is_silence(site: Site) -> None:
    site.start()
    site.send("15551234567", options=["NOTIFY=NEVER"])
    until(lambda: [fax for fax in site.faxes() if fax["folder"] == "Sent"], "the fax to be sent")
    site.send("15555550100")
    [mail] = site.answers(1)
    assert mail["X-Fax-Number"] == "15555550100"
