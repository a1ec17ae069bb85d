"""A mail with a list of recipients, and one to so many that a person lets it go: one fax each, or none at all."""

from __future__ import annotations

import smtplib

import pytest
from deaths import MOMENTS, dies

from tests.support.site import SENDER, Site, letter, until

POSTMASTER = "postmaster@example.com"


def with_list(site: Site, content: str) -> str:
    mail = letter()
    mail.add_attachment(content.encode(), maintype="text", subtype="csv", filename="customers.csv")
    return site.send("csv", mail=mail)


def test_each_of_the_list_gets_one_fax_without_the_list(site: Site) -> None:
    site.start()
    queue_id = with_list(site, "number,name\n+1 555 555 0100,Jane Doe\n5555550103,John\n15555550100,Jane again\n")
    [mail] = site.answers(1)
    assert sorted(result.split("; ")[1] for result in mail.get_all("X-Fax-Result")) == ["15555550100", "15555550103"]
    assert mail["X-Fax-Queue-ID"] == queue_id and len(site.faxes()) == 2
    assert site.rows("SELECT recipient_name FROM job ORDER BY queue_id") == [("Jane Doe",), ("John",)]
    assert "customers.csv: it is the list of recipients" in mail.get_body(("plain",)).get_content()


def test_one_row_that_is_wrong_refuses_all(site: Site) -> None:
    site.settings["sender"] = 'deny = ["JM"]'
    site.start()
    with pytest.raises(smtplib.SMTPResponseException) as why:
        with_list(site, "number,name\n+1 555 555 0100,Jane Doe\n12,John\n")
    assert why.value.smtp_code == 550 and b"nothing is sent: Row 3: 12: it" in why.value.smtp_error
    with pytest.raises(smtplib.SMTPResponseException, match=r"Faxes to \+18765550100 are not allowed"):
        with_list(site, "5555550100\n+1 876 555 0100")
    with pytest.raises(smtplib.SMTPResponseException, match="no CSV file is attached"):
        site.send("csv", mail=letter())
    assert site.faxes() == [] and site.rows("SELECT 1 FROM message") == []


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", ["accept", "release"])
def test_many_wait_for_a_person(site: Site, commit: str, moment: str) -> None:
    site.settings["more"] = "approve_above = 2"
    bridge = site.start(moment, commit) if commit == "accept" else site.start()
    if commit == "accept":
        with pytest.raises((smtplib.SMTPException, OSError)):
            with_list(site, "5555550100\n5555550101\n5555550103")
        dies(site, bridge, f"{moment} accept")
        site.start()
        if moment == "before":
            assert site.rows("SELECT 1 FROM job") == []
            return
    else:
        with_list(site, "5555550100\n5555550101\n5555550103")
    [told], [asked] = site.answers(1), site.answers(1, POSTMASTER)
    assert "More than 2 wait here" in told.get_body(("plain",)).get_content()
    queue_id = asked["X-Fax-Queue-ID"]
    assert f"mailfax release {queue_id}" in asked.get_body(("plain",)).get_content()
    until(lambda: site.rows("SELECT state FROM document") == [("ready",)], "its pages", site.log)
    assert "waits for approval" in site.run("queue", "--config", str(site.config)).stdout
    assert site.faxes() == []
    site.send("15555550104", "15555550100")
    until(lambda: len(site.faxes()) == 2, "two, which are not too many", site.log)
    assert site.run("release", queue_id, "--config", str(site.config)).returncode == 0
    until(lambda: len(site.faxes()) == 5, "all of them", site.log)
    until(lambda: site.rows("SELECT 1 FROM job WHERE ended_at = 0") == [], "their ends", site.log)


def test_what_nobody_approves_is_cancelled_and_was_never_sent(site: Site) -> None:
    site.settings["more"] = "approve_above = 1"
    site.start()
    queue_id = site.send("15555550100", "15555550103", mail=letter())
    [_] = site.answers(1, SENDER)
    site.run("cancel", queue_id, "--config", str(site.config))
    outcomes = {mail["X-Fax-Outcome"] for mail in site.answers(2, SENDER)}  # that it waits, and how it ended
    assert outcomes == {"alarm", "cancelled"} and site.faxes() == []
