"""Billing codes and prices: by mail, list, page and API; in the export and on a page for operators."""

from __future__ import annotations

import csv
import io
import re
import smtplib
from collections.abc import Iterator
from decimal import Decimal

import pytest

from mailfax.config.values import Price
from mailfax.pages.costs import added
from mailfax.rules.prices import Prices
from mailfax.spool import Spent
from tests.support.pages import PagesSite
from tests.support.site import letter, until

MORE = """
[billing]
codes = ["4711", "R&D"]
[prices]
"+1555" = { call = "0.05", page = "0.02" }
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    here = PagesSite(tmp_path_factory.mktemp("site"), MORE)
    try:
        here.open()
        yield here
    finally:
        here.close()


def test_codes_of_all_ways_in_the_export_and_on_the_page(site: PagesSite) -> None:
    anna, olga = site.visitor("anna"), site.visitor("olga")
    site.send("15555550100/code=4711", mail=letter())
    with pytest.raises(smtplib.SMTPResponseException) as why:
        site.send("15555550100/code=4712", mail=letter())
    assert b'The billing code "4712" is not known here' in why.value.smtp_error
    api = site.program("anna")
    rows = [("recipients", ("r.csv", b"number,code\n5555550101,4711\n5555550100\n", "text/csv"))]
    sent = api.post("/faxes", data={"text": "x", "code": "R&D"}, files=rows)
    assert [fax["billing_code"] for fax in sent.json()["faxes"]] == ["4711", "R&D"], sent.text
    assert api.post("/faxes", data={"text": "x", "code": "x", "to": "5555550100"}, files=rows).status_code == 422
    form = {"text": "Hello", "sender": "anna@example.com", "then": "send", "numbers": "+1 613 555 0100"}
    assert "R&amp;D" in anna.get("/send").text
    assert anna.submit("/send", "/send", code="R&D", **form).status_code == 303
    until(lambda: not site.rows("SELECT 1 FROM job WHERE ended_at = 0"), "their ends", site.log)
    ran = site.run("export", "--config", str(site.config))
    told = {
        (row["number"], row["code"], row["outcome"]): row["cost"] for row in csv.DictReader(io.StringIO(ran.stdout))
    }
    for code in ("4711", "R&D"):
        [(pages,)] = site.rows("SELECT pages_delivered FROM job WHERE code = ? AND number = '15555550100'", code)
        assert Decimal(told["15555550100", code, "delivered"]) == Decimal("0.05") + pages * Decimal("0.02")
    assert told["15555550101", "4711", "failed"] == "", "nothing arrived"
    assert told["16135550100", "R&D", "delivered"] == "", "no price is known"
    page = olga.get("/costs").text
    assert "R&amp;D" in page and told["15555550100", "4711", "delivered"] in page and "anna@example.com" in page
    assert re.search(r"without \d pages? of no known price", page)
    assert anna.get("/costs").status_code == 403 and site.visitor().get("/costs").status_code == 303


def test_many_senders_are_one_row_and_no_page_is_lost() -> None:
    prices = Prices((("+1", Price(Decimal("0.1"), Decimal("0.01"))),))
    spent = [Spent(f"s{n}@example.com", "", "1" if n % 2 else "4", 1, n) for n in range(1, 101)]
    rows = added(((each.sender, each) for each in spent), prices)
    assert len(rows) == 20 and rows[0].name == "s100@example.com" and rows[-1].name == "81 others"
    assert sum(row.pages for row in rows) == 5050 and sum(row.faxes for row in rows) == 100
    assert sum(row.unpriced for row in rows) == sum(range(2, 101, 2))
    assert sum(row.cost or 0 for row in rows) == 50 * Decimal("0.1") + sum(range(1, 100, 2)) * Decimal("0.01")
