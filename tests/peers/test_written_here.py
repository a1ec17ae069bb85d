"""Programs of the machine itself, for which no network brought the mail: each sends a PDF to two fax numbers.

dma, nullmailer, Exim and OpenSMTPD write a Received line that says so, which must not make them relays to a listener
that knows no relays; msmtp and PHPMailer write none. Each is Debian's package, configured as Debian's administrators
do it, and speaks to a bridge before a sandbox: the sender's rule goes by the address of the machine.
"""

from __future__ import annotations

import re
import smtplib
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.parser import BytesParser
from operator import itemgetter
from pathlib import Path
from typing import Any

import pytest

from tests.structure.packages import TOP
from tests.support import documents
from tests.support.overlay import machine_with
from tests.support.site import SENDER, Site, letter, until

SENDMAIL = f"sendmail -i -f {SENDER} %NUMBERS% </message"
PHPMAILER = f"""
require '/usr/share/php/libphp-phpmailer/autoload.php';
$mail = new PHPMailer\\PHPMailer\\PHPMailer(true);
$mail->isSMTP();
$mail->Host = '127.0.0.1';
$mail->Port = $argv[1];
$mail->setFrom('{SENDER}', 'Alice Example');
foreach (array_slice($argv, 3) as $number) $mail->addAddress($number . '@fax.local');
$mail->Subject = 'Invoice 12';
$mail->Body = 'Please find the invoice below.';
$mail->addAttachment($argv[2]);
$mail->send();
"""


@dataclass(frozen=True)
class Program:
    """Its configuration, where %PORT% is the bridge's; how it sends; what it writes above the mail ("": nothing)."""

    package: str
    files: dict[str, str]
    writes: str = ""
    script: str = SENDMAIL


def exim() -> str:
    """A whole configuration, of the parts that our own page has for it."""
    page = (TOP / "docs" / "howto" / "postfix-and-exim.md").read_text()
    [parts] = re.findall(r"## Exim\n\n```\n(.*?)```", page, re.DOTALL)
    parts = re.sub(r"^# (routers|transports).*$", r"begin \1", parts, flags=re.MULTILINE)
    return "primary_hostname = app.example.com\n" + parts.replace("2525", "%PORT%")


PROGRAMS = (
    Program(
        "dma",
        {"/etc/dma/dma.conf": "SMARTHOST 127.0.0.1\nPORT %PORT%\nMAILNAME app.example.com\n"},
        r"from root \(uid 0\).*DragonFly Mail Agent",
    ),
    Program(
        "nullmailer",
        {"/etc/nullmailer/remotes": "127.0.0.1 smtp --port=%PORT%\n", "/etc/nullmailer/me": "app.example.com\n"},
        r"\(nullmailer pid \d+ invoked by uid 0\)",
        f"setpriv --reuid=mail --regid=mail --clear-groups nullmailer-send &\n{SENDMAIL}",
    ),
    Program("exim4-daemon-light", {"/etc/exim4/exim4.conf": exim()}, r"from root by .* with local \(Exim"),
    Program(
        "opensmtpd",
        {
            "/etc/smtpd.conf": 'listen on socket\naction "fax" relay host smtp://127.0.0.1:%PORT%\n'
            'match from local for any action "fax"\n'
        },
        r"from .* \(.*\[local\]\).*OpenSMTPD",
        f"smtpd\nuntil smtpctl show status; do sleep 0.1; done\n{SENDMAIL}",
    ),
    Program("msmtp-mta", {"/etc/msmtprc": "account default\nhost 127.0.0.1\nport %PORT%\n"}),
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A bridge that faxes for this machine alone, and knows no relays."""
    site = Site(tmp_path_factory.mktemp("office"))
    site.settings |= {"account": 'document = "pdf"', "sender": 'network = ["127.0.0.1/32"]'}
    site.start_sandbox()
    try:
        site.start()
        yield site
    finally:
        site.close()


@pytest.mark.needs("pdftotext")
@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.package)
def test_sendmail_s_pdf_to_two_numbers_is_two_whole_faxes(office: Site, program: Program, tmp_path: Path) -> None:
    numbers = [f"15557654{PROGRAMS.index(program)}0{each}" for each in (1, 2)]
    files = {
        name: content.replace("%PORT%", str(office.smtp_port)).encode() for name, content in program.files.items()
    }
    files["/message"] = documents.with_pdf(letter()).as_bytes()
    script = program.script.replace("%NUMBERS%", " ".join(f"{number}@fax.local" for number in numbers))
    # What goes on in the background does so until the faxes are there.
    with machine_with(program.package, tmp_path, files, f"{script}\nexec sleep 300\n") as machine:
        ended = f"{program.package}: its faxes, or its end"
        until(lambda: len(faxes(office, numbers)) == 2 or machine.poll() is not None, ended, office.log)
    assert_two_whole_faxes(office, numbers, program.writes, (tmp_path / "machine.log").read_text(errors="replace"))


@pytest.mark.needs("php", "pdftotext")
def test_phpmailer_s_pdf_to_two_numbers_is_two_whole_faxes(office: Site, tmp_path: Path) -> None:
    numbers = ["15557654901", "15557654902"]
    (tmp_path / "offer.pdf").write_bytes(documents.pdf(2))
    command = ["php", "-r", PHPMAILER, str(office.smtp_port), str(tmp_path / "offer.pdf"), *numbers]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    until(lambda: len(faxes(office, numbers)) == 2, "PHPMailer's faxes", office.log)
    assert_two_whole_faxes(office, numbers, "", ran.stdout)


def faxes(office: Site, numbers: list[str]) -> list[dict[str, Any]]:
    return sorted((fax for fax in office.faxes() if fax["number"] in numbers), key=itemgetter("number"))


def assert_two_whole_faxes(office: Site, numbers: list[str], writes: str, said: str) -> None:
    found = faxes(office, numbers)
    assert [fax["number"] for fax in found] == numbers, said
    for fax in found:
        assert re.findall(r"Typed page \d", words_of(office, fax["id"])) == ["Typed page 1", "Typed page 2"]
        assert fax["cover"]["notes"] == "Please find the invoice below."
    for received in received_lines(office, numbers):
        assert [bool(re.search(writes, line)) for line in received] == [True] * bool(writes), received


def words_of(office: Site, fax_id: str) -> str:
    """What stands on the pages that FaxCore was given."""
    url = f"http://127.0.0.1:{office.sandbox_port}/_sandbox/faxes/{fax_id}/document"
    with urllib.request.urlopen(url) as document:
        read = subprocess.run(["pdftotext", "-", "-"], input=document.read(), capture_output=True, check=True)
    return read.stdout.decode()


def received_lines(office: Site, numbers: list[str]) -> list[list[str]]:
    """What stands in each message to these numbers below the bridge's own Received line."""
    statement = (
        "SELECT DISTINCT content_id, bytes FROM job JOIN message ON message.queue_id = job.message"
        " JOIN content USING (content_id) WHERE number IN (?, ?)"
    )
    found = [BytesParser(policy=policy.default).parsebytes(row[1]) for row in office.rows(statement, *numbers)]
    return [[" ".join(line.split()) for line in mail.get_all("Received")[1:]] for mail in found]


def test_the_same_line_from_another_machine_proves_nothing(office: Site) -> None:
    """It is the client's own address that counts: from another, the sender's rule does not hold."""
    line = "Received: (nullmailer pid 4711 invoked by uid 0);\n\tFri, 27 Nov 2026 08:00:00 -0000\n"
    elsewhere = smtplib.SMTP("127.0.0.1", office.smtp_port, source_address=("127.0.0.9", 0), timeout=30)
    with elsewhere as smtp, pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
        smtp.sendmail(SENDER, ["15557654099@fax.local"], line + letter().as_string())
    [(code, said)] = refused.value.recipients.values()
    assert code == 550 and b"127.0.0.9" in said
