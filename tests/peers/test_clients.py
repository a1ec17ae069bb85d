"""Mail programs that others wrote, at the server of a running ``mailfax demo``."""

from __future__ import annotations

import email.policy
import re
import smtplib
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import documents
from tests.support.site import SENDER, Site, letter, until

INVITATION = re.compile(r"\(server 127\.0\.0\.1, port (\d+), no login\)")
SANDBOX = re.compile(r"http://127\.0\.0\.1:(\d+)/_sandbox/")
#: Who sends to whom: each client to two numbers of its own.
NUMBERS = {
    "swaks": ("15557651001", "15557651002"),
    "curl": ("15557652001", "15557652002"),
    "smtplib": ("15557653001", "15557653002"),
}
#: The cover page, a letter of two pages and a scan of one.
PAGES = 1 + 2 + 1


@contextmanager
def demo(folder: Path) -> Iterator[Site]:
    """A demo that has made its round trip and stays up."""
    site = Site(folder)
    del site.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"]
    command = (
        "demo",
        "--smtp",
        "127.0.0.1:0",
        "--sandbox",
        "127.0.0.1:0",
        "--pages",
        "127.0.0.1:0",
        "--state",
        str(folder),
    )
    running = site.start_command(*command, log="demo.log")
    try:
        until(
            lambda: INVITATION.search(site.log("demo.log")) or running.poll() is not None,
            "the demo to invite",
            lambda: site.log("demo.log"),
        )
        site.smtp_port = int(INVITATION.search(site.log("demo.log"))[1])
        site.sandbox_port = int(SANDBOX.search(site.log("demo.log"))[1])
        yield site
        assert site.stop(running) == 0, site.log("demo.log")
    finally:
        site.close()


def with_swaks(site: Site, recipients: list[str], files: list[Path]) -> None:
    attached = [option for file in files for option in ("--attach", f"@{file}")]
    subprocess.run(
        [
            "swaks",
            "--server",
            f"127.0.0.1:{site.smtp_port}",
            "--from",
            SENDER,
            "--to",
            ",".join(recipients),
            *attached,
        ],
        check=True,
        capture_output=True,
    )


def with_curl(site: Site, recipients: list[str], files: list[Path]) -> None:
    told = [option for recipient in recipients for option in ("--mail-rcpt", recipient)]
    attached = [option for file in files for option in ("--form", f"file=@{file};encoder=base64")]
    server = f"smtp://127.0.0.1:{site.smtp_port}/client.example.com"
    options = ["--silent", "--show-error", "--mail-from", SENDER, *told, "--header", "Subject: From curl"]
    command = ["curl", server, *options, "--form", "=As agreed.", *attached]
    subprocess.run(command, check=True, capture_output=True)


def with_smtplib(site: Site, recipients: list[str], files: list[Path]) -> None:
    mail = letter()
    for file in files:
        documents.attach(mail, file.name, "application/octet-stream", file.read_bytes())
    with smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=30) as smtp:
        assert smtp.sendmail(SENDER, recipients, mail.as_bytes(policy=email.policy.SMTP)) == {}


@pytest.mark.needs("swaks", "curl")
def test_each_client_sends_two_documents_to_two_numbers(tmp_path: Path) -> None:
    files = [tmp_path / "offer.pdf", tmp_path / "plan.tif"]
    files[0].write_bytes(documents.pdf(2))
    files[1].write_bytes(documents.tiff(1))
    state = tmp_path / "demo"
    state.mkdir()
    with demo(state) as site:
        already = len(site.mails())
        for client, send in {"swaks": with_swaks, "curl": with_curl, "smtplib": with_smtplib}.items():
            send(site, [f"{number}@fax.local" for number in NUMBERS[client]], files)
        expected = Counter(number for numbers in NUMBERS.values() for number in numbers)
        mails = [mail for mail in site.answers(already + len(NUMBERS)) if mail["X-Fax-Number"] in expected]
        assert Counter(number for mail in mails for number in mail.get_all("X-Fax-Number")) == expected
        assert {mail["X-Fax-Outcome"] for mail in mails} == {"delivered"}
        faxes = [fax for fax in site.faxes() if fax["number"] in expected]
        assert Counter(fax["number"] for fax in faxes) == expected
        for fax in faxes:
            assert site.control(f"faxes/{fax['id']}")["pages"] == PAGES, fax
