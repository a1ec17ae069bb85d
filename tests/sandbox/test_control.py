"""The control space: open to this machine alone, and everything a test wants to see and do."""

from __future__ import annotations

import io
import re
from typing import Any

import pytest
from PIL import Image

from mailfax.sandbox.control import is_loopback
from mailfax.sandbox.faults import OPERATIONS, Action
from tests.sandbox.conftest import ME, OTHER, Caller, magic
from tests.sandbox.test_pages import image, pdf

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {}, 200),
        ("GET", {"Host": "localhost:8087"}, 200),
        ("GET", {"Host": "[::1]:8087"}, 200),
        ("GET", {"Host": "sandbox.example.com"}, 403),
        ("GET", {"Host": "127.0.0.1.example.com"}, 403),
        ("GET", {"Host": "[::1"}, 403),
        ("GET", {"Host": ""}, 403),
        ("POST", {"Origin": "http://example.com"}, 403),
        ("POST", {"Origin": "null"}, 403),
        ("POST", {"Sec-Fetch-Site": "cross-site"}, 403),
        ("POST", {"Sec-Fetch-Site": "same-origin"}, 200),
        ("GET", {"Sec-Fetch-Site": "cross-site"}, 200),
    ],
)
async def test_the_control_space_is_for_this_machine_alone(
    box: Caller, method: str, headers: dict[str, str], status: int
) -> None:
    id = await box.sent()
    path = "faxes" if method == "GET" else f"faxes/{id}/cancel"
    response = await box.control_http.request(method, path, headers=headers)
    assert response.status_code == status
    assert (id in response.text) is (status == 200)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("LOCALHOST", True), ("localhost.", True)]
    + [(host, False) for host in ("0.0.0.0", "10.0.0.1", "localhost.example.com", "example.com", "", "127.0.0.1x")],
)
def test_loopback_is_known_by_address_and_one_name(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


async def test_faxes_are_shown_with_everything_about_them(box: Caller) -> None:
    id = await box.sent(b"%PDF-1.4", filename="a.pdf", recpname="Bob", notes="n", sendername="Alice")
    (fax,) = await box.faxes()
    assert fax["id"] == id and fax["account"] == ME and fax["direction"] == "Outbound"
    assert fax["folder"] == "Outbox" and fax["status"] == "In Queue" and fax["size"] == 8 and fax["pages"] is None
    assert fax["cover"]["recpname"] == "Bob" and fax["cover"]["notes"] == "n" and fax["filename"] == "a.pdf"
    assert fax["content_type"] == "application/x-www-form-urlencoded" and len(fax["sha256"]) == 64
    assert (await box.control("GET", f"faxes/{id}"))["pages"] == 0  # counted when asked for: it is no PDF


async def test_faxes_are_found_by_account_and_folder(box: Caller, other: Caller) -> None:
    await box.sent(recpfax=magic("00"))
    await other.sent(recpfax=magic("06"))
    assert len(await box.control("GET", "faxes")) == 2
    assert [fax["account"] for fax in await box.control("GET", f"faxes?account={OTHER}")] == [OTHER]
    assert [fax["account"] for fax in await box.control("GET", "faxes?folder=sent")] == [ME]
    assert len(await box.control("GET", "faxes?limit=1&offset=1")) == 1


async def test_a_page_is_a_picture(box: Caller) -> None:
    id = await box.sent(pdf(1), filename="a.pdf")
    for page in (1, 2):
        response = await box.control_http.get(f"faxes/{id}/pages/{page}.png?width=300")
        with Image.open(io.BytesIO(response.content)) as picture:
            assert picture.size[0] == 300 and picture.convert("L").getextrema()[0] < 100
    assert (await box.control_http.get(f"faxes/{id}/pages/3.png")).status_code == 404
    assert (await box.control_http.get(f"faxes/{id}/pages/1.png?width=9999")).status_code == 400


@pytest.mark.parametrize(("body", "name"), [(pdf(2), "fax.pdf"), (image("TIFF", "1", frames=2), "fax.tif")])
async def test_an_inbound_fax_is_dropped_in(box: Caller, body: bytes, name: str) -> None:
    response = await box.control_http.post(f"inbound?account={ME}&caller=15552010009&subject=Hi", content=body)
    assert response.status_code == 201
    (id,) = response.json()["ids"]
    assert await box.listed("Inbox") == [id]
    details = await box.details(id)
    assert (details["Type"], details["FaxNumber"], details["Subject"]) == ("Inbound", "15552010009", "Hi")
    assert (details["Status"], details["PageCount"], details["PageDelivered"]) == ("Completed", "2", "2")
    assert (await box.faxes())[0]["filename"] == name


@pytest.mark.parametrize(
    ("query", "body", "said"),
    [
        ("account=nobody", pdf(1), "account must be"),
        (f"account={ME}", b"hello", "must be a PDF or a TIFF"),
        (f"account={ME}", b"%PDF-1.4 broken", "can't be opened"),
        (f"account={ME}&count=0", pdf(1), "count must be"),
        (f"account={ME}&count=x", pdf(1), "count must be"),
    ],
)
async def test_an_unusable_inbound_fax_is_refused(box: Caller, query: str, body: bytes, said: str) -> None:
    response = await box.control_http.post(f"inbound?{query}", content=body)
    assert response.status_code == 400 and said in response.json()["error"]
    assert await box.faxes() == []


@pytest.mark.timeout(300)
async def test_fifty_thousand_received_faxes_list_quickly(box: Caller) -> None:
    import time

    await box.control_http.post(f"inbound?account={ME}&caller=1&count=50000", content=pdf(1), timeout=200)
    begun = time.monotonic()
    assert len(await box.listed("Inbox", hidedownloaded="true")) == 50_000
    assert time.monotonic() - begun < 3


async def test_an_anonymous_caller_has_an_empty_number(box: Caller) -> None:
    (id,) = (await box.control_http.post(f"inbound?account={ME}", content=pdf(1))).json()["ids"]
    assert (await box.details(id))["FaxNumber"] == ""


@pytest.mark.parametrize(
    ("verb", "given", "folder", "status"),
    [
        ("cancel", {}, "Cancelled", "Cancelled"),
        ("hold", {}, "Hold", "On Hold"),
        ("move", {"folder": "trash"}, "Trash", "In Queue"),
        ("move", {"folder": "Failed"}, "Failed", "Failed"),
    ],
)
async def test_a_fax_is_taken_out_of_its_course(
    box: Caller, verb: str, given: dict[str, str], folder: str, status: str
) -> None:
    id = await box.sent()
    await box.control("POST", f"faxes/{id}/{verb}", **given)
    await box.advance(3600)
    assert (await box.listed(folder), await box.status(id)) == ([id], status)


async def test_a_fax_is_destroyed_with_its_document(box: Caller) -> None:
    id = await box.sent()
    await box.control("DELETE", f"faxes/{id}")
    assert "No fax" in await box.status(id) and await box.faxes() == []
    assert (await box.control_http.get(f"faxes/{id}/document")).status_code == 404


async def test_speed_can_be_changed_while_faxes_are_under_way(box: Caller) -> None:
    id = await box.sent()
    before = (await box.details(id))["CreatedDate"]
    clock = await box.control("POST", "clock", speed=1_000_000)
    assert clock["speed"] == 1_000_000 and abs(clock["now"] - clock["real"]) < 1
    assert await box.status(id) == "Completed"
    assert (await box.details(id))["CreatedDate"] == before


@pytest.mark.parametrize(
    ("path", "given", "said"),
    [
        ("clock", {}, "Give advance_seconds"),
        ("clock", {"advance_seconds": -1}, "advance_seconds must be"),
        ("clock", {"speed": 0}, "speed must be"),
        ("clock", {"speed": True}, "speed must be"),
        ("clock", {"back": 1}, "Give advance_seconds"),
        ("quirks", {"nonsense": True}, "no quirk"),
        ("faults", {"action": "none"}, "action must be"),
    ],
)
async def test_an_unusable_setting_is_refused_with_a_sentence(
    box: Caller, path: str, given: dict[str, Any], said: str
) -> None:
    response = await box.control_http.post(path, json=given)
    assert response.status_code == 400 and said in response.json()["error"]


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff"])
async def test_what_is_no_json_object_is_refused(box: Caller, body: bytes) -> None:
    assert (await box.control_http.post("quirks", content=body)).status_code == 400


async def test_fault_rules_are_set_listed_and_lifted(box: Caller) -> None:
    for action in Action:
        await box.control("POST", "faults", action=action, count=None)
    rules = await box.control("GET", "faults")
    assert [rule["action"] for rule in rules] == list(Action)
    await box.control("DELETE", f"faults/{rules[0]['id']}")
    assert len(await box.control("GET", "faults")) == len(Action) - 1
    assert (await box.control_http.delete("faults/99")).status_code == 404
    assert await box.control("DELETE", "faults") == []


async def test_reset_forgets_all_but_never_gives_an_id_twice(box: Caller) -> None:
    first = await box.sent()
    await box.quirk(bom=True)
    await box.advance(100)
    await box.control("POST", "faults", action="drop_after", operation="FaxStatus")
    await box.control("POST", "reset")
    assert await box.faxes() == [] and await box.control("GET", "faults") == []
    assert (await box.control("GET", "quirks"))["bom"]["value"] is False
    assert (await box.control("GET", "clock"))["ahead_seconds"] == 0
    assert await box.sent() > first


async def test_requests_are_kept_in_order(box: Caller) -> None:
    sent = await box.send()
    listed = await box.get("GetFaxList", folder="Sent")
    entries = await box.control("GET", "requests")
    assert [(each["operation"], each["status"]) for each in entries] == [("SendFax", 200), ("GetFaxList", 200)]
    assert [each["reply_size"] for each in entries] == [len(sent.content), len(listed.content)]
    assert await box.control("DELETE", "requests") == []


async def test_the_page_for_people_shows_seven_folders_and_runs_no_script(box: Caller) -> None:
    await box.sent(subject="<script>alert(1)</script>", recpfax=magic("00"))
    response = await box.control_http.get("")
    bare = box.base_url.removesuffix("/api/") + "/_sandbox"
    assert (await box.control_http.get(bare, follow_redirects=True)).status_code == 200
    assert response.headers["cross-origin-resource-policy"] == "same-origin"
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; img-src 'self';") and "script-src" not in policy
    for folder in ("Inbox", "Outbox", "Sent", "Failed", "Cancelled", "Hold", "Trash"):
        assert response.text.count(f"<span>{folder}</span>") == 2  # of two accounts
    assert "<script" not in response.text and "&lt;script&gt;" in response.text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", response.text)
    (first, *_) = re.findall(r'<img [^>]*src="([^"]+)"', response.text)
    assert (await box.control_http.get(first.removeprefix("/_sandbox/"))).headers["content-type"] == "image/png"
    assert "No faxes in Hold" in (await box.control_http.get("?folder=Hold")).text


@pytest.mark.parametrize("path", ["nothing", "faxes/999", "faxes/999/document", "faxes/%2e%2e%2fsandbox.db"])
async def test_what_is_not_there_is_404(box: Caller, path: str) -> None:
    assert (await box.control_http.get(path)).status_code == 404


async def test_operations_of_rules_are_those_of_the_reference() -> None:
    assert OPERATIONS == ("SendFax", "FaxStatus", "GetFaxList", "GetFaxDetails", "DownloadFax", "DeleteFax")
