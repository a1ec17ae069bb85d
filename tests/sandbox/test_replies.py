"""Replies are the reference's examples, character for character, with CRLF line ends."""

from __future__ import annotations

import json

import pytest

from mailfax.sandbox.quirks import Quirks
from mailfax.sandbox.replies import Reply, business_error, error_page, fax_ids, garbled, results

SEND_FAX = """\
<?xml version="1.0" encoding="utf-8"?>
<ApiResponse>
  <SendFax>
    <Results>209608080375</Results>
  </SendFax>
</ApiResponse>"""
FAX_STATUS = """\
<?xml version="1.0" encoding="utf-8"?>
<ApiResponse>
  <FaxStatus>
    <Results>In Queue</Results>
  </FaxStatus>
</ApiResponse>"""
GET_FAX_LIST = """\
<?xml version="1.0" encoding="utf-8"?>
<ApiResponse>
  <GetFaxList>
    <FaxId>208107838349</FaxId>
    <FaxId>208107838241</FaxId>
  </GetFaxList>
</ApiResponse>"""
EMPTY_LIST = """\
<?xml version="1.0" encoding="utf-8"?>
<ApiResponse>
  <GetFaxList />
</ApiResponse>"""
GET_FAX_DETAILS = """\
<?xml version="1.0" encoding="utf-8"?>
<ApiResponse>
  <GetFaxDetails>
    <Results>
      <FaxID>209208083966</FaxID>
      <Type>Outbound</Type>
      <FaxNumber>72088884441</FaxNumber>
      <Subject>Test Subject</Subject>
      <CreatedDate>10/26/2013 10:54:18 PM</CreatedDate>
      <CompleteDate />
      <Status>Completed</Status>
      <PageCount>1</PageCount>
      <PageDelivered>1</PageDelivered>
    </Results>
  </GetFaxDetails>
</ApiResponse>"""
DETAILS = (
    ("FaxID", "209208083966"),
    ("Type", "Outbound"),
    ("FaxNumber", "72088884441"),
    ("Subject", "Test Subject"),
    ("CreatedDate", "10/26/2013 10:54:18 PM"),
    ("CompleteDate", ""),
    ("Status", "Completed"),
    ("PageCount", "1"),
    ("PageDelivered", "1"),
)
PLAIN = Quirks()


@pytest.mark.parametrize(
    ("reply", "printed"),
    [
        (results("SendFax", "209608080375", PLAIN, ""), SEND_FAX),
        (results("FaxStatus", "In Queue", PLAIN, ""), FAX_STATUS),
        (fax_ids(["208107838349", "208107838241"], PLAIN, ""), GET_FAX_LIST),
        (fax_ids([], PLAIN, ""), EMPTY_LIST),
        (results("GetFaxDetails", DETAILS, PLAIN, ""), GET_FAX_DETAILS),
        (
            results("DeleteFax", "OK", PLAIN, ""),
            SEND_FAX.replace("SendFax", "DeleteFax").replace("209608080375", "OK"),
        ),
    ],
)
def test_a_reply_is_as_printed(reply: Reply, printed: str) -> None:
    assert reply.body == printed.replace("\n", "\r\n").encode()
    assert (reply.status, reply.content_type) == (200, "text/xml; charset=utf-8")


@pytest.mark.parametrize(
    ("quirks", "start"),
    [
        (Quirks(bom=True), b'\xef\xbb\xbf<?xml version="1.0" encoding="utf-8"?>'),
        (Quirks(utf16_decl=True), b'<?xml version="1.0" encoding="utf-16"?>'),
        (Quirks(leading_newline=True), b"\r\n<?xml"),
        (Quirks(namespace=True), b'<?xml version="1.0" encoding="utf-8"?>\r\n<ApiResponse xmlns="urn:faxcore:api">'),
    ],
)
def test_xml_dressed_by_a_quirk_changes_only_its_start(quirks: Quirks, start: bytes) -> None:
    body = results("SendFax", "1", quirks, "").body
    assert body.startswith(start)
    assert body.endswith(b"<Results>1</Results>\r\n  </SendFax>\r\n</ApiResponse>")


def test_the_list_may_be_wrapped() -> None:
    body = fax_ids(["1"], Quirks(list_results=True), "").body
    assert b"  <GetFaxList>\r\n    <Results>\r\n      <FaxId>1</FaxId>\r\n    </Results>\r\n  </GetFaxList>" in body


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("a < b & c > d", "a &lt; b &amp; c &gt; d"),
        ("two\nlines", "two\nlines"),
        ("old\rmac", "old&#xD;mac"),
        ("bell\x07 \ud800 \ufffe", "bell\ufffd \ufffd \ufffd"),
        ("naïve Ελλ 漢 😀", "naïve Ελλ 漢 😀"),
    ],
)
def test_text_is_escaped_so_that_xml_stays_xml(text: str, written: str) -> None:
    assert f"<Results>{written}</Results>".encode() in results("FaxStatus", text, PLAIN, "").body


@pytest.mark.parametrize(
    ("accept", "is_json"), [("", True), ("*/*", True), ("application/xml", False), ("text/xml", False)]
)
def test_under_negotiation_xml_must_be_asked_for(accept: str, is_json: bool) -> None:
    reply = results("FaxStatus", "In Queue", Quirks(negotiates=True), accept)
    assert reply.content_type.startswith("application/json") is is_json
    if is_json:
        assert json.loads(reply.body) == {"ApiResponse": {"FaxStatus": {"Results": "In Queue"}}}


def test_business_errors_are_200_with_a_sentence_unless_a_quirk_says_otherwise() -> None:
    usual = business_error("FaxStatus", "No such fax.", PLAIN, "")
    assert usual == results("FaxStatus", "No such fax.", PLAIN, "")
    assert (
        b"<ApiResponse>\r\n  <Error>No such fax.</Error>\r\n"
        in business_error("X", "No such fax.", Quirks(error_element=True), "").body
    )
    assert business_error("X", "No such fax.", Quirks(all_500=True), "").status == 500


@pytest.mark.parametrize("status", [400, 401, 404, 405, 429, 500, 503])
def test_an_error_page_is_html_and_says_its_status(status: int) -> None:
    page = error_page(status)
    assert page.content_type.startswith("text/html")
    assert page.body.startswith(b"<!DOCTYPE html>") and f"HTTP {status}".encode() in page.body
    assert ("WWW-Authenticate" in dict(page.headers)) is (status == 401)


def test_garbled_xml_is_neither_xml_nor_utf_8() -> None:
    body = garbled(results("SendFax", "1", PLAIN, "")).body
    assert b"</ApiResponse>" not in body
    with pytest.raises(UnicodeDecodeError):
        body.decode()
