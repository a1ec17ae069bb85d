"""A received fax becomes one mail, whatever dies, restarts or can't be read meanwhile."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import documents
import pikepdf
import pytest

from tests.support.site import OTHER_NUMBER, PASSWORD, Site, until

OFFICE = "office@example.com"
POSTMASTER = "postmaster@example.com"


def pages_of(mail: EmailMessage) -> int:
    """The pages of the PDF that a mail brings."""
    [attachment] = mail.iter_attachments()
    assert attachment.get_content_type() == "application/pdf"
    with pikepdf.open(io.BytesIO(attachment.get_content())) as pdf:
        return len(pdf.pages)


def meet(site: Site) -> None:
    """Wait until the account was met: only what comes later is news."""
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)


def test_one_mail_with_pages_caller_and_time_however_often_it_is_polled_or_restarted(site: Site) -> None:
    bridge = site.start()
    meet(site)
    site.drop_in(documents.tiff(3), caller="15552010009")
    [mail] = site.answers(1, OFFICE)
    assert pages_of(mail) == 3
    assert mail["X-Fax-Outcome"] == "received" and mail["X-Fax-Number"] == "15552010009"
    assert "3 pages" in mail["Subject"] and "[TEST]" in mail["Subject"]
    text = mail.get_body(("plain",)).get_content()
    received = next(line for line in text.splitlines() if line.strip().startswith("Received:"))
    today = datetime.now(UTC)
    assert any((today + timedelta(hours=hours)).strftime("%Y") in received for hours in (-1, 0)), received
    assert "201" in mail["Subject"] and "0009" in mail["Subject"], "the caller as people write numbers"
    assert "main" in text and "5557152222" in text, "which of our numbers it came to"

    polls = len(site.requests("GetFaxList"))
    until(lambda: len(site.requests("GetFaxList")) >= polls + 3, "three more polls")
    assert site.stop(bridge) == 0
    site.start()
    polls = len(site.requests("GetFaxList"))
    until(lambda: len(site.requests("GetFaxList")) >= polls + 2, "two polls after the restart")
    site.answers(1, OFFICE)
    assert len(site.requests("DownloadFax")) == 1


@pytest.mark.parametrize("commit", ["inbound-listed", "inbound-fetched"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_collecting_one_mail(site: Site, moment: str, commit: str) -> None:
    bridge = site.start(moment, commit)
    meet(site)
    site.drop_in(documents.pdf(2))
    until(lambda: bridge.poll() is not None, f"the bridge to die {moment} {commit}", site.log)
    assert bridge.returncode == -9
    assert site.mails(OFFICE) == []
    site.start()
    [mail] = site.answers(1, OFFICE)
    assert pages_of(mail) == 2


def test_fifty_thousand_old_faxes_are_no_news(site: Site) -> None:
    site.drop_in(documents.tiff(1), count=50_000)
    site.start()
    meet(site)
    assert "baseline=50000" in site.log()
    site.drop_in(documents.tiff(2), caller="15552010010")
    [mail] = site.answers(1, OFFICE)
    assert mail["X-Fax-Number"] == "15552010010" and pages_of(mail) == 2
    assert len(site.requests("DownloadFax")) == 1
    assert site.mails(POSTMASTER) == []


def test_a_fax_that_cant_be_read_stops_no_other_and_the_postmaster_hears_once(site: Site) -> None:
    bridge = site.start()
    meet(site)
    site.stop(bridge)
    [broken] = site.drop_in(documents.tiff(1), caller="15552010011")
    site.drop_in(documents.tiff(2), caller="15552010012")
    seq = next(fax["seq"] for fax in site.faxes("Inbound") if fax["id"] == broken)
    (site.folder / "sandbox" / "drawn" / f"{seq}.tif").write_bytes(b"no picture")
    (site.folder / "sandbox" / "drawn" / f"{seq}.pdf").write_bytes(b"no pages")
    site.start()
    [mail] = site.answers(1, OFFICE)
    assert mail["X-Fax-Number"] == "15552010012" and pages_of(mail) == 2
    [told] = site.answers(1, POSTMASTER)
    assert "can't be read" in told["Subject"] and broken in told.get_body(("plain",)).get_content()
    tries = [call for call in site.requests("DownloadFax") if call["parameters"]["faxid"] == broken]
    assert [call["parameters"]["filetype"] for call in tries] == ["PDF", "TIF"] * 3
    assert site.rows("SELECT state FROM inbound WHERE fax_id = ?", broken) == [("unreadable",)]


def test_from_one_of_our_accounts_to_another_it_is_a_fax_and_a_mail(site: Site) -> None:
    """The whole circle: mail, fax, the other account's Inbox, mail."""
    site.environment["MAILFAX_ACCOUNT_BRANCH_PASSWORD"] = PASSWORD
    site.settings["more"] = f"""
[[account]]
name = "branch"
base_url = "{site.settings["base_url"]}"
username = "{OTHER_NUMBER}"
deliver_to = ["branch@example.com"]
poll_seconds = 1
timeout_seconds = 2
"""
    site.start()
    until(lambda: site.log().count("account-met") == 2, "both accounts to be met", site.log)
    site.send(f"1{OTHER_NUMBER}")
    [answer] = site.answers(1)
    assert answer["X-Fax-Outcome"] == "delivered"
    [mail] = site.answers(1, "branch@example.com")
    [sent] = site.faxes()
    assert pages_of(mail) == sent["pages"]
    assert site.mails(OFFICE) == []
