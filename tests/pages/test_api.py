"""The HTTP API as programs use it; schemathesis holds its document against it, and curl the lines of its page."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.structure.packages import TOP
from tests.support import documents
from tests.support.pages import PagesSite
from tests.support.site import letter, until

PDF = ("invoice.pdf", documents.pdf(2), "application/pdf")


@pytest.fixture(scope="module")
def anna(site: PagesSite) -> Iterator[httpx.Client]:
    yield site.program("anna")


def ended(site: PagesSite, api: httpx.Client, queue_id: str) -> dict[str, object]:
    return until(
        lambda: told if (told := api.get(f"/faxes/{queue_id}").json())["final"] else None, "its end", site.log
    )


def test_a_fax_is_sent_followed_and_its_pages_are_got(site: PagesSite, anna: httpx.Client) -> None:
    sent = anna.post(
        "/faxes",
        data={"to": ["+1 (555) 555-0100", "15557654321"], "subject": "Invoice 12", "text": "Please pay."},
        files=[("files", PDF), ("files", ("note.txt", b"A note.", "text/plain"))],
    )
    assert sent.status_code == 201, sent.text
    told = sent.json()
    assert [fax["number"] for fax in told["faxes"]] == ["15555550100", "15557654321"]
    assert {fax["sender"] for fax in told["faxes"]} == {"anna@example.com"}
    queue_id = told["faxes"][0]["queue_id"]
    fax = ended(site, anna, queue_id)
    assert (fax["state"], fax["pages_delivered"], fax["left_out"]) == ("delivered", 4, [])
    assert anna.get(f"/faxes/{told['message']}").json()["queue_id"] == queue_id
    png = anna.get(f"/faxes/{queue_id}/pages/1.png")
    assert png.content.startswith(b"\x89PNG") and png.headers["content-type"] == "image/png"
    assert anna.get(f"/faxes/{queue_id}/fax.pdf").content.startswith(b"%PDF-")
    listed = anna.get("/faxes", params={"state": ["delivered", "failed"], "number": "0100"}).json()
    assert queue_id in [each["queue_id"] for each in listed["faxes"]]
    assert anna.get("/faxes", params={"since": "2100-01-01T00:00:00Z"}).json()["faxes"] == []
    first = anna.get("/faxes", params={"limit": 1}).json()
    assert first["next_page"] == 2 and anna.get("/faxes", params={"limit": 1, "page": 2}).json()["faxes"]
    late = anna.post(f"/faxes/{queue_id}/hold")
    assert late.status_code == 409 and late.json() == {"done": False, "sentence": "has ended already: delivered"}
    assert anna.post(f"/faxes/{queue_id}/resend").status_code == 409
    again = anna.post(f"/faxes/{queue_id}/resend", params={"even_if_sent": "true"})
    assert again.status_code == 200 and "is sent again as" in again.json()["sentence"]


def test_what_is_sent_again_under_one_key_is_not_sent_twice(site: PagesSite, anna: httpx.Client) -> None:
    def send(key: str, program: httpx.Client = anna) -> httpx.Response:
        headers = {"Idempotency-Key": key}
        return program.post("/faxes", data={"to": "5555550100", "text": "x"}, files=[("files", PDF)], headers=headers)

    first, second = send("order-7"), send("order-7")
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json()["message"] == second.json()["message"] != send("order-8").json()["message"]
    with ThreadPoolExecutor(6) as pool:
        at_once = list(pool.map(send, ["order-9"] * 6))
    assert sorted(each.status_code for each in at_once) == [200] * 5 + [201], [each.text for each in at_once]
    assert len({each.json()["message"] for each in at_once}) == 1, "also where they come at once"
    other = send("order-7", site.program("bob"))
    assert other.status_code == 201 and other.json()["message"] != first.json()["message"], "a key is one user's"
    assert anna.post("/faxes", data={"to": "1"}, headers={"Idempotency-Key": "a b"}).status_code == 400


@pytest.mark.parametrize(
    ("form", "status", "sentence"),
    [
        ({"to": "12", "text": "x"}, 422, "12: it is too short."),
        ({"to": "911", "text": "x"}, 422, "911"),
        ({"to": "5555550100"}, 422, "There is nothing to send: choose a file, or write a text."),
        ({"text": "x"}, 422, "There is no number to send to."),
        ({"to": "5555550100", "text": "x", "sender": "bob@example.com"}, 422, "You may not send as bob@example.com"),
        ({"to": "5555550100", "text": "x", "priority": "1"}, 400, "priority: there is no such field"),
        ({"to": "5555550100", "text": "x", "files": "x"}, 400, "files: send a file."),
        ({"to": "5555550100", "text": ["x", "y"]}, 400, "text: send it once."),
    ],
)
def test_what_is_wrong_is_said(
    anna: httpx.Client, form: dict[str, str | list[str]], status: int, sentence: str
) -> None:
    parts = [
        (name, (None, each))
        for name, value in form.items()
        for each in ([value] if isinstance(value, str) else value)
    ]
    answer = anna.post("/faxes", files=parts)
    assert answer.status_code == status and sentence in answer.json()["error"], answer.text


@pytest.mark.parametrize(
    "query", ["page=0", "page=x", "limit=501", "state=lost", "since=soon", "unknown=1", "page=1&page=2"]
)
def test_a_parameter_that_means_nothing_is_refused(anna: httpx.Client, query: str) -> None:
    answer = anna.get(f"/faxes?{query}")
    assert answer.status_code == 400 and answer.json()["error"].startswith(query.partition("=")[0])


def test_tokens_count_until_they_are_deleted_and_their_user_is_there(site: PagesSite) -> None:
    program = site.program("bob")
    assert program.get("/faxes").status_code == 200
    listed = site.run("token", "list", "--config", str(site.config)).stdout
    name = re.findall(r"^(token \d+): of bob", listed, re.MULTILINE)[-1]
    secret = program.headers["authorization"].split()[1]
    assert secret not in listed and not site.rows("SELECT 1 FROM bearer WHERE hash = ?", secret)
    cookies = site.visitor("bob").cookies
    assert httpx.get(f"{site.url}/api/v1/faxes", cookies=cookies).status_code == 401, "a cookie is no token"
    assert site.visitor().get("/", headers={"Authorization": f"Bearer {secret}"}).status_code == 303
    deleted = site.run("token", "delete", name, "--config", str(site.config))
    assert deleted.returncode == 0 and program.get("/faxes").status_code == 401
    unknown = site.run("token", "add", "x", "--user", "nobody", "--config", str(site.config))
    assert unknown.returncode == 1 and "there are: olga, oskar, anna, bob" in unknown.stderr
    twice = [site.run("token", "add", "twice", "--user", "bob", "--config", str(site.config)) for _ in range(2)]
    assert [each.returncode for each in twice] == [0, 1] and "already" in twice[1].stderr


def test_a_received_fax_is_got(site: PagesSite) -> None:
    site.drop_in(documents.pdf(2))
    until(lambda: site.rows("SELECT 1 FROM inbound WHERE state = 'stored'"), "it", site.log)
    olga = site.program("olga")
    [fax, *_] = olga.get("/received").json()["received"]
    assert fax["pages"] == 2 and olga.get(f"/received/{fax['queue_id']}").json()["life"]
    assert olga.get(f"/received/{fax['queue_id']}/fax.pdf").content.startswith(b"%PDF-")
    assert olga.get(f"/received/{fax['queue_id']}/pages/3.png").status_code == 404
    oskar = site.program("oskar")
    assert oskar.get(f"/received/{fax['queue_id']}").status_code == 200
    assert oskar.get(f"/received/{fax['queue_id']}/fax.pdf").status_code == 403


@pytest.mark.needs("curl")
def test_the_lines_of_its_page_work_as_they_stand(site: PagesSite, tmp_path: Path) -> None:
    page = (TOP / "docs/reference/api.md").read_text()
    lines = re.findall(r"^curl .*$", page, re.MULTILINE)
    assert len(lines) == 3
    (tmp_path / "invoice.pdf").write_bytes(documents.pdf(1))
    token = site.program("anna").headers["authorization"].split()[1]
    environment = {"PATH": os.environ["PATH"], "URL": f"{site.url}/api/v1", "TOKEN": token, "ID": ""}

    def run(line: str) -> str:
        shell = ["sh", "-c", line.replace("555 123 4567", "555 555 0100")]
        ran = subprocess.run(
            shell, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60, check=True
        )
        return ran.stdout

    [environment["ID"], *_] = re.findall(r'"queue_id":"([^"]+)"', run(lines[0]))
    until(lambda: '"final":true' in run(lines[1]), "its end", site.log)
    run(lines[2])
    assert (tmp_path / "fax.pdf").read_bytes().startswith(b"%PDF-")


def test_the_document_is_true(site: PagesSite, tmp_path: Path) -> None:
    """schemathesis asks everything that the document allows, and much that it does not, and compares the answers."""
    queue_id = site.send("15555550100", sender="olga@example.com", mail=letter()) + "-1"
    olga = site.program("olga")
    ended(site, olga, queue_id)
    # Whether a number can be dialled is more than a schema can say: 422 is an answer to what it allows, too.
    (tmp_path / "schemathesis.toml").write_text(
        '[checks.positive_data_acceptance]\nexpected-statuses = ["2xx", "401", "403", "404", "409", "422"]\n'
    )
    ran = subprocess.run(
        [
            *(sys.executable, "-m", "schemathesis.cli", "run", f"{site.url}/api/v1/openapi.json", "--no-color"),
            *("--header", f"Authorization: {olga.headers['authorization']}", "--seed", "1", "--max-examples", "20"),
            *("--phases", "examples,coverage,fuzzing", "--warnings", "off"),
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    [(tested)] = re.findall(r"Tested: (\d+)", ran.stdout)
    assert int(tested) == 10, ran.stdout
    assert "Traceback" not in site.log(), site.log()
