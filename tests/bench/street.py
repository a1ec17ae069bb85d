"""The whole way of a fax, measured: mail in by SMTP, pages made, faxes at the sandbox, answers in Maildirs.

Usage: scripts/bench street [--json] [--quick] [--document pdf|tiff] [--spool sqlite|postgresql] [--bridges N]. The
sandbox answers at once, ends each fax at once and shares the machine, so it takes part of what is measured; so does
the PostgreSQL server, which waits for its disk as one in use does. With several bridges each takes its part of the
mails. ``faxes_per_second``: from the first connection to the last fax that the sandbox took. ``answer_p95_s``: from
then to the commit of a fax's end with its answer. ``idle_p50_ms``: from the commit of a mail to that of its
SendFax, one mail at a time; ``loaded_p99_ms``: the same of a sender with one fax after another, while 10,000 of
others wait and scans are rendered. ``calls_per_fax`` and ``bytes_per_fax``: what beside SendFax was asked of the
service, and how much it answered. ``growth``: what questions to the spool cost with a million faxes in it, by what
they cost in an empty one (``--quick``: 50,000).
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import email.policy
import io
import json
import os
import platform
import smtplib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from PIL import Image
from reportlab.lib.pagesizes import letter as paper
from reportlab.pdfgen.canvas import Canvas

from tests.bench.growth import growth
from tests.support.postgresql import IN_USE, Cluster
from tests.support.site import SENDER, Site, letter, until

CONNECTIONS, IDLE, SINGLE = 16, 20, 100
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
    canvas = Canvas(file, pagesize=paper)
    for row in range(40):
        canvas.drawString(72, 720 - 15 * row, f"Letter {number}, line {row}: please answer until Friday.")
    canvas.save()
    made.add_attachment(file.getvalue(), "application", "pdf", filename=f"letter{number}.pdf")
    return made.as_bytes(policy=email.policy.SMTP)


def send(port: int, mails: list[bytes]) -> None:
    """Send all over one connection."""
    with smtplib.SMTP("127.0.0.1", port, timeout=60) as smtp:
        for raw in mails:
            smtp.sendmail(SENDER, [f"{NUMBER}@fax.local"], raw)


def run(folder: Path, faxes: int, document: str, spool: str, bridges: int) -> dict[str, Any]:
    site = Site(folder, account=f'document = "{document}"', more=LIMITS, timeout_seconds=30, spool=spool)
    site.start_sandbox()
    site.start_installed()
    ports = [site.smtp_port, *(site.start_another(number) for number in range(1, bridges))]
    try:
        for number in range(IDLE):
            send(ports[0], [mail(-1 - number)])
            until(lambda: not site.rows("SELECT 1 FROM job WHERE submitted_at = 0"), "a fax", site.log)
        idle = [sent - came for came, sent in site.rows("SELECT accepted_at, submitting_at FROM job")]
        site.control("requests", method="DELETE")
        mails = [mail(number) for number in range(faxes)]
        began = time.time()
        with ThreadPoolExecutor(CONNECTIONS) as pool:
            list(pool.map(lambda n: send(ports[n % bridges], mails[n::CONNECTIONS]), range(CONNECTIONS)))
        came = time.time() - began
        until(lambda: not site.rows("SELECT 1 FROM job WHERE submitted_at = 0"), "faxes", site.log, 300)
        until(lambda: len(site.mails()) >= faxes + IDLE, "answers", site.log, 300)
        times = site.rows("SELECT submitted_at, ended_at FROM job WHERE accepted_at > ?", began)
        waited = sorted(ended - taken for taken, ended in times)
        others = [request for request in site.control("requests") if request["operation"] != "SendFax"]
        return {
            "faxes_per_second": round(faxes / (max(taken for taken, _ in times) - began), 1),
            "mails_per_second": round(faxes / came, 1),
            "idle_p50_ms": round(statistics.median(idle) * 1000),
            "answer_p95_s": round(waited[round(0.95 * (len(waited) - 1))], 1),
            "calls_per_fax": round(len(others) / faxes, 2),
            "bytes_per_fax": round(sum(request["reply_size"] for request in others) / faxes),
        }
    finally:
        site.close()


def loaded(folder: Path, waiting: int, spool: str) -> dict[str, Any]:
    """A sender with one fax after the other, while so many of another wait and four scans are rendered."""
    site = Site(
        folder, account='document = "pdf"', more=LIMITS + "recipients = 1000\n", timeout_seconds=30, spool=spool
    )
    site.start_sandbox()
    site.start_installed()
    try:
        for first in range(0, waiting, 500):
            site.send(*(f"1555{first + place:07d}" for place in range(500)), sender="campaign@example.com")
        noise = Image.effect_noise((5000, 5000), 90).convert("RGB")
        file = io.BytesIO()
        noise.save(file, "JPEG", quality=60)
        for _ in range(4):
            scan = letter()
            for page in range(3):
                scan.add_attachment(file.getvalue(), "image", "jpeg", filename=f"{page}.jpg")
            site.send(NUMBER, mail=scan, sender="copier@example.com")
        for number in range(SINGLE):
            site.send(NUMBER, mail=letter(text=f"Line {number}."))
            time.sleep(0.1)
        [(left,)] = site.rows("SELECT count(*) FROM job WHERE submitting_at = 0")
        mine = "message IN (SELECT queue_id FROM message WHERE sender = ?)"
        until(
            lambda: not site.rows(f"SELECT 1 FROM job WHERE submitting_at = 0 AND {mine}", SENDER), "mine", site.log
        )
        waits = sorted(s for (s,) in site.rows(f"SELECT submitting_at - accepted_at FROM job WHERE {mine}", SENDER))
        return {
            "loaded_p50_ms": round(1000 * statistics.median(waits)),
            "loaded_p99_ms": round(1000 * waits[round(0.99 * (len(waits) - 1))]),
            "others_left": left,
        }
    finally:
        site.close()


@contextlib.contextmanager
def spool_for(engine: str) -> Iterator[str]:
    """The URL of an empty spool."""
    if engine == "sqlite":
        yield "sqlite:///spool.db"
        return
    cluster = Cluster(IN_USE)
    try:
        yield asyncio.run(cluster.new_database())
    finally:
        cluster.stop()


def grown(folder: Path, rows: int, engine: str, spool: str) -> dict[str, float]:
    """The growth table; on PostgreSQL little and much are on servers of their own."""
    with spool_for(engine) as other:
        return growth(folder, rows, (other, spool))


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench street", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="a tenth of the faxes")
    parser.add_argument("--document", choices=("pdf", "tiff"), default="pdf")
    parser.add_argument("--spool", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--bridges", type=int, default=1, help="so many processes share the spool")
    asked = parser.parse_args()
    faxes, waiting, rows = (100, 1000, 50_000) if asked.quick else (1000, 10_000, 1_000_000)
    result: dict[str, Any] = {}
    parts: list[Callable[[Path, str], dict[str, Any]]] = [
        lambda folder, spool: run(folder, faxes, asked.document, spool, asked.bridges),
        lambda folder, spool: loaded(folder, waiting, spool),
    ]
    parts.append(lambda folder, spool: {"growth": grown(folder, rows, asked.spool, spool)})
    for measure in parts:
        with tempfile.TemporaryDirectory(prefix="mailfax-bench-") as folder, spool_for(asked.spool) as spool:
            result |= (measured := measure(Path(folder), spool))
        print(measured, file=sys.stderr)  # a later part that fails takes none of it away
    result |= {
        "faxes": faxes,
        "document": asked.document,
        "spool": asked.spool,
        "bridges": asked.bridges,
        "machine": f"{os.cpu_count()} × {platform.machine()}, Linux {platform.release()}",
    }
    print(json.dumps(result, indent=2) if asked.json else result)


if __name__ == "__main__":
    main()
