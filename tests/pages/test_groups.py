"""Two departments on one site: what the operator of one may not see, on every page and every address of the API."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

import httpx
import pytest

from mailfax.config import User
from mailfax.config.users import write_user
from mailfax.pages.api import HANDLERS as API
from mailfax.pages.application import HANDLERS
from mailfax.pages.openapi import ROOT
from tests.support import documents
from tests.support.pages import _HASH, PagesSite
from tests.support.site import NUMBER, OTHER_NUMBER, PASSWORD, letter, until

MORE = """
[[account]]
name = "legal"
base_url = "{base_url}"
username = "{number}"
deliver_to = ["legal@example.com"]
poll_seconds = 1
group = "legal"

[[sender]]
from = ["@legal.example.com"]
account = "legal"

[[page_user]]
login = "sally"
role = "operator"
group = "sales"

[[page_user]]
login = "lena"
role = "operator"
group = "legal"
"""


@dataclass
class Departments:
    """Each has a fax that it sent and one that it received."""

    site: PagesSite
    sent: dict[str, str]
    received: dict[str, str]


@pytest.fixture(scope="module")
def departments(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Departments]:
    site = PagesSite(tmp_path_factory.mktemp("groups"), account='group = "sales"')
    site.settings["more"] += MORE.format(base_url=site.settings["base_url"], number=OTHER_NUMBER)
    site.environment["MAILFAX_ACCOUNT_LEGAL_PASSWORD"] = PASSWORD
    for login in ("sally", "lena"):
        write_user(site.folder / "passwords", login, User(login, _HASH))
    try:
        site.open()
        until(lambda: site.log().count("account-met") == 2, "the accounts to be met", site.log)
        sent = {
            name: site.send("15555550100", sender=sender, mail=documents.with_pdf(letter(f"Offer of {name}"))) + "-1"
            for name, sender in (("sales", "anna@example.com"), ("legal", "rita@legal.example.com"))
        }
        for number in (NUMBER, OTHER_NUMBER):
            site.drop_in(documents.tiff(1), caller="15552010013", account=number)
        until(lambda: len(site.rows("SELECT 1 FROM inbound WHERE state = 'stored'")) == 2, "faxes", site.log)
        until(lambda: len(site.rows("SELECT 1 FROM job WHERE state = 'delivered'")) == 2, "the others", site.log)
        accounts = {"main": "sales", "legal": "legal"}
        received = {accounts[name]: fax for name, fax in site.rows("SELECT account, queue_id FROM inbound")}
        yield Departments(site, sent, received)
    finally:
        site.close()


def filled(path: str, fax: str, received: str) -> str:
    """An address with that fax in it."""
    name = received if "/received" in path else fax
    for place, value in (("queue_id", name), ("verb:verb", "resend"), ("page:int", "1")):
        path = path.replace(f"{{{place}}}", value)
    return path


OF_ONE_FAX = [
    *((method, path) for method, path, _ in HANDLERS if "{queue_id}" in path),
    *((method, ROOT + path) for path, handlers in API.items() for method in handlers if "{queue_id}" in path),
]


@pytest.mark.parametrize(("method", "path"), OF_ONE_FAX)
def test_a_fax_of_another_department_is_not_there(departments: Departments, method: str, path: str) -> None:
    site = departments.site
    for login, own, other in (("sally", "sales", "legal"), ("lena", "legal", "sales")):
        client: httpx.Client
        if path.startswith(ROOT):
            client = site.program(login)
            client.base_url = site.url
            form, headers = None, {}
        else:
            client = site.visitor(login)
            token = re.search(r'name="csrf" value="(\w+)"', client.get("/").text)
            assert token
            form, headers = {"csrf": token[1]}, {"Origin": site.url}
        asked = {"data": form, "headers": headers} if method == "POST" else {}
        theirs = filled(path, departments.sent[other], departments.received[other])
        nowhere = filled(path, "AAAAAAAAAA-1", "AAAAAAAAAA")
        answers = [client.request(method, each, **asked) for each in (theirs, nowhere)]
        assert [answer.status_code for answer in answers] == [404, 404], theirs
        assert answers[0].text == answers[1].text, "nobody learns that it exists"
        if method == "GET":
            mine = filled(path, departments.sent[own], departments.received[own])
            assert client.get(mine).status_code == 200, mine
    assert len(site.rows("SELECT 1 FROM job")) == 2, "nothing was sent again"


def test_lists_and_what_is_found_are_of_ones_own_department(departments: Departments) -> None:
    site = departments.site
    for login, own, other in (("sally", "sales", "legal"), ("lena", "legal", "sales")):
        operator, program = site.visitor(login), site.program(login)
        for path in (
            *("/", "/faxes?view=all", "/faxes?view=delivered", "/find?q=Offer", "/find?q=15555550100"),
            f"/faxes?view=all&sender={'anna@example.com' if own == 'sales' else 'rita@legal.example.com'}",
        ):
            page = operator.get(path).text
            assert departments.sent[own] in page and departments.sent[other] not in page, path
            assert f"Offer of {other}" not in page
        for path in (
            f"/find?q={departments.sent[other]}",
            f"/faxes?view=all&account={'legal' if other == 'legal' else 'main'}",
            f"/faxes?view=all&sender={'anna@example.com' if other == 'sales' else 'rita@legal.example.com'}",
            "/faxes?view=all&sender=@" + ("example.com" if other == "sales" else "legal.example.com"),
        ):
            assert f'href="/faxes/{departments.sent[other]}' not in operator.get(path).text, path
        for path in ("/received", "/find?q=15552010013"):
            page = operator.get(path).text
            assert departments.received[own] in page and departments.received[other] not in page, path
        assert operator.get("/notifications").status_code == 403 and "/notifications" not in operator.get("/").text
        assert [each["queue_id"] for each in program.get("/faxes").json()["faxes"]] == [departments.sent[own]]
        account = "legal" if other == "legal" else "main"
        assert program.get(f"/faxes?account={account}").json()["faxes"] == []
        assert [each["queue_id"] for each in program.get("/received").json()["received"]] == [
            departments.received[own]
        ]


def test_an_operator_without_a_group_sees_both(departments: Departments) -> None:
    olga = departments.site.visitor("olga")
    for page, faxes in (("/faxes?view=all", departments.sent), ("/received", departments.received)):
        text = olga.get(page).text
        assert all(fax in text for fax in faxes.values())
    assert olga.get("/notifications").status_code == 200
