"""What an outsider can't do: each attack by itself, against a bridge that really runs."""

from __future__ import annotations

import json
import re
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import quote

import httpx
import pytest

from tests.support import documents
from tests.support.pages import PASSWORD, PagesSite
from tests.support.site import letter, until


@pytest.fixture(scope="module")
def fax(site: PagesSite) -> str:
    """A delivered fax of Anna's."""
    mail = documents.with_pdf(letter("Anna's contract"))
    queue_id = site.send("15555550100", sender="anna@example.com", mail=mail) + "-1"
    until(lambda: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND state = 'delivered'", queue_id), "it", site.log)
    return queue_id


def test_nothing_is_shown_without_signing_in(site: PagesSite, fax: str) -> None:
    stranger = site.visitor()
    for path in (
        "/",
        "/faxes",
        f"/faxes/{fax}",
        f"/faxes/{fax}/pages/1.png",
        f"/faxes/{fax}/fax.pdf",
        "/live",
        "/send",
    ):
        answer = stranger.get(path)
        assert answer.status_code == 303 and answer.headers["location"].startswith("/sign-in"), path
        assert "Anna" not in answer.text
    for path in ("faxes", f"faxes/{fax}", f"faxes/{fax}/fax.pdf", "received"):
        answer = stranger.get(f"/api/v1/{path}")
        assert answer.status_code == 401 and answer.headers["www-authenticate"] == "Bearer" and answer.json()["error"]


def test_forged_requests_do_nothing(site: PagesSite, fax: str) -> None:
    """CSRF: another site has the browser send a form, with all cookies."""
    operator = site.visitor("olga")
    token = re.search(r'name="csrf" value="(\w+)"', operator.get(f"/faxes/{fax}").text)
    assert token
    good = {"csrf": token[1], "even_if_sent": "yes"}
    for headers, form in (
        ({"Origin": "https://evil.example"}, good),
        ({"Origin": "null"}, good),
        ({}, good),
        ({"Sec-Fetch-Site": "cross-site"}, good),
        ({"Origin": site.url}, good | {"csrf": "0" * 64}),
        ({"Origin": site.url}, {"even_if_sent": "yes"}),
    ):
        assert operator.post(f"/faxes/{fax}/resend", data=form, headers=headers).status_code == 403
    anna = site.visitor("anna")
    theirs = anna.post(f"/faxes/{fax}/resend", data=good, headers={"Origin": site.url})
    assert theirs.status_code == 403, "a token belongs to one session"
    assert len(site.rows("SELECT 1 FROM job WHERE message = ?", fax[:-2])) == 1
    for path in (f"/faxes/{fax}/resend", "/sign-out"):
        assert operator.get(path).status_code in (404, 405), "nothing is changed by a link"


def test_a_fax_of_somebody_else_is_not_there(site: PagesSite, fax: str) -> None:
    """Forced browsing, on pages and in the API, for content and for orders."""
    bob = site.visitor("bob")
    missing = bob.get("/faxes/AAAAAAAAAA-1")
    for path in (f"/faxes/{fax}", f"/faxes/{fax[:-2]}", f"/faxes/{fax}/pages/1.png", f"/faxes/{fax}/fax.pdf"):
        answer = bob.get(path)
        if answer.status_code == 303:
            answer = bob.get(answer.headers["location"])
        assert answer.status_code == 404 and answer.text == missing.text, path
    assert "Anna" not in bob.get("/faxes?view=all").text + bob.get("/find?q=contract").text
    csrf = re.search(r'name="csrf" value="(\w+)"', bob.get("/").text)
    assert csrf
    order = bob.post(f"/faxes/{fax}/cancel", data={"csrf": csrf[1]}, headers={"Origin": site.url})
    assert order.status_code == 404
    api = site.program("bob")
    for path in (f"/faxes/{fax}", f"/faxes/{fax}/pages/1.png", f"/faxes/{fax}/fax.pdf"):
        assert api.get(path).status_code == 404
    assert api.post(f"/faxes/{fax}/resend?even_if_sent=true").status_code == 404
    assert api.get("/faxes").json()["faxes"] == []
    assert bob.get("/notifications").status_code == 403
    anna = site.visitor("anna")
    assert anna.get(f"/faxes/{fax}").status_code == 200 and "Anna" in anna.get("/faxes?view=all").text


def test_an_operator_without_content_sees_facts_alone(site: PagesSite, fax: str) -> None:
    oskar = site.visitor("oskar")
    page = oskar.get(f"/faxes/{fax}")
    assert page.status_code == 200 and "does not include the pages" in page.text and ".png" not in page.text
    for path in (f"/faxes/{fax}/pages/1.png", f"/faxes/{fax}/fax.pdf"):
        assert oskar.get(path).status_code == 403
    viewings = [detail for (detail,) in site.rows("SELECT detail FROM history WHERE event = 'viewed'")]
    assert not [each for each in viewings if "oskar" in each]


def test_every_viewing_of_content_is_written_down(site: PagesSite, fax: str) -> None:
    def viewings() -> list[str]:
        found = site.rows("SELECT detail FROM history WHERE event = 'viewed' AND queue_id = ?", fax)
        return [detail for (detail,) in found if "anna" in detail]

    anna, before = site.visitor("anna"), len(viewings())
    picture = anna.get(f"/faxes/{fax}/pages/1.png")
    assert picture.headers["content-type"] == "image/png" and picture.headers["cache-control"] == "no-store"
    assert viewings()[before:] == ["its pages, by anna"]
    anna.get(f"/faxes/{fax}/pages/1.png?size=small")
    assert len(viewings()) == before + 1, "pictures of one page are one viewing"
    olga = site.visitor("olga")
    with ThreadPoolExecutor(6) as pool:
        others = list(pool.map(olga.get, [f"/faxes/{fax}/pages/1.png"] * 6))
    assert {each.status_code for each in others} == {200}
    lines = site.rows("SELECT detail FROM history WHERE event = 'viewed' AND detail = 'its pages, by olga'")
    assert len(lines) == 1, "also where they are asked for at once"
    pdf = anna.get(f"/faxes/{fax}/fax.pdf")
    assert pdf.content.startswith(b"%PDF-") and "attachment" in pdf.headers["content-disposition"]
    assert viewings()[-1] == "downloaded, by anna" and "Looked at" in anna.get(f"/faxes/{fax}").text


@pytest.mark.parametrize(
    "path",
    [
        "/static/x/../../application.py",
        "/static/x/..%2f..%2fapplication.py",
        "/static/x/%2e%2e%2fapplication.py",
        "/static/x/pages.css%00.py",
        "/static/x//etc/passwd",
        "/faxes/..%2f..%2fspool.db",
        "/faxes/%2e%2e/pages/1.png",
        "/faxes/A/pages/..%2f1.png",
        "/send/..%2f..%2fetc%2fpasswd/pages/1.png",
        "/received/%00",
    ],
)
def test_paths_lead_nowhere_else(site: PagesSite, path: str) -> None:
    operator = site.visitor("olga")
    answer = operator.send(httpx.Request("GET", site.url + path, headers={"Cookie": "; ".join(
        f"{name}={value}" for name, value in operator.cookies.items())}))  # fmt: skip
    assert answer.status_code == 404 and "import" not in answer.text and "root:" not in answer.text


def test_no_header_can_be_written_into_a_mail_or_an_answer(site: PagesSite) -> None:
    """Header injection: in every field that becomes a header, and in where to go after signing in."""
    anna = site.visitor("anna")
    sent = anna.submit(
        "/send",
        "/send",
        numbers="+1 555 555 0100",
        to="Bob\r\nBcc: evil@example.com",
        subject="Offer\r\nBcc: evil@example.com\r\n\r\nAnother body",
        text="Hello",
        sender="anna@example.com",
        then="send",
        files=[("files", ('a"\r\nX-Evil: yes.txt', b"A text.", "text/plain\r\nX-Evil: yes"))],
    )
    assert sent.status_code == 303, sent.text
    queue_id = sent.headers["location"].removeprefix("/faxes/")
    [(content_id,)] = site.rows("SELECT content_id FROM message WHERE queue_id = ?", queue_id)
    [(mail,)] = site.rows("SELECT bytes FROM content WHERE content_id = ?", content_id)
    lines = bytes(mail).split(b"\r\n")
    assert not [line for line in lines if line.lower().startswith((b"bcc:", b"x-evil:", b"another body"))]
    assert site.rows("SELECT subject FROM message WHERE queue_id = ?", queue_id) == [
        ("Offer Bcc: evil@example.com Another body",)
    ]
    stolen = anna.submit("/send", "/send", numbers="1555", text="x", sender="olga@example.com", then="send")
    assert stolen.status_code == 422 and "may not send as" in stolen.text
    for elsewhere in ("//evil.example", "https://evil.example", "/\\evil.example", "/x\r\nSet-Cookie: a=b"):
        answer = site.visitor().sign_in("anna", next=elsewhere)
        assert answer.status_code == 303 and answer.headers["location"] == "/" and "a" not in answer.cookies


def test_a_session_that_somebody_planted_is_not_taken_over(site: PagesSite) -> None:
    """Session fixation; and what ends a session."""
    victim = site.visitor()
    victim.cookies.set("mailfax", "planted", domain="127.0.0.1")
    assert victim.sign_in("anna").status_code == 303
    secrets = [cookie.value for cookie in victim.cookies.jar if cookie.name == "mailfax"]
    assert "planted" not in secrets[-1:]
    planted = site.visitor()
    planted.cookies.set("mailfax", "planted")
    assert planted.get("/").status_code == 303
    first, second = site.visitor("bob"), site.visitor("bob")
    assert first.cookies["mailfax"] != second.cookies["mailfax"]
    kept = site.rows("SELECT hash FROM bearer")
    assert first.cookies["mailfax"] not in json.dumps(kept), "only hashes are stored"
    stolen = site.visitor()
    stolen.cookies.set("mailfax", first.cookies["mailfax"])
    assert first.submit("/", "/sign-out").status_code == 303
    assert stolen.get("/").status_code == 303 and second.get("/").status_code == 200
    site.change("UPDATE bearer SET used_at = used_at - 4000")
    assert second.get("/").status_code == 303, "who is away for an hour signs in again"


def test_pages_can_not_be_framed_and_load_nothing_from_elsewhere(site: PagesSite, fax: str) -> None:
    """Clickjacking, and whatever a script of a stranger would need."""
    operator = site.visitor("olga")
    for path in ("/", "/faxes", f"/faxes/{fax}", "/send", "/sign-in", "/nowhere", "/static/x/pages.css"):
        answer = operator.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
        assert answer.headers["x-frame-options"] == "DENY" and answer.headers["x-content-type-options"] == "nosniff"
        assert not re.search(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text), path
        assert not re.search(r"<script(?! src)|\son\w+=|style=", answer.text), "nothing that the policy forbids"
    cookie = site.visitor().sign_in("anna").headers["set-cookie"]
    assert "HttpOnly" in cookie and "SameSite=strict" in cookie


def test_what_strangers_write_is_shown_as_text(site: PagesSite) -> None:
    mail = letter('<script>alert(1)</script>"><img src=x>')
    queue_id = site.send("15555550100", sender="anna@example.com", mail=mail)
    page = site.visitor("anna").get(f"/faxes/{queue_id}-1").text
    assert "<script>alert" not in page and "&lt;script&gt;alert(1)" in page
    said = site.visitor("anna").get(f"/faxes?said={quote('Call 555 for your prize')}&by=x&view=all").text
    assert "prize" not in said, "nobody has a page say something by a link"
    found = site.visitor("olga").get(f"/find?q={quote(chr(34) + '><b>')}").text
    assert "><b>" not in found


def test_a_hostile_upload_is_opened_in_a_cell_and_refused_with_a_sentence(site: PagesSite) -> None:
    anna = site.visitor("anna")
    fields = {"numbers": "15555550100", "text": "", "sender": "anna@example.com", "then": "preview"}
    for name, content in (
        ("broken.pdf", documents.pdf(2)[:-400]),
        ("../../../etc/passwd", b"\x00\x01\x02" * 500),
        ("bomb.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\x0f\xff\xff\0\x0f\xff\xff\x08\2\0\0\0" + b"x" * 100),
        ("page.html", b"<img src='file:///etc/passwd'><script>alert(1)</script>hello"),
    ):
        begun = anna.submit(
            "/send", "/send", files=[("files", (name, content, "application/octet-stream"))], **fields
        )
        assert begun.status_code == 303, begun.text
        shown = anna.get(begun.headers["location"])
        assert shown.status_code == 200 and "<script>alert" not in shown.text and "root:" not in shown.text
        other = site.visitor("bob").get(begun.headers["location"])
        assert other.status_code == 404, "what somebody is about to send is theirs"
    with socket.create_connection(("127.0.0.1", site.pages_port), timeout=10) as raw:
        raw.sendall(b"POST /send HTTP/1.1\r\nHost: x\r\nContent-Length: 10000000000\r\n\r\n")
        assert raw.recv(100).startswith(b"HTTP/1.1 413"), "nobody has to send it first"
    endless = anna.post("/send", content=iter([b"x"]), headers={"Origin": site.url})
    assert endless.status_code == 411
    assert anna.get("/").status_code == 200


def test_a_wrong_password_is_refused_as_a_wrong_name_is_and_soon_slowly(site: PagesSite) -> None:
    answers = []
    for login, password in (("olga", "wrong password"), ("nobody", PASSWORD), ("olga ", "")):
        answer = site.visitor().sign_in(login, password)
        assert answer.status_code == 403 and not answer.cookies.get("mailfax")
        answers.append(re.sub(r'value="[^"]*"', "", answer.text))
    assert answers[0] == answers[1], "nobody learns which of the two was wrong"
    before = time.monotonic()
    for _ in range(3):
        site.visitor().sign_in("olga", "wrong password")
    assert time.monotonic() - before > 1.0, "who fails often waits"
    assert site.visitor("anna").get("/").status_code == 200, "and nobody is locked out"
