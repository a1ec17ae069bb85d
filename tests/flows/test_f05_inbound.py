"""A received fax becomes one mail, whatever dies, restarts or can't be read meanwhile."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import documents
import pikepdf
import pytest
from house import OTHER_NUMBER, PASSWORD, House, until

OFFICE = "office@example.com"
POSTMASTER = "postmaster@example.com"


def pages_of(mail: EmailMessage) -> int:
    """The pages of the PDF that a mail brings."""
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_type() == "application/pdf"
    with pikepdf.open(io.BytesIO(attachment.get_content())) as pdf:
        return len(pdf.pages)


def meet(house: House) -> None:
    """Wait until the account was met: only what comes later is news."""
    until(lambda: "account-met" in house.log(), "the account to be met", house.log)


def test_one_mail_with_pages_caller_and_time_however_often_it_is_polled_or_restarted(house: House) -> None:
    bridge = house.start()
    meet(house)
    house.drop_in(documents.tiff(3), caller="15552010009")
    [mail] = house.answers(1, OFFICE)
    assert pages_of(mail) == 3
    assert mail["X-Fax-Outcome"] == "received" and mail["X-Fax-Number"] == "15552010009"
    assert "3 pages" in mail["Subject"] and "[TEST]" in mail["Subject"]
    text = mail.get_body(("plain",)).get_content()
    received = next(line for line in text.splitlines() if line.strip().startswith("Received:"))
    today = datetime.now(UTC)
    assert any((today + timedelta(hours=hours)).strftime("%Y") in received for hours in (-1, 0)), received
    assert "201" in mail["Subject"] and "0009" in mail["Subject"], "the caller as people write numbers"
    assert "main" in text and "5557152222" in text, "which of our numbers it came to"

    polls = len(house.requests("GetFaxList"))
    until(lambda: len(house.requests("GetFaxList")) >= polls + 3, "three more polls")
    assert house.stop(bridge) == 0
    house.start()
    polls = len(house.requests("GetFaxList"))
    until(lambda: len(house.requests("GetFaxList")) >= polls + 2, "two polls after the restart")
    house.answers(1, OFFICE)
    assert len(house.requests("DownloadFax")) == 1


@pytest.mark.parametrize("commit", ["inbound-listed", "inbound-fetched"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_collecting_one_mail(house: House, moment: str, commit: str) -> None:
    bridge = house.start(moment, commit)
    meet(house)
    house.drop_in(documents.pdf(2))
    until(lambda: bridge.poll() is not None, f"the bridge to die {moment} {commit}", house.log)
    assert bridge.returncode == -9
    assert house.mails(OFFICE) == []
    house.start()
    [mail] = house.answers(1, OFFICE)
    assert pages_of(mail) == 2


def test_fifty_thousand_old_faxes_are_no_news(house: House) -> None:
    house.drop_in(documents.tiff(1), count=50_000)
    house.start()
    meet(house)
    assert "baseline=50000" in house.log()
    house.drop_in(documents.tiff(2), caller="15552010010")
    [mail] = house.answers(1, OFFICE)
    assert mail["X-Fax-Number"] == "15552010010" and pages_of(mail) == 2
    assert len(house.requests("DownloadFax")) == 1
    assert house.mails(POSTMASTER) == []


def test_a_fax_that_cant_be_read_stops_no_other_and_the_postmaster_hears_once(house: House) -> None:
    bridge = house.start()
    meet(house)
    house.stop(bridge)
    [broken] = house.drop_in(documents.tiff(1), caller="15552010011")
    house.drop_in(documents.tiff(2), caller="15552010012")
    seq = next(fax["seq"] for fax in house.faxes("Inbound") if fax["id"] == broken)
    (house.folder / "sandbox" / "drawn" / f"{seq}.tif").write_bytes(b"no picture")
    (house.folder / "sandbox" / "drawn" / f"{seq}.pdf").write_bytes(b"no pages")
    house.start()
    [mail] = house.answers(1, OFFICE)
    assert mail["X-Fax-Number"] == "15552010012" and pages_of(mail) == 2
    [told] = house.answers(1, POSTMASTER)
    assert "can't be read" in told["Subject"] and broken in told.get_content()
    tries = [call for call in house.requests("DownloadFax") if call["parameters"]["faxid"] == broken]
    assert [call["parameters"]["filetype"] for call in tries] == ["PDF", "TIF"] * 3
    assert house.rows("SELECT state FROM inbound WHERE fax_id = ?", broken) == [("unreadable",)]


def test_from_one_of_our_accounts_to_another_it_is_a_fax_and_a_mail(house: House) -> None:
    """The whole circle: mail, fax, the other account's Inbox, mail."""
    house.environment["MAILFAX_ACCOUNT_BRANCH_PASSWORD"] = PASSWORD
    house.settings["more"] = f"""
[[account]]
name = "branch"
base_url = "{house.settings["base_url"]}"
username = "{OTHER_NUMBER}"
deliver_to = ["branch@example.com"]
poll_seconds = 1
timeout_seconds = 2
"""
    house.start()
    until(lambda: house.log().count("account-met") == 2, "both accounts to be met", house.log)
    house.send(f"1{OTHER_NUMBER}")
    [answer] = house.answers(1)
    assert answer["X-Fax-Outcome"] == "delivered"
    [mail] = house.answers(1, "branch@example.com")
    [sent] = house.faxes()
    assert pages_of(mail) == sent["pages"]
    assert house.mails(OFFICE) == []
