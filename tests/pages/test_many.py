"""Many recipients by page and API: a list is good in every row, and what is too much waits for an operator."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.pages import PagesSite
from tests.support.site import until

LIST = b"number,name\n5555550100,Jane Doe\n+1 555 555 0101,John\n(555) 555-0100,Jane again\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    here = PagesSite(tmp_path_factory.mktemp("site"))
    here.settings["more"] = f"approve_above = 2\n{here.settings['more']}"
    try:
        here.open()
        yield here
    finally:
        here.close()


def test_a_program_sends_to_a_list(site: PagesSite) -> None:
    anna = site.program("anna")
    files = [("recipients", ("r.csv", LIST, "text/csv"))]
    sent = anna.post("/faxes", data={"text": "x"}, files=files)
    assert sent.status_code == 201, sent.text
    assert [fax["number"] for fax in sent.json()["faxes"]] == ["15555550100", "15555550101"]
    bad = anna.post("/faxes", data={"text": "x"}, files=[("recipients", ("r.csv", LIST + b"12\n911\n", "text/csv"))])
    assert bad.status_code == 422 and bad.json()["error"].startswith("Row 5: 12: it is too short. Row 6: 911")
    text = anna.post("/faxes", files=[("text", (None, "x")), ("recipients", (None, "5555550100"))])
    assert text.status_code == 400 and "recipients: send a file." in text.json()["error"]


def test_a_list_of_the_page_waits_for_an_operator_who_releases_all_at_once(site: PagesSite) -> None:
    anna, olga = site.visitor("anna"), site.visitor("olga")
    form = {"text": "An offer", "subject": "Offer", "sender": "anna@example.com", "then": "send", "numbers": ""}
    wrong = anna.submit("/send", "/send", {"recipients": ("r.csv", b"12,<b>x</b>\n", "text/csv")}, **form)
    assert wrong.status_code == 422 and "Row 1: 12: it is too short." in wrong.text
    more = LIST + b"5555550103,<script>alert(1)</script>\n"
    sent = anna.submit("/send", "/send", {"recipients": ("r.csv", more, "text/csv")}, **form)
    assert sent.status_code == 303, sent.text
    message = sent.headers["location"].rpartition("/")[2]
    states = "SELECT DISTINCT state FROM job WHERE message = ?"
    assert site.rows(states, message) == [("held",)]
    fax = anna.get(f"/faxes/{message}-3")
    assert "waits for approval" in fax.text and "<script>alert" not in fax.text
    refused = anna.submit(f"/faxes/{message}-1", f"/faxes/{message}-1/release", others="yes")
    assert refused.status_code == 303 and site.rows(states, message) == [("held",)], "not by who sent it"
    bob = site.visitor("bob")
    assert bob.get(f"/faxes/{message}-1").status_code == 404
    olga.submit(f"/faxes/{message}-1", f"/faxes/{message}-1/release", others="yes")
    assert ("held",) not in site.rows(states, message)
    open_faxes = "SELECT 1 FROM job WHERE message = ? AND ended_at = 0"
    until(lambda: not site.rows(open_faxes, message), "the ends", site.log)
