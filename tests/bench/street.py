"""The whole street, measured: mail in by SMTP, pages made, faxes at the sandbox, answers in Maildirs.

Usage: scripts/bench street [--json] [--quick] [--document pdf|tiff]. The sandbox answers at once, ends each fax
at once and shares the machine, so it takes part of what is measured. ``faxes_per_second``: from the first connection
to the last fax that the sandbox took. ``answer_p95_s``: from then to the commit of a fax's end with its answer.
``idle_p50_ms``: from the commit of a mail to that of its SendFax, one mail at a time. ``calls_per_fax``: what beside
SendFax was asked of the service.
"""

from __future__ import annotations

import argparse
import email.policy
import io
import json
import os
import platform
import smtplib
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from reportlab.lib.pagesizes import letter
from reportlab.pdfgen.canvas import Canvas

from tests.support.house import SENDER, House, until

CONNECTIONS, IDLE = 16, 20
#: Ends "completed" at once.
NUMBER = "15555550100"
#: One number stands for as many as there are faxes.
LIMITS = "messages_per_minute = 0\nfaxes_per_day = 0\nfaxes_per_number = 0\nconnections_per_client = 100\n"


def mail(number: int) -> bytes:
    """A mail with a PDF of one page; each its own, so that none is known from before."""
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = SENDER, f"Letter {number}", f"<{number}@example.com>"
    made.set_content("Please find it attached.")
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=letter)
    for row in range(40):
        canvas.drawString(72, 720 - 15 * row, f"Letter {number}, line {row}: please answer until Friday.")
    canvas.save()
    made.add_attachment(file.getvalue(), "application", "pdf", filename=f"letter{number}.pdf")
    return made.as_bytes(policy=email.policy.SMTP)


def send(house: House, mails: list[bytes]) -> None:
    """Send all over one connection."""
    with smtplib.SMTP("127.0.0.1", house.smtp_port, timeout=60) as smtp:
        for raw in mails:
            smtp.sendmail(SENDER, [f"{NUMBER}@fax.local"], raw)


def run(folder: Path, faxes: int, document: str) -> dict[str, Any]:
    house = House(folder, account=f'document = "{document}"', more=LIMITS, timeout_seconds=30)
    house.start_sandbox()
    house.start_installed()
    try:
        for number in range(IDLE):
            send(house, [mail(-1 - number)])
            until(lambda: not house.rows("SELECT 1 FROM job WHERE submitted_at = 0"), "a fax", house.log)
        idle = [sent - came for came, sent in house.rows("SELECT accepted_at, submitting_at FROM job")]
        house.control("requests", method="DELETE")
        mails = [mail(number) for number in range(faxes)]
        began = time.time()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda n: send(house, mails[n::CONNECTIONS]), range(CONNECTIONS)))
        came = time.time() - began
        until(lambda: not house.rows("SELECT 1 FROM job WHERE submitted_at = 0"), "faxes", house.log, 300)
        until(lambda: len(house.mails()) >= faxes + IDLE, "answers", house.log, 300)
        times = house.rows("SELECT submitted_at, ended_at FROM job WHERE accepted_at > ?", began)
        waited = sorted(ended - taken for taken, ended in times)
        others = [request for request in house.control("requests") if request["operation"] != "SendFax"]
        return {
            "faxes_per_second": round(faxes / (max(taken for taken, _ in times) - began), 1),
            "mails_per_second": round(faxes / came, 1),
            "idle_p50_ms": round(statistics.median(idle) * 1000),
            "answer_p95_s": round(waited[round(0.95 * (len(waited) - 1))], 1),
            "calls_per_fax": round(len(others) / faxes, 2),
            "faxes": faxes,
            "document": document,
            "machine": f"{os.cpu_count()} × {platform.machine()}, Linux {platform.release()}",
        }
    finally:
        house.close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench street", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a tenth of the faxes")
    parser.add_argument("--document", choices=("pdf", "tiff"), default="pdf")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="mailfax-bench-") as folder:
        result = run(Path(folder), 100 if asked.quick else 1000, asked.document)
    print(json.dumps(result, indent=2) if asked.json else result)


if __name__ == "__main__":
    main()
