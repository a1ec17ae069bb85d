"""A received fax reaches folders, programs and printers once each, whatever dies; and mail goes on beside them."""

from __future__ import annotations

import base64
import json
import shutil
import tempfile
from pathlib import Path

import documents
import pytest
from deaths import MOMENTS, dies

from tests.support.printers import cups
from tests.support.programs import SECRET, program
from tests.support.site import Site, until

OFFICE, POSTMASTER = "office@example.com", "postmaster@example.com"


def to(site: Site, *places: str) -> None:
    site.settings["more"] = f"[[route]]\ndeliver_to = {json.dumps(places)}"
    site.settings["top"] = "webhook_private = true"
    site.environment["MAILFAX_WEBHOOK_SECRET"] = SECRET


@pytest.mark.parametrize("commit", ["inbound-fetched", "letter-claimed", "letter-taken"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_it_goes_to_a_folder_and_to_a_program(site: Site, commit: str, moment: str) -> None:
    folder = site.folder / "faxes"
    folder.mkdir()
    with program() as (url, got):
        to(site, f"folder:{folder}", f"webhook:{url}")
        meeting = site.start()
        until(lambda: "account-met" in site.log(), "the account to be met", site.log)
        site.stop(meeting)
        site.drop_in(documents.pdf(2), caller="15552010010")
        dies(site, site.start(moment, commit), f"{moment} {commit}")
        site.start()
        until(lambda: {row for row in site.rows("SELECT state FROM letter")} == {("handed-over",)}, "both", site.log)
        assert len({told["queue_id"] for told in got}) == 1, "a second one is known by its id"
    [pages, facts] = sorted(folder.iterdir(), reverse=True)
    assert [pages.suffix, facts.suffix] == [".pdf", ".json"] and pages.read_bytes().startswith(b"%PDF")
    assert json.loads(facts.read_text())["caller"] == "15552010010" == got[0]["caller"]
    assert base64.b64decode(got[0]["documents"][0]["content"]) == pages.read_bytes()
    assert site.mails() == []


def test_a_folder_that_is_away_and_a_program_that_is_busy_keep_no_mail_waiting(site: Site) -> None:
    with program(503) as (url, got):
        folder = site.folder / "mounted later"
        to(site, f"folder:{folder}", f"webhook:{url}", OFFICE)
        site.start()
        until(lambda: "account-met" in site.log(), "the account to be met", site.log)
        site.drop_in(documents.tiff(1))
        site.answers(1, OFFICE)
        until(lambda: len(got) == 2, "a second attempt at the program", site.log)
        listing = site.run("queue", "--config", str(site.config), "--json").stdout
        [waiting] = [mail for mail in json.loads(listing)["mails"] if mail["recipients"] == [f"folder:{folder}"]]
        assert waiting["problem"] == "x-mailfax; no such folder"
        folder.mkdir()
        site.run("resend", waiting["letter_id"], "--config", str(site.config))  # or its own next attempt comes first
        until(lambda: list(folder.glob("*.json")), "the fax in its folder", site.log)


@pytest.mark.needs("cupsd", "lpadmin")
@pytest.mark.parametrize("commit", ["letter-claimed", "letter-taken"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_while_it_is_printed(site: Site, commit: str, moment: str) -> None:
    folder = Path(tempfile.mkdtemp(prefix="cups-"))  # CUPS prints as another user, who may not enter pytest's folder
    folder.chmod(0o755)
    try:
        with cups(folder) as office:
            to(site, f"print:{office.uri('raw')}")
            meeting = site.start()
            until(lambda: "account-met" in site.log(), "the account to be met", site.log)
            site.stop(meeting)
            site.drop_in(documents.pdf(2), caller="15552010010")
            dies(site, site.start(moment, commit), f"{moment} {commit}")
            site.start()
            until(lambda: site.rows("SELECT state FROM letter") == [("handed-over",)], "the printer", site.log)
            [page] = office.printed(office.raw, 1)
            assert page.startswith(b"%PDF") and len(office.jobs()) == 1, "one job, whatever died"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
