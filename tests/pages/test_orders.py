"""What a user may not get by an order: what the rules would refuse a mail, what an operator holds, another hour."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.support.pages import PagesSite
from tests.support.site import until


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    here = PagesSite(tmp_path_factory.mktemp("site"), sender='faxes_per_day = 3\ndeny = ["+15559"]')
    try:
        here.open()
        yield here
    finally:
        here.close()


def reaches(site: PagesSite, queue_id: str, state: str) -> None:
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = ?", queue_id, state), state, site.log)


def said(program: httpx.Client, queue_id: str, verb: str, **more: str) -> tuple[bool, str]:
    told = program.post(f"/faxes/{queue_id}/{verb}", params=more).json()
    return told["done"], told["sentence"]


def test_what_somebody_else_holds_stays_held_and_hours_are_kept(site: PagesSite) -> None:
    site.control("faults", {"action": "unavailable", "operation": "SendFax", "count": None})
    queue_id = site.send("15555550100", sender="anna@example.com") + "-1"
    reaches(site, queue_id, "deferred")
    anna, olga = site.program("anna"), site.program("olga")
    assert said(anna, queue_id, "requeue") == (False, "can be tried outside of its turn by an operator alone")
    assert "Try now" not in site.visitor("anna").get(f"/faxes/{queue_id}").text
    operator = site.visitor("olga")
    until(lambda: "Try now" in operator.get(f"/faxes/{queue_id}").text, "a moment in which it waits", site.log)
    until(lambda: said(olga, queue_id, "hold")[0], "a moment in which it waits", site.log)
    done, why = said(anna, queue_id, "release")
    assert not done and why == "was held by somebody else; ask postmaster@example.com"
    assert said(olga, queue_id, "release")[0]
    until(lambda: said(anna, queue_id, "hold")[0], "a moment in which it waits", site.log)
    site.control("faults", method="DELETE")
    assert said(anna, queue_id, "release") == (True, "released")
    reaches(site, queue_id, "delivered")


def test_sending_again_is_judged_and_counted_as_a_new_fax(site: PagesSite) -> None:
    bob = site.program("bob")
    queue_id = site.send("15555550101", sender="bob@example.com") + "-1"
    reaches(site, queue_id, "failed")
    for number in (2, 3):
        assert said(bob, queue_id, "resend") == (True, f"is sent again as {queue_id[:-1]}{number}")
        queue_id = f"{queue_id[:-1]}{number}"
        reaches(site, queue_id, "failed")
    done, why = said(bob, queue_id, "resend")
    assert not done and why == "can't be sent again today: no faxes are left for this day"
    assert said(site.program("olga"), queue_id, "resend")[0], "an operator decides, as by command"
    site.change("UPDATE job SET number = '15559876543' WHERE queue_id = ?", queue_id)
    done, why = said(bob, queue_id, "resend")
    assert not done and "are not allowed" in why
