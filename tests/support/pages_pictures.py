"""Takes the four pictures of the pages in ``docs/``, of a site with a week behind it.

In: nothing; run it as ``python -m tests.support.pages_pictures``. Out: ``docs/pages-*.png``. Everything in them is
sent for it, or copied from what was sent.
"""

from __future__ import annotations

import io
import random
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright
from reportlab.lib.pagesizes import letter as sheet
from reportlab.pdfgen.canvas import Canvas

from tests.bench.filling import copies, spool_of
from tests.structure.packages import TOP
from tests.support import documents
from tests.support.pages import PASSWORD, PagesSite
from tests.support.site import letter, listens, until

FAXES = (
    ("15555550100", "Invoice 2026-118", "alice@example.com"),
    ("15555550101", "Offer for the oak floor", "anna@example.com"),
    ("15557654321", "Contract, signed", "bob@example.com"),
    ("15555550108", "Menu of Friday", "anna@example.com"),
    ("15557650109", "Filing, 12 O 88/26", "bob@example.com"),
    ("15555550126", "Delivery note 4471", "alice@example.com"),
)
WEEK = 260
#: Faxes of an hour of the day, as offices have them.
HOURS = [0] * 7 + [2, 6, 9, 8, 7, 3, 6, 8, 7, 5, 2, 1, 0, 0, 0, 0, 0]


def invoice() -> bytes:
    """Two pages with something to read."""
    file = io.BytesIO()
    canvas = Canvas(file, sheet)
    for page in (1, 2):
        canvas.setFont("Helvetica-Bold", 26)
        canvas.drawString(64, 720, "Invoice 2026-118")
        canvas.setFont("Helvetica", 12)
        for line in range(24):
            canvas.drawString(64, 670 - line * 22, f"{page * 24 - 23 + line:>3}   Oak board, planed, 27 x 120 mm")
            canvas.drawRightString(540, 670 - line * 22, f"{(line * 37 + page * 91) % 311 + 20}.00")
        canvas.drawString(64, 60, f"Page {page} of 2")
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def fill(site: PagesSite) -> None:
    """A week of faxes, and those of this morning, which are real."""
    for number, subject, sender in FAXES:
        mail = letter(subject)
        documents.attach(mail, "invoice.pdf", "application/pdf", invoice())
        site.send(number, sender=sender, mail=mail)
    site.drop_in(invoice())
    until(lambda: len(site.rows("SELECT 1 FROM job WHERE state = 'delivered'")) >= 3, "deliveries", site.log)
    site.stop(site.processes[-1])
    for table in ("message", "document", "job"):
        copies(spool_of(site), table, "1", WEEK)
    chance = random.Random(7)
    today = time.time() // 86_400 * 86_400
    with closing(sqlite3.connect(spool_of(site))) as database, database:
        for (queue_id,) in database.execute("SELECT queue_id FROM job WHERE queue_id LIKE '%/%'").fetchall():
            at = (
                today
                - chance.randint(1, 6) * 86_400
                + chance.choices(range(24), HOURS)[0] * 3600
                + chance.random() * 3599
            )
            state = chance.choices(("delivered", "failed", "cancelled"), (90, 8, 2))[0]
            database.execute("UPDATE job SET accepted_at = ?, state = ? WHERE queue_id = ?", (at, state, queue_id))
            database.execute(
                "UPDATE message SET received_at = ? WHERE queue_id = ?", (at, queue_id.rpartition("-")[0])
            )
    site.start()
    until(lambda: listens(site.pages_port), "the pages", site.log)


def window(browser: Browser, site: PagesSite, size: tuple[int, int], scheme: str, login: str = "olga") -> Page:
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme=scheme,  # type: ignore[arg-type]
        device_scale_factor=1.5,
    )
    page = context.new_page()
    page.goto(site.url)
    page.get_by_label("User").fill(login)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Sign out").wait_for()
    return page


def shot(page: Page, name: str) -> None:
    page.wait_for_timeout(1500)
    page.screenshot(path=TOP / f"docs/pages-{name}.png")


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        site = PagesSite(Path(folder))
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        try:
            site.open()
            fill(site)
            page = window(browser, site, (1180, 980), "light")
            shot(page, "overview")
            [(fax,)] = site.rows("SELECT j.queue_id FROM job j JOIN message m ON m.queue_id = j.message "
                                 "WHERE m.subject = 'Contract, signed' AND j.queue_id NOT LIKE '%/%'")  # fmt: skip
            page.goto(f"{site.url}/faxes/{fax}")
            shot(page, "fax")
            dark = window(browser, site, (1180, 760), "dark", "anna")
            dark.goto(f"{site.url}/send")
            dark.get_by_label("Fax numbers").fill("+1 (555) 555-0100")
            dark.get_by_label("Recipient").fill("Bob Builder")
            dark.get_by_label("Subject").fill("Invoice 2026-118")
            dark.get_by_label("Files").set_input_files(
                {"name": "invoice.pdf", "mimeType": "application/pdf", "buffer": invoice()}
            )
            dark.get_by_role("button", name="Show the pages first").click()
            shot(dark, "send")
            phone = window(browser, site, (390, 844), "light")
            phone.goto(f"{site.url}/faxes?view=all")
            shot(phone, "phone")
        finally:
            browser.close()
            site.close()


if __name__ == "__main__":
    main()
