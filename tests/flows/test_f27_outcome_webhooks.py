"""A program hears of each outcome of its sender's faxes, under one id, whatever dies meanwhile."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import documents
import pytest
from deaths import MOMENTS, dies

from tests.structure.packages import TOP
from tests.support.pages import PagesSite
from tests.support.programs import SECRET, program
from tests.support.site import Site, letter, until


def tells(site: Site, url: str) -> None:
    site.settings["sender"] = f'outcome_webhook = "{url}"'
    site.settings["top"] = "webhook_private = true"
    site.environment["MAILFAX_WEBHOOK_SECRET"] = SECRET


@pytest.mark.parametrize("commit", ["completed", "failed-there", "program-told", "letter-claimed", "letter-taken"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_before_its_program_has_heard(site: Site, commit: str, moment: str) -> None:
    """…0100 is delivered, …0101 fails: one outcome each, told at once and not with the mail about both."""
    with program(503) as (url, got):
        tells(site, url)
        bridge = site.start(moment, commit)
        queue_id = site.send("15555550100", "15555550101", mail=letter())
        dies(site, bridge, f"{moment} {commit}")
        site.start()
        [mail] = site.answers(1)
        until(lambda: site.rows("SELECT 1 FROM letter WHERE state <> 'handed-over'") == [], "all", site.log)
        heard = {(told["webhook-id"], told["number"], told["state"]) for told in got}
        assert heard == {
            (f"{queue_id}-1", "15555550100", "delivered"),
            (f"{queue_id}-2", "15555550101", "failed"),
        }
        assert {told["queue_id"] for told in got} == {told["webhook-id"] for told in got}
        assert mail["X-Fax-Outcome"] == "mixed" and len(site.faxes()) == 2
    assert site.rows("SELECT 1 FROM outcome_owed") == []
    assert len(site.rows("SELECT 1 FROM letter WHERE kind = 'outcome'")) == 2


def test_who_wants_no_mail_has_its_program_told(site: Site) -> None:
    """A document that can't be made, and NOTIFY=NEVER: the webhook is another wish."""
    broken = letter()
    documents.attach(broken, "offer.pdf", "application/pdf", documents.pdf(2)[:-400])
    with program() as (url, got):
        tells(site, url)
        site.start()
        site.send("15555550100", mail=broken)
        site.send("15555550100", mail=letter(), options=["NOTIFY=NEVER"])
        until(lambda: len(got) == 2, "both outcomes", site.log)
    assert sorted((told["state"], bool(told["status"]), told["event"]) for told in got) == [
        ("delivered", True, "outcome"),
        ("failed", True, "outcome"),
    ]
    assert got[0]["test"] is True and got[0]["sender"] == "alice@example.com"


def test_a_private_address_is_never_told_unless_the_site_says_so(site: Site) -> None:
    with program() as (url, got):
        tells(site, url)
        site.settings["top"] = ""
        site.start()
        site.send("15555550100")
        site.answers(1)
        problem = "SELECT problem FROM letter WHERE kind = 'outcome' AND attempts > 0"
        until(lambda: site.rows(problem) == [("x-mailfax; private address",)], "the refusal", site.log)
        assert got == []


@pytest.mark.needs("curl")
def test_a_program_sends_by_the_api_and_hears_by_webhook(tmp_path: Path) -> None:
    """With the first line of docs/reference/api.md."""
    page = (TOP / "docs/reference/api.md").read_text()
    send = re.findall(r"^curl .*$", page, re.MULTILINE)[0].replace("555 123 4567", "555 555 0100")
    (tmp_path / "invoice.pdf").write_bytes(documents.pdf(1))
    site = PagesSite(tmp_path)
    with program() as (url, got):
        tells(site, url)
        try:
            site.open()
            token = site.program("anna").headers["authorization"].split()[1]
            environment = {"PATH": os.environ["PATH"], "URL": f"{site.url}/api/v1", "TOKEN": token}
            ran = subprocess.run(
                ["sh", "-c", send],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=60,
                check=True,
            )
            [queue_id] = re.findall(r'"queue_id":"([^"]+)"', ran.stdout)
            until(lambda: got, "the outcome", site.log)
        finally:
            site.close()
    [told] = got
    assert (told["queue_id"], told["state"], told["subject"]) == (queue_id, "delivered", "Invoice 118")
    documented = set(re.findall(r"`(\w+)`", page.partition("## Hear of outcomes")[2]))
    assert set(told) - {"webhook-id"} <= documented, "every key is documented"
