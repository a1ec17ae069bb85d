"""SendFax: what is taken and refused, every magic number from 10 on, and what IIS might have refused."""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import AsyncIterator

import httpx
import pytest

from mailfax.sandbox.families import EXTENSIONS
from mailfax.sandbox.sending import Sending
from tests.sandbox.conftest import ME, ORDINARY, PASSWORD, Caller, magic

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recpfax": ""}, "recpfax is required"),
        ({"recpfax": "12345"}, "7 to 15 digits"),
        ({"recpfax": "1" * 16}, "7 to 15 digits"),
        ({"recpfax": "1555CALLNOW"}, "7 to 15 digits"),
        ({"recpfax": "٣٣٣٣٣٣٣٣"}, "7 to 15 digits"),
        ({"filename": ""}, "filename is required"),
        ({"filename": "a.exe"}, "not supported"),
        ({"filename": "noextension"}, "not supported"),
        ({"filename": "a.pdf.zip"}, "not supported"),
        ({"recpfax": magic("10")}, "blocked"),
    ],
)
async def test_what_can_not_be_faxed_is_refused_with_a_sentence(
    box: Caller, given: dict[str, str], said: str
) -> None:
    response = await box.send(**given)
    assert response.status_code == 200 and said in response.text and "<SendFax>\r\n    <Results>" in response.text
    assert await box.faxes() == []


async def test_an_empty_body_is_refused(box: Caller) -> None:
    assert "attachment is empty" in (await box.send(b"")).text


@pytest.mark.parametrize("recpfax", ["5552010001", "1 (555) 201-0001", "+1.555.201.0001", "0044 20 7946 0018"])
async def test_numbers_are_taken_with_the_usual_signs_and_echoed_as_sent(box: Caller, recpfax: str) -> None:
    id = await box.sent(recpfax=recpfax)
    assert (await box.details(id))["FaxNumber"] == recpfax


@pytest.mark.parametrize("extension", [*EXTENSIONS, "PDF", "Docx"])
async def test_every_family_of_the_reference_is_taken(box: Caller, extension: str) -> None:
    assert await box.sent(b"anything", filename=f"Angebot für Müller.{extension}", recpfax=ORDINARY)


async def test_bytes_are_kept_as_they_came_whatever_the_content_type(box: Caller) -> None:
    body = bytes(range(256)) * 1000 + b"a=b&c=%zz+"
    await box.send(body, filename="a.pcl")
    (fax,) = await box.faxes()
    assert (fax["size"], fax["sha256"]) == (len(body), hashlib.sha256(body).hexdigest())
    assert fax["content_type"] == "application/x-www-form-urlencoded"
    kept = await box.control_http.get(f"faxes/{fax['id']}/document")
    assert kept.content == body and kept.headers["content-security-policy"] == "sandbox"


async def test_text_of_the_query_is_utf_8_and_else_as_windows_reads_it(box: Caller) -> None:
    url = box.base_url + "SendFax?recpfax=15552010001&FileName=a.txt&Subject=Gr%C3%BC%C3%9Fe+%2B&RECPNAME=M%FCller"
    await box.http.post(url, content=b"x")
    (fax,) = await box.faxes()
    assert (fax["subject"], fax["cover"]["recpname"]) == ("Grüße +", "Müller")


@pytest.mark.parametrize(
    "given", [{}, {"subject": "s"}, {"notes": "n"}, {"sendername": "s"}, {"recpname": "r"}, {"sendercompany": "c"}]
)
async def test_there_is_a_cover_when_any_cover_field_is_given(box: Caller, given: dict[str, str]) -> None:
    id = await box.sent(**{"subject": "", **given})
    assert (await box.details(id))["PageCount"] == ("2" if given else "1")


# --- sizes ----------------------------------------------------------------------------------------------------


async def test_a_body_above_thirty_million_bytes_is_404_and_leaves_nothing(box: Caller) -> None:
    too_long = b"x" * (Sending.LARGEST + 1)
    target = httpx.URL(box.base_url, params={"recpfax": ORDINARY, "filename": "a.txt"})
    reader, writer = await asyncio.open_connection("127.0.0.1", target.port)
    login = base64.b64encode(f"{ME}:{PASSWORD}".encode()).decode()
    head = (
        f"POST /api/SendFax?{target.query.decode()} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\n"
    )
    writer.write(f"{head}Content-Length: {len(too_long)}\r\n\r\n".encode())
    assert (await reader.readline()).startswith(b"HTTP/1.1 404 ")  # by what was announced, before the body
    writer.close()
    await writer.wait_closed()

    async def without_length() -> AsyncIterator[bytes]:
        for start in range(0, len(too_long), 1 << 20):
            yield too_long[start : start + (1 << 20)]

    response = await box.http.post(
        "SendFax", params={"recpfax": ORDINARY, "filename": "a.txt"}, content=without_length()
    )
    assert response.status_code == 404
    assert await box.faxes() == []


@pytest.mark.parametrize(
    ("quirk", "size", "taken"), [("four_megabytes", 4096 * 1024, True), ("four_megabytes", 4096 * 1024 + 1, False)]
)
async def test_four_megabytes_may_be_the_end(box: Caller, quirk: str, size: int, taken: bool) -> None:
    await box.quirk(**{quirk: True})
    response = await box.send(b"x" * size)
    assert response.status_code == (200 if taken else 500)
    assert len(await box.faxes()) == taken


async def test_a_form_parser_fails_on_the_form_content_type_only(box: Caller) -> None:
    await box.quirk(form_parser=True)
    assert (await box.send()).status_code == 500 and await box.faxes() == []
    params = {"recpfax": ORDINARY, "filename": "a.txt"}
    response = await box.http.post("SendFax", params=params, content=b"x", headers={"Content-Type": "text/plain"})
    assert response.status_code == 200 and len(await box.faxes()) == 1


# --- magic numbers --------------------------------------------------------------------------------------------


async def outcome(box: Caller, code: str) -> int | str:
    """The status of the reply, or how the connection broke."""
    try:
        return (await box.send(recpfax=magic(code))).status_code
    except httpx.TransportError as problem:
        return type(problem).__name__


@pytest.mark.parametrize(
    ("code", "heard", "accepted"),
    [
        ("00", 200, 1),
        ("20", "RemoteProtocolError", 1),
        ("21", "RemoteProtocolError", 0),
        ("22", 500, 1),
        ("23", 500, 0),
        ("25", 401, 0),
        ("26", 503, 0),
        ("27", 200, 1),
        ("28", 200, 2),
        ("29", "RemoteProtocolError", 1),
    ],
)
async def test_a_magic_number_is_accepted_or_not_and_heard_or_not(
    box: Caller, code: str, heard: int | str, accepted: int
) -> None:
    assert await outcome(box, code) == heard
    assert len(await box.faxes()) == accepted


async def test_a_large_upload_to_21_is_cut_off_in_its_middle(box: Caller) -> None:
    with pytest.raises(httpx.TransportError):
        await box.send(b"x" * 20_000_000, recpfax=magic("21"))
    assert await box.faxes() == []


@pytest.mark.parametrize(
    ("code", "after", "folder", "status", "delivered"),
    [
        ("00", 0, "Sent", "Completed", "2"),
        ("01", 1000, "Failed", "Failed", "0"),
        ("02", 1000, "Failed", "Failed", "0"),
        ("03", 60, "Failed", "Failed", "0"),
        ("04", 60, "Failed", "Failed", "0"),
        ("05", 60, "Failed", "Failed", "1"),
        ("06", 1e7, "Outbox", "In Queue", "0"),
        ("07", 3500, "Outbox", "Processing", "0"),
        ("07", 3601, "Sent", "Completed", "2"),
        ("08", 10, "Cancelled", "Cancelled", "0"),
        ("09", 10, "Hold", "On Hold", "0"),
        ("11", 60, "Failed", "Failed", "0"),
        ("12", 20, "Outbox", "Awaiting Carrier", "0"),
        ("12", 70, "Sent", "Completed", "2"),
    ],
)
async def test_a_magic_number_ends_in_its_folder(
    box: Caller, code: str, after: float, folder: str, status: str, delivered: str
) -> None:
    id = await box.sent(recpfax=magic(code))
    await box.advance(after)
    assert await box.listed(folder) == [id]
    details = await box.details(id)
    assert (details["Status"], details["PageDelivered"]) == (status, delivered)
    assert bool(details["CompleteDate"]) is (folder not in ("Outbox", "Hold"))


@pytest.mark.parametrize(("code", "status"), [("25", 401), ("26", 503)])
async def test_first_call_only_is_once_for_each_fax(box: Caller, code: str, status: int) -> None:
    calls = [{"subject": "one"}, {"subject": "one"}, {"subject": "two"}, {"subject": "two"}]
    heard = [(await box.send(recpfax=magic(code), **each)).status_code for each in calls]
    assert heard == [status, 200, status, 200]
    assert (await box.send(b"another document", recpfax=magic(code), subject="one")).status_code == status
    assert len(await box.faxes()) == 2


async def test_503_names_a_time(box: Caller) -> None:
    assert int((await box.send(recpfax=magic("26"))).headers["retry-after"]) > 0


async def test_27_is_200_with_xml_that_nobody_can_read(box: Caller) -> None:
    response = await box.send(recpfax=magic("27"))
    assert response.headers["content-type"].startswith("text/xml") and b"</ApiResponse>" not in response.content


async def test_28_names_the_first_of_its_two_ids(box: Caller) -> None:
    id = await box.sent(recpfax=magic("28"))
    assert (await box.faxes())[0]["id"] == id


async def test_24_is_accepted_at_once_and_answered_too_late(box: Caller) -> None:
    await box.quirk(reply_delay_seconds=100)
    with pytest.raises(httpx.ReadTimeout):
        await box.http.post(
            "SendFax",
            params={"recpfax": magic("24"), "filename": "a.txt"},
            content=b"x",
            timeout=httpx.Timeout(5, read=0.3),
        )
    assert len(await box.listed("Outbox")) == 1


async def test_29_is_seen_only_minutes_later_by_the_clock(box: Caller) -> None:
    await box.quirk(listed_after_minutes=5)
    with pytest.raises(httpx.RemoteProtocolError):
        await box.send(recpfax=magic("29"))
    (fax,) = await box.faxes()
    await box.advance(290)
    assert await box.listed("Sent") == [] and "No fax" in await box.status(fax["id"])
    await box.advance(10)
    assert await box.listed("Sent") == [fax["id"]] and await box.status(fax["id"]) == "Completed"


async def test_a_rule_goes_before_the_magic_of_the_number(box: Caller) -> None:
    await box.control("POST", "faults", operation="SendFax", action="error_before")
    assert await outcome(box, "20") == 500
    assert await outcome(box, "20") == "RemoteProtocolError"


@pytest.mark.parametrize(
    ("action", "accepted"),
    [("drop_before", 0), ("drop_after", 1), ("cut_after", 1), ("hidden_after", 1), ("error_after", 1), ("twice", 2)],
)
async def test_rules_for_sendfax_accept_or_not(box: Caller, action: str, accepted: int) -> None:
    await box.control("POST", "faults", operation="SendFax", action=action)
    await outcome(box, "00")
    assert len(await box.faxes()) == accepted


# --- what IIS might have refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "body", "warned"),
    [
        ("recpfax=+15552010001&filename=a.txt", b"x", "%2B"),
        ("recpfax=15552010001&filename=a.txt&notes=%3Cb%3Ehi", b"x", "markup"),
        ("recpfax=15552010001&filename=a.txt&notes=%26%2365;", b"x", "markup"),
        ("recpfax=15552010001&filename=a.txt&notes=%07", b"x", "control characters"),
        ("recpfax=15552010001&filename=a.txt&faxattachment=x", b"x", "faxattachment"),
        ("recpfax=15552010001&filename=a.pdf", base64.b64encode(b"%PDF-1.4 " * 20), "base64"),
        ("recpfax=15552010001&filename=a.pdf", b"II*\0" + b"x" * 90, "looks like TIFF"),
    ],
)
async def test_a_clients_mistake_is_written_down(box: Caller, query: str, body: bytes, warned: str) -> None:
    await box.http.post(box.base_url + "SendFax?" + query, content=body)
    entry = await box.last_request()
    assert warned in " ".join(entry["warnings"])
    assert entry["account"] == ME and PASSWORD not in str(entry)


async def test_a_faultless_call_has_no_warnings_and_its_repetition_has_one(box: Caller) -> None:
    await box.send(notes="2 < 3 & so on")
    assert (await box.last_request())["warnings"] == []
    await box.send(notes="2 < 3 & so on")
    assert "same number, subject and bytes" in str((await box.last_request())["warnings"])
    assert len(await box.faxes()) == 2


def test_the_families_are_those_of_the_reference() -> None:
    named = "html htm mhtml xhtml pdf doc xls ppt bmp gif jpeg png tiff xps pcl rtf txt xml"
    assert set(named.split()) | set(["docx", "xlsx", "pptx", "jpg", "tif", "mht"]) == set(EXTENSIONS)
