"""``mailfax demo --once``: exit 0 only if all of it happened, and others can read what it leaves."""

from __future__ import annotations

import email
import email.policy
import re
import subprocess
from email.message import EmailMessage
from pathlib import Path

import pytest

from mailfax.cli.paperwork import LETTER_PAGES, SCAN_PAGES
from tests.support.site import Site, until

COVER = 1


def only_mail(maildir: Path) -> EmailMessage:
    [file] = (maildir / "new").iterdir()
    mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert isinstance(mail, EmailMessage)
    return mail


def pdf_pages(file: Path) -> int:
    told = subprocess.run(["pdfinfo", file], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    return int(re.search(r"^Pages: +(\d+)$", told.stdout, re.MULTILINE)[1])


def tiff_pages(file: Path) -> int:
    told = subprocess.run(["tiffinfo", file], capture_output=True, text=True, check=True)
    assert told.stderr == ""
    return told.stdout.count("TIFF Directory at")


@pytest.mark.needs("pdfinfo", "tiffinfo")
def test_the_round_trip_leaves_mails_and_pages_that_others_can_read(tmp_path: Path) -> None:
    state = tmp_path / "demo"
    site = Site(tmp_path)
    del site.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"]
    ran = site.run(
        "demo",
        "--once",
        "--smtp",
        "127.0.0.1:0",
        "--sandbox",
        "127.0.0.1:0",
        "--pages",
        "127.0.0.1:0",
        "--state",
        str(state),
        patience=110,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stderr == ""
    assert ran.stdout.splitlines()[-1].split()[0] == "done"

    answer = only_mail(state / "mail" / "alice@example.com")
    assert answer["X-Fax-Outcome"] == "delivered" and answer["X-Fax-Number"] == "15551234567"
    received = only_mail(state / "mail" / "office@example.com")
    [attachment] = received.iter_attachments()
    file = tmp_path / "received.pdf"
    file.write_bytes(attachment.get_content())
    assert pdf_pages(file) == SCAN_PAGES

    [tiff] = (state / "pages").glob("*.tif")
    assert tiff_pages(tiff) == LETTER_PAGES + SCAN_PAGES + COVER
    assert pdf_pages(tiff.with_suffix(".pdf")) == LETTER_PAGES + SCAN_PAGES + COVER
    for told in (tiff, tiff.with_suffix(".pdf")):
        assert str(told) in ran.stdout, "it says where the pages lie"


def test_without_its_port_it_does_not_start_and_says_so(tmp_path: Path) -> None:
    ran = Site(tmp_path).run("demo", "--once", "--smtp", "127.0.0.1", "--state", str(tmp_path / "demo"))
    assert ran.returncode == 1
    assert ran.stderr == "mailfax demo: 127.0.0.1: write HOST:PORT, for example 127.0.0.1:2525\n"
    assert not (tmp_path / "demo").exists()


def test_a_password_in_the_environment_is_not_the_demos(tmp_path: Path) -> None:
    """A password that is set for a real account belongs neither to the demo nor to its sandbox."""
    site = Site(tmp_path)
    site.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"] = "a real one"
    options = (
        "--smtp",
        "127.0.0.1:0",
        "--sandbox",
        "127.0.0.1:0",
        "--pages",
        "127.0.0.1:0",
        "--state",
        str(tmp_path),
    )
    running = site.start_command("demo", *options, log="demo.log")
    try:
        until(
            lambda: "accepted" in site.log("demo.log") or running.poll() is not None,
            "the demo to send its mail",
            lambda: site.log("demo.log"),
        )
        until(
            lambda: site.rows("SELECT 1 FROM account WHERE baseline_at > 0 OR paused_at > 0"),
            "the first call to the sandbox",
        )
        assert site.rows("SELECT paused_reason FROM account WHERE paused_at > 0") == []
    finally:
        running.kill()
        site.close()
