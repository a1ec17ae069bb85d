"""The six resources over HTTP, with every reading that a quirk can give them."""

from __future__ import annotations

import asyncio
import base64
import binascii
import re
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest

from tests.sandbox.conftest import ME, NO_TLS, OTHER, Caller, magic

pytestmark = pytest.mark.anyio


async def test_a_fax_goes_from_outbox_to_sent(box: Caller) -> None:
    id = await box.sent()
    assert re.fullmatch(r"208\d{9}", id)
    assert (await box.status(id), await box.listed("Outbox")) == ("In Queue", [id])
    await box.advance(10)
    assert await box.status(id) == "Processing"
    assert (await box.details(id))["CompleteDate"] == ""
    await box.advance(60)
    assert (await box.status(id), await box.listed("Outbox"), await box.listed("Sent")) == ("Completed", [], [id])
    details = await box.details(id)
    assert list(details) == [
        "FaxID", "Type", "FaxNumber", "Subject", "CreatedDate", "CompleteDate", "Status", "PageCount", "PageDelivered"
    ]  # fmt: skip
    assert details["Type"] == "Outbound" and details["FaxNumber"] == "15552010001"
    assert (details["PageCount"], details["PageDelivered"]) == ("2", "2")  # the cover counts
    assert re.fullmatch(r"\d{1,2}/\d{1,2}/\d{4} \d{1,2}:\d\d:\d\d [AP]M", details["CreatedDate"])


async def test_a_fax_to_another_account_arrives_in_its_inbox(box: Caller, other: Caller) -> None:
    await box.sent(recpfax="1 (555) 715-3333")
    assert await other.listed("Inbox") == []
    await box.advance(60)
    (id,) = await other.listed("Inbox")
    details = await other.details(id)
    assert (details["Type"], details["FaxNumber"], details["Status"]) == ("Inbound", ME, "Completed")
    assert details["PageDelivered"] == details["PageCount"] == "2"
    assert id.startswith("209")


async def test_accounts_do_not_see_each_other(box: Caller, other: Caller) -> None:
    id = await box.sent()
    assert await other.status(id) == "No fax with this id was found."
    assert await other.details(id) == {} and await other.listed("Outbox") == []


@pytest.mark.parametrize("path", ["faxstatus", "FAXSTATUS/", "FaxStatus"])
async def test_paths_have_no_case_and_an_optional_slash(box: Caller, path: str) -> None:
    id = await box.sent()
    response = await box.http.get(box.base_url.replace("/api/", "/API/") + path, params={"FAXID": id})
    assert "In Queue" in response.text


async def test_without_api_only_under_its_quirk(box: Caller) -> None:
    bare = box.base_url.removesuffix("api/") + "GetFaxList?folder=Inbox"
    assert (await box.http.get(bare)).status_code == 404
    await box.quirk(without_api=True)
    assert "<GetFaxList />" in (await box.http.get(bare)).text


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401),
        ("Basic", 401),
        ("Basic %%%", 401),
        ("Bearer abc", 401),
        ("Basic " + base64.b64encode(b"5557152222:wrong").decode(), 401),
        ("Basic " + base64.b64encode(b"15557152222:mypassword").decode(), 401),
        ("basic " + base64.b64encode(b"5557152222:mypassword").decode(), 200),
    ],
)
async def test_only_the_right_login_is_let_in(box: Caller, header: str | None, status: int) -> None:
    headers = {"Authorization": header} if header else {}
    async with httpx.AsyncClient(trust_env=False, verify=NO_TLS) as http:
        response = await http.get(box.base_url + "GetFaxList?folder=Inbox", headers=headers)
    assert response.status_code == status
    assert ("www-authenticate" in response.headers) is (status == 401)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "SendFax?recpfax=15552010001&filename=a.txt", 405),
        ("POST", "FaxStatus?faxid=1", 405),
        ("GET", "Nothing", 404),
        ("GET", "FaxStatus/more", 404),
        ("GET", "FaxStatus?faxid=%zz", 400),
        ("GET", "FaxStatus?faxid=" + "1" * 2043, 404),
        ("GET", "FaxStatus?faxid=" + "1" * 2042, 200),
    ],
)
async def test_refusals_are_html_pages_of_iis(box: Caller, method: str, path: str, status: int) -> None:
    response = await box.http.request(method, box.base_url + path)
    assert response.status_code == status
    assert response.headers["content-type"].startswith("text/html" if status != 200 else "text/xml")


async def test_what_is_no_http_gets_a_bare_400(box: Caller) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", httpx.URL(box.base_url).port)
    writer.write(b"EHLO fax.example.com\r\n\r\n")
    answer = await reader.read()
    assert answer.startswith(b"HTTP/1.1 400 ") and b"X-FaxCore-Sandbox" in answer
    writer.close()
    await writer.wait_closed()


async def test_every_reply_names_the_sandbox_and_follows_its_clock(box: Caller) -> None:
    await box.advance(86_400 * 30)
    for path in ("GetFaxList?folder=Inbox", "Nothing"):
        response = await box.http.get(path)
        assert response.headers["x-faxcore-sandbox"].startswith("mailfax-sandbox/")
        assert response.headers["cache-control"] == "private"
        assert len(response.headers.get_list("date")) == 1
        clock = await box.control("GET", "clock")
        assert abs(parsedate_to_datetime(response.headers["date"]).timestamp() - clock["now"]) < 3
        assert clock["now"] - clock["real"] == pytest.approx(86_400 * 30, abs=1)


@pytest.mark.parametrize("operation", ["FaxStatus", "GetFaxDetails", "DownloadFax", "DeleteFax"])
async def test_an_unknown_id_is_a_sentence(box: Caller, operation: str) -> None:
    response = await box.get(operation, faxid="999")
    assert response.status_code == 200
    assert f"<{operation}>\r\n    <Results>No fax with this id was found.</Results>" in response.text


@pytest.mark.parametrize("folder", ["Inbox", "Outbox", "Sent", "Failed", "Cancelled", "Hold", "Trash", "tRASH"])
async def test_all_seven_folders_are_there_and_empty(box: Caller, folder: str) -> None:
    assert "<ApiResponse>\r\n  <GetFaxList />\r\n</ApiResponse>" in (await box.get("GetFaxList", folder=folder)).text


async def test_an_unknown_folder_is_a_sentence(box: Caller) -> None:
    assert "The folder must be one of Inbox" in (await box.get("GetFaxList", folder="Spam")).text


# --- lists and flags ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "given", "hidden"),
    [
        ({}, {}, False),
        ({}, {"hidedownloaded": "true"}, True),
        ({}, {"hidedownloaded": "1"}, True),
        ({}, {"HideDownloaded": "YES"}, True),
        ({}, {"hidedownloaded": "false"}, False),
        ({}, {"hidedownloaded": "PDF"}, False),
        ({}, {"isdownloaded": "true"}, True),
        ({"isdownloaded_only": True}, {"hidedownloaded": "true"}, False),
        ({"isdownloaded_only": True}, {"isdownloaded": "true"}, True),
        ({"ignores_flag": True}, {"hidedownloaded": "true"}, False),
        ({"no_mark": True}, {"hidedownloaded": "true"}, False),
    ],
)
async def test_downloading_marks_and_the_flag_hides(
    box: Caller, quirk: dict[str, bool], given: dict[str, str], hidden: bool
) -> None:
    await box.quirk(**quirk)
    id = await box.sent()
    await box.get("DownloadFax", faxid=id, filetype="PDF")
    assert await box.listed("Outbox", **given) == ([] if hidden else [id])


async def test_lists_are_newest_first_and_a_quirk_caps_or_shuffles_them(box: Caller) -> None:
    ids = [await box.sent(subject=f"Fax {number}") for number in range(12)]
    assert await box.listed("Outbox") == ids[::-1]
    await box.quirk(cap=5)
    assert await box.listed("Outbox") == ids[::-1][:5]
    await box.quirk(cap=0, random_order=True)
    seen = [await box.listed("Outbox") for _ in range(5)]
    assert all(sorted(each) == ids for each in seen) and any(each != ids[::-1] for each in seen)


async def test_expired_faxes_vanish(box: Caller) -> None:
    id = await box.sent()
    await box.quirk(expiry=10)
    assert await box.listed("Outbox") == [id]
    await box.advance(601)
    assert await box.listed("Sent") == [] and "No fax" in await box.status(id)


# --- details --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("quirk", "element", "value"),
    [
        ({"min_date": True}, "CompleteDate", "1/1/0001 12:00:00 AM"),
        ({"cut_subject": 7}, "Subject", "Invoice"),
        ({"novel_words": True}, "Status", "Lined Up"),
    ],
)
async def test_details_under_a_quirk(box: Caller, quirk: dict[str, Any], element: str, value: str) -> None:
    id = await box.sent()
    await box.quirk(**quirk)
    assert (await box.details(id))[element] == value


async def test_a_fixed_zone_differs_in_summer_only(box: Caller) -> None:
    clock = await box.control("GET", "clock")
    july = parsedate_to_datetime("Wed, 14 Jul 2027 12:00:00 GMT").timestamp()
    await box.advance((july - clock["now"]) % (366 * 86_400))
    id = await box.sent()
    local = (await box.details(id))["CreatedDate"]
    await box.quirk(fixed_zone=True)
    assert (await box.details(id))["CreatedDate"] != local


async def test_the_own_number_as_fax_number(box: Caller, other: Caller) -> None:
    await box.sent(recpfax=OTHER)
    await box.advance(60)
    await box.quirk(own_number=True)
    (id,) = await other.listed("Inbox")
    assert (await other.details(id))["FaxNumber"] == OTHER


async def test_guids_for_ids(box: Caller) -> None:
    await box.quirk(guid=True)
    id = await box.sent()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", id)
    assert await box.status(id) == "In Queue"


@pytest.mark.parametrize(
    ("quirk", "status", "said"), [("error_element", 200, "<Error>No fax"), ("all_500", 500, "<h1>")]
)
async def test_business_errors_under_a_quirk(box: Caller, quirk: str, status: int, said: str) -> None:
    await box.quirk(**{quirk: True})
    response = await box.get("FaxStatus", faxid="1")
    assert response.status_code == status and said in response.text


async def test_the_length_of_the_query_can_be_limited_further(box: Caller) -> None:
    await box.quirk(query_limit=100)
    assert (await box.get("FaxStatus", faxid="1" * 95)).status_code == 404
    assert (await box.get("FaxStatus", faxid="1" * 90)).status_code == 200


@pytest.mark.parametrize("status", ["429", "503"])
async def test_above_the_rate_limit_it_says_when_to_come_back(box: Caller, other: Caller, status: str) -> None:
    await box.quirk(rate_limit=2, rate_status=status)
    answers = [await box.get("GetFaxList", folder="Inbox") for _ in range(3)]
    assert [each.status_code for each in answers] == [200, 200, int(status)]
    assert 50 <= int(answers[-1].headers["retry-after"]) <= 60
    assert (await other.get("GetFaxList", folder="Inbox")).status_code == 200
    await box.advance(61)
    assert (await box.get("GetFaxList", folder="Inbox")).status_code == 200


# --- download and delete --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("filetype", "start"), [("PDF", b"%PDF-"), ("TIF", b"II*\0"), ("tif", b"II*\0"), ("", b"%PDF-")]
)
async def test_a_download_is_one_line_of_base64(box: Caller, filetype: str, start: bytes) -> None:
    response = await box.get("DownloadFax", faxid=await box.sent(), filetype=filetype)
    assert response.headers["content-type"].startswith("text/plain")
    assert b"\n" not in response.content
    assert base64.b64decode(response.content, validate=True).startswith(start)


@pytest.mark.parametrize("download", ["wrapped", "76_columns", "quoted_json", "raw"])
async def test_a_download_in_another_wrapping_holds_the_same_file(box: Caller, download: str) -> None:
    id = await box.sent()
    usual = base64.b64decode((await box.get("DownloadFax", faxid=id, filetype="TIF")).content)
    await box.quirk(download=download)
    response = await box.get("DownloadFax", faxid=id, filetype="TIF")
    if download == "raw":
        assert response.content == usual and response.headers["content-type"] == "image/tiff"
        return
    text = response.text
    if download == "wrapped":
        text = text.split("<Results>")[1].split("</Results>")[0]
    elif download == "quoted_json":
        text = response.json()
    else:
        assert max(map(len, text.split("\r\n"))) == 76
    assert base64.b64decode(text) == usual


async def test_a_download_of_another_type_is_refused_with_a_sentence(box: Caller) -> None:
    assert "must be PDF or TIF" in (await box.get("DownloadFax", faxid=await box.sent(), filetype="DOC")).text


async def test_deleting_moves_to_trash_and_then_destroys(box: Caller) -> None:
    id = await box.sent()
    assert "<DeleteFax>\r\n    <Results>OK</Results>" in (await box.get("DeleteFax", faxid=id)).text
    assert (await box.listed("Trash"), await box.status(id)) == ([id], "Cancelled")
    await box.advance(3600)
    assert await box.listed("Sent") == []
    await box.get("DeleteFax", faxid=id)
    assert await box.listed("Trash") == [] and "No fax" in await box.status(id)


async def test_deleting_what_was_delivered_keeps_its_status(box: Caller) -> None:
    id = await box.sent()
    await box.advance(60)
    assert await box.listed("Sent") == [id]
    await box.get("DeleteFax", faxid=id)
    assert (await box.listed("Trash"), await box.status(id)) == ([id], "Completed")


# --- faults on what is read -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("action", "status"),
    [("error_before", 500), ("error_after", 500), ("unauthorized", 401), ("unavailable", 503), ("throttled", 429)],
)
async def test_a_fault_rule_answers_in_the_place_of_the_resource(box: Caller, action: str, status: int) -> None:
    id = await box.sent()
    await box.control("POST", "faults", operation="DeleteFax", action=action)
    assert (await box.get("DeleteFax", faxid=id)).status_code == status
    assert await box.listed("Trash") == ([id] if action.endswith("after") else [])
    assert (await box.last_request())["fault"] == ""
    assert (await box.get("FaxStatus", faxid=id)).status_code == 200


@pytest.mark.parametrize("action", ["drop_before", "drop_after", "cut_after"])
async def test_a_dropped_connection_is_really_dropped(box: Caller, action: str) -> None:
    id = await box.sent()
    await box.control("POST", "faults", operation="DownloadFax", action=action)
    with pytest.raises(httpx.RemoteProtocolError):
        await box.get("DownloadFax", faxid=id, filetype="PDF")
    assert (await box.last_request())["outcome"] == "dropped"
    assert (await box.faxes())[0]["downloaded"] is (action != "drop_before")
    assert (await box.get("DownloadFax", faxid=id)).status_code == 200


async def test_a_garbled_download_is_no_base64(box: Caller) -> None:
    id = await box.sent()
    await box.control("POST", "faults", operation="DownloadFax", action="garbled_after")
    with pytest.raises(binascii.Error):
        base64.b64decode((await box.get("DownloadFax", faxid=id)).content, validate=True)


async def test_a_late_reply_comes_in_the_end(box: Caller) -> None:
    await box.quirk(reply_delay_seconds=0)
    await box.control("POST", "faults", operation="GetFaxList", action="late_after")
    assert (await box.get("GetFaxList", folder="Inbox")).status_code == 200


async def test_concurrent_submissions_get_ids_of_their_own(box: Caller) -> None:
    ids = await asyncio.gather(*(box.sent(subject=f"Fax {number}", recpfax=magic("00")) for number in range(20)))
    assert len(set(ids)) == 20 and set(await box.listed("Sent")) == set(ids)
