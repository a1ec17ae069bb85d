"""What pages show and do, as a visitor without scripts uses them."""

from __future__ import annotations

import re
import time

import pytest

from tests.support import documents
from tests.support.pages import PASSWORD, PagesSite, Visitor
from tests.support.site import letter, until


def delivered(site: PagesSite, queue_id: str) -> None:
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'delivered'", queue_id), "it", site.log)


def told(answer: object, visitor: Visitor) -> str:
    """What a page says after an order."""
    page = visitor.get(answer.headers["location"])  # type: ignore[attr-defined]
    [sentence] = re.findall(r'<p class="told" role="status">([^<]*)</p>', page.text)
    return str(sentence)


def test_a_fax_is_looked_at_sent_and_delivered(site: PagesSite) -> None:
    anna = site.visitor("anna")
    begun = anna.submit(
        "/send",
        "/send",
        numbers="+1 (555) 555-0100",
        to="Bob Builder",
        subject="Offer 77",
        text="As we said.",
        sender="anna@example.com",
        then="preview",
        files=[("files", ("offer.pdf", documents.pdf(2), "application/pdf"))],
    )
    preview = begun.headers["location"]
    page = anna.get(preview)
    assert "2 pages" in page.text and "offer.pdf" in page.text and not site.rows("SELECT 1 FROM message")
    assert anna.get(f"{preview}/pages/2.png").headers["content-type"] == "image/png"
    assert "555-0100" in anna.get(f"/send?from={preview.rpartition('/')[2]}").text
    sent = anna.submit(preview, preview)
    fax = anna.get(sent.headers["location"]).headers["location"]
    queue_id = fax.removeprefix("/faxes/")
    delivered(site, queue_id)
    assert anna.get(preview).status_code == 404, "what was sent is no draft any more"
    page = anna.get(fax).text
    for told_there in ("Offer 77", "Delivered: every page", "Bob Builder", "signed in as anna", "Page 2 of 2"):
        assert told_there in page, told_there
    [mail] = site.answers(1, "anna@example.com")
    assert mail["X-Fax-Outcome"] == "delivered"


def test_what_is_sent_twice_by_one_form_is_one_fax(site: PagesSite) -> None:
    anna, before = site.visitor("anna"), len(site.rows("SELECT 1 FROM job"))
    page = anna.get("/send").text
    hidden = dict(re.findall(r'<input type="hidden" name="(csrf|key)" value="([^"]*)"', page))
    form = hidden | {"numbers": "5555550100", "text": "Once", "sender": "anna@example.com", "then": "send"}
    places = {anna.post("/send", data=form, headers={"Origin": site.url}).headers["location"] for _ in range(2)}
    assert len(places) == 1 and len(site.rows("SELECT 1 FROM job")) == before + 1


def test_what_can_not_be_sent_is_said_in_sentences(site: PagesSite) -> None:
    anna = site.visitor("anna")
    form = {"sender": "anna@example.com", "then": "send", "text": "x"}
    wrong = anna.submit("/send", "/send", numbers="12\n911, +1 900 555 0100", **form)
    assert wrong.status_code == 422
    for number in ("12: ", "911: ", "900 555 0100: "):
        assert f"<li>{number}" in wrong.text or number in wrong.text
    assert "911" in wrong.text and "numbers" in wrong.text, "what was written is still there"
    assert anna.submit("/send", "/send", numbers="5555550100", **(form | {"text": " "})).status_code == 422
    assert "no address to send from" in site.visitor("oskar").get("/send").text


def test_a_fax_is_held_and_released(site: PagesSite) -> None:
    """In the words of the commands, and in the history with who wanted it."""
    site.control("faults", {"action": "unavailable", "operation": "SendFax", "count": None})
    queue_id = site.send("15557654321", sender="anna@example.com") + "-1"
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'deferred'", queue_id), "it", site.log)
    olga, fax = site.visitor("olga"), f"/faxes/{queue_id}"
    assert "trying again" in olga.get("/faxes").text and queue_id in olga.get("/faxes?sender=anna@example.com").text
    assert told(olga.submit(fax, f"{fax}/hold"), olga).startswith(f"{queue_id} held; it waits")
    assert queue_id in olga.get("/faxes?view=held").text and "1 fax</a> held" in olga.get("/").text
    site.control("faults", method="DELETE")
    assert told(olga.submit(fax, f"{fax}/release"), olga) == f"{queue_id} released."
    delivered(site, queue_id)
    page = olga.get(fax).text
    assert "Held <small>by olga</small>" in page and "Released <small>by olga</small>" in page
    csrf = re.search(r'name="csrf" value="(\w+)"', page)
    assert csrf
    late = olga.post(f"{fax}/hold", data={"csrf": csrf[1]}, headers={"Origin": site.url})
    assert "has ended already: delivered" in told(late, olga), "the truth, also where the page was old"


def test_a_failed_fax_is_sent_again(site: PagesSite) -> None:
    queue_id = site.send("15555550101", sender="anna@example.com") + "-1"
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'failed'", queue_id), "it", site.log)
    anna, fax = site.visitor("anna"), f"/faxes/{queue_id}"
    assert queue_id in anna.get("/faxes?view=failed").text
    assert "is sent again as" in told(anna.submit(fax, f"{fax}/resend"), anna)
    assert f"{queue_id[:-1]}2" in anna.get(fax).text


def test_a_fax_is_found_by_its_number_as_people_write_it(site: PagesSite) -> None:
    queue_id = site.send("15555550177", sender="anna@example.com", mail=letter("Quarterly figures")) + "-1"
    for login in ("olga", "anna"):
        visitor = site.visitor(login)
        for text in ("+1 (555) 555-0177", "quarterly", queue_id):
            assert queue_id in visitor.get("/find", params={"q": text}).text, (login, text)
    assert "Nothing has" in site.visitor("bob").get("/find?q=quarterly").text


def test_a_received_fax_is_shown_to_whom_it_was_mailed(site: PagesSite) -> None:
    site.drop_in(documents.pdf(2))
    until(lambda: site.rows("SELECT 1 FROM letter WHERE kind = 'received'"), "it", site.log)
    [(queue_id,)] = site.rows("SELECT queue_id FROM inbound")
    olga, path = site.visitor("olga"), f"/received/{queue_id}"
    assert queue_id in olga.get("/received").text and "Page 2 of 2" in olga.get(path).text
    assert olga.get(f"{path}/pages/1.png").headers["content-type"] == "image/png"
    assert olga.get(f"{path}/fax.pdf").content.startswith(b"%PDF-")
    anna = site.visitor("anna")
    for place in (path, f"{path}/pages/1.png", f"{path}/fax.pdf"):
        assert anna.get(place).status_code == 404
    assert queue_id not in anna.get("/received").text
    site.change("UPDATE letter SET recipients = ? WHERE kind = 'received'", '["Anna@example.com"]')
    assert queue_id in anna.get("/received").text and anna.get(f"{path}/fax.pdf").status_code == 200


def test_notifications_that_nobody_took_are_sent_again(site: PagesSite) -> None:
    [(letter_id,), *_] = site.rows("SELECT letter_id FROM letter WHERE kind = 'delivered'")
    site.change(
        "UPDATE letter SET state = 'undeliverable', problem = '550 no such user' WHERE letter_id = ?", letter_id
    )
    olga = site.visitor("olga")
    assert "1 notification</a> that no mail server took" in olga.get("/").text
    assert "550 no such user" in olga.get("/notifications").text
    path = f"/notifications/{letter_id}/resend"
    assert "is handed over now" in told(olga.submit("/notifications", path), olga)


def test_the_overview_shows_charts_whose_figures_stand_beside_them(site: PagesSite) -> None:
    page = site.visitor("olga").get("/").text
    assert page.count("<svg viewBox") == 2 and 'class="good"' in page and "As a table" in page
    assert "main (sandbox)" in page and '<span class="state good">well</span>' in page


def test_changes_are_told_as_they_happen(site: PagesSite) -> None:
    anna = site.visitor("anna")
    with anna.stream("GET", "/live") as events:
        assert events.headers["content-type"].startswith("text/event-stream")
        lines = events.iter_lines()
        assert next(lines) == "retry: 3000"
        next(lines)
        site.send("15555550100", sender="bob@example.com")
        before = time.monotonic()
        assert next(lines) == "data: changed" and time.monotonic() - before < 3


def test_another_password_ends_all_sessions(site: PagesSite) -> None:
    bob = site.visitor("bob")
    ran = site.run("passwd", "bob", "--config", str(site.config), patience=30, typed="another password\n")
    assert ran.returncode == 0, ran.stderr
    assert bob.get("/").status_code == 303
    assert site.visitor().sign_in("bob", PASSWORD).status_code == 403
    assert site.visitor().sign_in("bob", "another password").status_code == 303


@pytest.mark.parametrize("path", ["/faxes/NOTHERE-1", "/received/NOTHERE", "/nowhere", "/send/NOTHERE"])
def test_what_is_not_there_is_said(site: PagesSite, path: str) -> None:
    answer = site.visitor("olga").get(path)
    assert answer.status_code == 404 and "<h1>Not there</h1>" in answer.text
