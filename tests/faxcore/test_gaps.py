"""The 44 gaps of the vendor's reference, one test each, named after the rows of docs/faxcore-quirks.md.

Rows that are nobody's here (the workers', the rules') are in that document's table; what stands below for them is
what this room guarantees to those who decide.
"""

from __future__ import annotations

import base64
import io
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mailfax.faxcore import errors
from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.cover import FILENAME_OCTETS, QUERY_OCTETS
from mailfax.faxcore.values import (
    CoverFields,
    FaxUpload,
    Folder,
    Progress,
    as_sent,
    fits,
    notes_budget,
    progress_of,
    query_for,
    same_number,
)

pytestmark = pytest.mark.anyio

ID = "209608080375"


async def ids_of(core: FaxCore, folder: Folder = Folder.INBOX, **flags: bool) -> list[str]:
    return [fax_id async for fax_id in core.list_folder(folder, **flags)]


@pytest.fixture
def telling(serve, client, wire):
    """A client whose server gives this body to every call, and that server."""

    async def tell(body: str | bytes, **headers: str):
        server = await serve(wire.says(wire.reply(body, **headers)))
        return client(server), server

    return tell


def details(**changed: str) -> str:
    fields = {
        "FaxID": ID,
        "Type": "Outbound",
        "FaxNumber": "15551234567",
        "Subject": "Invoice",
        "CreatedDate": "7/1/2026 3:04:05 AM",
        "CompleteDate": "",
        "Status": "In Queue",
        "PageCount": "2",
        "PageDelivered": "1",
    } | changed
    inside = "".join(f"<{name}>{text}</{name}>" for name, text in fields.items())
    return f"<ApiResponse><GetFaxDetails><Results>{inside}</Results></GetFaxDetails></ApiResponse>"


def upload(filename: str = "fax.pdf", **cover: str) -> FaxUpload:
    return FaxUpload("15551234567", CoverFields(**cover), filename, 1_000)


def test_a1_there_is_no_built_in_host():
    with pytest.raises(TypeError, match="base_url"):
        FaxCore(username="u", password="p")


@pytest.mark.parametrize("path", ["/api", "/api/", "/api//", "/API/"])
async def test_a2_the_path_is_joined_without_doubling(serve, client, wire, path):
    server = await serve(wire.says(wire.reply(wire.results("FaxStatus", "Sent"))))
    await client(f"http://127.0.0.1:{server.port}{path}").fax_status(ID)
    assert server.heard[0].target == f"{path.rstrip('/')}/FaxStatus?faxid={ID}"


@pytest.mark.parametrize(
    "body",
    [
        "<ApiResponse><results>Sent</results></ApiResponse>",
        "<APIRESPONSE><a><b><RESULTS>Sent</RESULTS></b></a></APIRESPONSE>",
    ],
)
async def test_a3_results_are_found_at_any_depth_in_any_case(telling, body):
    core, _ = await telling(body)
    assert await core.fax_status(ID) == "Sent"


async def test_a3_ids_are_found_with_or_without_results(telling):
    core, _ = await telling(
        f"<ApiResponse><GetFaxList><Results><FaxId>{ID}</FaxId></Results></GetFaxList></ApiResponse>"
    )
    assert await ids_of(core) == [ID]


@pytest.mark.parametrize("name", ["FaxId", "FaxID", "faxid"])
async def test_a4_the_name_of_an_id_is_case_blind(telling, name):
    core, _ = await telling(f"<ApiResponse><GetFaxList><{name}>{ID}</{name}></GetFaxList></ApiResponse>")
    assert await ids_of(core) == [ID]


@pytest.mark.parametrize("hide, sent", [(False, "false"), (True, "true")])
async def test_a5_only_hidedownloaded_is_sent(telling, hide, sent):
    core, server = await telling("<ApiResponse/>")
    await ids_of(core, hide_downloaded=hide)
    assert server.heard[0].target == f"/api/GetFaxList?folder=Inbox&hidedownloaded={sent}"


async def test_a6_all_faxes_are_asked_for_unless_told_otherwise(telling):
    core, server = await telling("<ApiResponse/>")
    await ids_of(core)
    assert server.heard[0].target.endswith("hidedownloaded=false")


async def test_a7_raw_bytes_go_under_the_content_type_of_the_reference_or_another(serve, client, send, wire):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", ID))))
    await send(client(server))
    await send(client(server, content_type="application/octet-stream"))
    assert [heard.headers["content-type"] for heard in server.heard] == [
        "application/x-www-form-urlencoded",
        "application/octet-stream",
    ]
    assert all(heard.body.startswith(b"%PDF") for heard in server.heard)


def test_a8_faxattachment_is_no_parameter():
    assert "faxattachment" not in query_for(upload(subject="a", notes="b"))


async def test_a9_the_upload_is_raw(serve, client, send, wire):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", ID))))
    await send(client(server), document=b"\x00\xff+/=%")
    assert server.heard[0].body == b"\x00\xff+/=%"


async def test_a10_a_download_is_decoded_into_the_file_given(telling):
    pdf = b"%PDF-1.4\n" + bytes(range(256)) * 500
    core, server = await telling(base64.b64encode(pdf), content_type="text/plain")
    file = io.BytesIO()
    assert await core.download_fax(ID, filetype="PDF", to=file) == len(pdf)
    assert file.getvalue() == pdf
    assert server.heard[0].target == f"/api/DownloadFax?faxid={ID}&filetype=PDF"


async def test_a10_an_error_sentence_is_not_taken_for_pages(telling):
    core, _ = await telling("<ApiResponse><DownloadFax><Results>Fax not found</Results></DownloadFax></ApiResponse>")
    with pytest.raises(errors.NotKnown):
        await core.download_fax(ID, filetype="TIF", to=io.BytesIO())


async def test_a11_json_is_an_error_that_names_the_content_type(telling):
    core, server = await telling('{"FaxStatus": "Sent"}', content_type="application/json")
    with pytest.raises(errors.Unreadable) as raised:
        await core.fax_status(ID)
    assert "application/json" in raised.value.diagnostic
    assert server.heard[0].headers["accept"].startswith("application/xml")


async def test_a12_a_sentence_where_an_id_belongs_is_a_refusal(serve, client, send, wire):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", "Unsupported file format"))))
    with pytest.raises(errors.Refused) as raised:
        await send(client(server))
    assert raised.value.diagnostic == "Unsupported file format"


@pytest.mark.parametrize("fax_id", [ID, "3F2504E0-4F89-11D3-9A0C-0305E82C3301", "00209608080375"])
async def test_a13_an_id_is_an_opaque_text(serve, client, send, wire, fax_id):
    server = await serve(wire.says(wire.reply(wire.results("SendFax", f" {fax_id}\r\n"))))
    assert await send(client(server)) == fax_id


async def test_a14_an_unknown_word_is_pending_and_observed(telling):
    core, _ = await telling("<ApiResponse><Results>Levitating</Results></ApiResponse>")
    assert progress_of(await core.fax_status(ID)) is Progress.UNKNOWN
    assert core.observed.unknown_words == {"Levitating"}


async def test_a15_details_read_their_status_by_the_same_table(telling):
    core, _ = await telling(details(Status="in-queue"))
    assert (await core.fax_details(ID)).progress is Progress.PENDING


async def test_a16_dates_are_pacific_and_the_offset_is_learned_from_our_own_fax(telling):
    core, _ = await telling(details(CreatedDate="7/1/2026 3:04:05 AM"))
    assert (await core.fax_details(ID)).created == datetime(2026, 7, 1, 10, 4, 5, tzinfo=UTC)
    submitted = datetime(2026, 7, 1, 11, 4, 0, tzinfo=UTC)  # so the server is on PST in July
    assert (await core.fax_details(ID, submitted=submitted)).created == datetime(2026, 7, 1, 11, 4, 5, tzinfo=UTC)
    assert core.observed.hours_off == -1
    assert (await core.fax_details(ID)).created == datetime(2026, 7, 1, 11, 4, 5, tzinfo=UTC)


async def test_a16_the_zone_is_a_setting(serve, client, wire):
    server = await serve(wire.says(wire.reply(details())))
    core = client(server, server_timezone="Etc/GMT+8")
    assert (await core.fax_details(ID)).created == datetime(2026, 7, 1, 11, 4, 5, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "1/1/0001 12:00:00 AM", "never"])
async def test_a17_an_unfinished_fax_has_no_completion(telling, text):
    core, _ = await telling(details(CompleteDate=text))
    assert (await core.fax_details(ID)).completed is None


async def test_a18_numbers_are_compared_by_their_digits(telling):
    core, _ = await telling(details(FaxNumber="+1 (555) 123-4567"))
    number = (await core.fax_details(ID)).number
    assert number == "15551234567" and same_number(number, "5551234567")


@pytest.mark.parametrize("word, inbound", [("Inbound", True), ("INCOMING", True), ("Outbound", False), ("Fax", None)])
async def test_a19_the_type_word_is_read_or_left_open(telling, word, inbound):
    core, _ = await telling(details(Type=word, FaxNumber="anonymous"))
    found = await core.fax_details(ID)
    assert (found.inbound, found.number) == (inbound, "")


@pytest.mark.parametrize("text, count", [("3", 3), ("", None), ("n/a", None)])
async def test_a20_page_counts_are_integers_or_none(telling, text, count):
    core, _ = await telling(details(PageCount=text, PageDelivered=text))
    found = await core.fax_details(ID)
    assert (found.page_count, found.pages_delivered) == (count, count)


@pytest.mark.parametrize(
    "said, failure", [("OK", None), ("ok", None), ("Fax not found", errors.NotKnown), ("Busy", errors.Unreadable)]
)
async def test_a21_only_ok_is_a_deletion_and_no_cache_may_answer(telling, said, failure):
    core, server = await telling(f"<ApiResponse><DeleteFax><Results>{said}</Results></DeleteFax></ApiResponse>")
    if failure is None:
        await core.delete_fax(ID)
    else:
        with pytest.raises(failure):
            await core.delete_fax(ID)
    assert server.heard[0].headers["cache-control"] == "no-cache"


def test_a22_there_is_no_call_to_cancel_a_fax():
    calls = {name for name in vars(FaxCore) if not name.startswith("_")}
    assert calls == {"send_fax", "fax_status", "list_folder", "fax_details", "download_fax", "delete_fax", "aclose"}


async def test_a23_the_user_name_goes_out_as_it_is(serve, client, wire):
    server = await serve(wire.says(wire.reply("<ApiResponse/>")))
    await ids_of(client(server, username="5557152222"))
    assert base64.b64decode(server.heard[0].headers["authorization"].removeprefix("Basic ")).startswith(
        b"5557152222:"
    )


async def test_a24_the_password_is_utf8_and_may_hold_a_colon(serve, client, wire):
    server = await serve(wire.says(wire.reply("<ApiResponse/>")))
    await ids_of(client(server, password="geheim:Ö"))
    token = server.heard[0].headers["authorization"].removeprefix("Basic ")
    assert base64.b64decode(token).decode() == "5557152222:geheim:Ö"


@pytest.mark.parametrize("number", ["+15551234567", "555-123-4567", "15551234567,15551234568", "1555CALLNOW"])
def test_a25_a_number_is_digits_and_one(number):
    with pytest.raises(ValueError, match="digits"):
        FaxUpload(number, CoverFields(), "fax.pdf", 1)


@pytest.mark.parametrize("prefix, sent", [("", "15551234567"), ("+", "%2B15551234567"), ("011", "01115551234567")])
def test_a25_a_number_is_sent_as_the_service_wants_it(prefix, sent):
    made = FaxUpload("15551234567", CoverFields(), "fax.pdf", 1, prefix)
    assert query_for(made) == f"recpfax={sent}&filename=fax.pdf"
    with pytest.raises(ValueError, match="011"):
        FaxUpload("15551234567", CoverFields(), "fax.pdf", 1, "00")


@pytest.mark.parametrize("told", ["01149123456", "+49123456", "49123456"])
def test_a25_a_number_is_the_same_behind_whatever_prefix(told):
    assert same_number(told, "49123456")


def test_a26_empty_parameters_stay_away_but_number_and_filename():
    assert query_for(upload(subject="a")) == "subject=a&recpfax=15551234567&filename=fax.pdf"


def test_a27_the_filename_is_a_short_plain_base_name():
    name = re.search(r"filename=(.*)", query_for(upload("C:\\Scans\\" + "Ä" * 80 + " 1.PDF")))[1]
    assert len(name) <= FILENAME_OCTETS and re.fullmatch(r"[A-Za-z0-9._-]+\.pdf", name)


def test_a28_a_document_without_an_extension_is_a_mistake():
    with pytest.raises(ValueError, match="extension"):
        upload("fax")


def test_a29_names_and_subject_are_kept_short():
    sent = as_sent(upload(sender_name="n" * 100, subject="s" * 200))
    assert (len(sent.sender_name), len(sent.subject)) == (64, 128)


def test_a30_the_budget_of_the_notes_is_told_and_kept():
    budget = notes_budget(upload(subject="Rechnung für Grüße"))
    made = upload(subject="Rechnung für Grüße", notes="x" * budget)
    assert fits(made) and len(query_for(made)) == QUERY_OCTETS < 2_000


@pytest.mark.parametrize("status, page", [("413 Too Large", ""), ("404 Not Found", "HTTP Error 404.13 - Not Found")])
async def test_a31_a_document_that_is_too_large_is_refused_as_such(serve, client, send, wire, status, page):
    with pytest.raises(errors.Refused, match="too large"):
        await send(client(await serve(wire.says(wire.reply(page, status)))))


async def test_a32_a_rate_limit_is_not_sent_and_names_its_time(serve, client, send, wire):
    with pytest.raises(errors.NotSent) as raised:
        await send(client(await serve(wire.says(wire.reply("", "429 Too Many Requests", retry_after="60")))))
    assert raised.value.retry_after == 60.0


async def test_a33_ids_come_in_the_order_of_the_answer_with_nothing_concluded_from_it(telling):
    ids = ["3", "1", "2", "1"]
    core, _ = await telling("<ApiResponse>" + "".join(f"<FaxId>{i}</FaxId>" for i in ids) + "</ApiResponse>")
    assert await ids_of(core) == ids


@pytest.mark.parametrize(
    "inside", ["<GetFaxList />", "", "<GetFaxList><FaxId/></GetFaxList>", "<Results>No faxes found.</Results>"]
)
async def test_a34_an_empty_list_in_every_shape(telling, inside):
    core, _ = await telling(f"<ApiResponse>{inside}</ApiResponse>")
    assert await ids_of(core) == []


async def test_a34_an_html_page_is_no_empty_list(telling):
    core, _ = await telling("<html><body>No faxes found.</body></html>", content_type="text/html")
    with pytest.raises(errors.Unreadable):
        await ids_of(core)


def test_a35_folders_are_spelled_as_in_the_reference():
    assert [*Folder] == ["Inbox", "Outbox", "Sent", "Failed", "Cancelled", "Hold", "Trash"]


async def test_a36_one_send_is_one_post_whatever_happens(serve, client, send):
    async def drop(heard, reader, writer):
        await reader.readexactly(int(heard.headers["content-length"]))
        writer.transport.abort()

    server = await serve(drop)
    with pytest.raises(errors.InDoubt):
        await send(client(server))
    assert server.connections == 1


async def test_a37_a_byte_order_mark_and_a_wrong_declaration_do_no_harm(telling):
    core, _ = await telling(
        b'\xef\xbb\xbf\n<?xml version="1.0" encoding="utf-16"?><ApiResponse><Results>Sent</Results></ApiResponse>'
    )
    assert await core.fax_status(ID) == "Sent"
    assert core.observed.byte_order_mark


def test_a38_the_reference_at_the_end_of_a_subject_survives_every_cut():
    assert as_sent(upload(subject="日本語" * 60 + " (Ref 7K3Q2M)")).subject.endswith("(Ref 7K3Q2M)")


async def test_a39_a_fax_that_is_not_known_is_not_a_failed_one(telling):
    core, _ = await telling("<ApiResponse><Results>Fax not found</Results></ApiResponse>")
    with pytest.raises(errors.NotKnown) as raised:
        await core.fax_status(ID)
    assert not isinstance(raised.value, errors.Refused)


async def test_a40_no_cache_may_answer(telling):
    core, server = await telling("<ApiResponse/>")
    await ids_of(core)
    assert server.heard[0].headers["cache-control"] == "no-cache"


def test_a41_no_typographic_quote_stands_in_the_code():
    for module in Path(errors.__file__).parent.glob("*.py"):
        assert not re.search("[“”]", module.read_text(encoding="utf-8")), module.name


def test_a42_there_is_no_switch_to_leave_tls_off():
    with pytest.raises(ValueError, match="https://"):
        FaxCore(base_url="http://api.example.com/api/", username="u", password="p")


@pytest.mark.parametrize("call", ["fax_status", "fax_details", "delete_fax"])
async def test_a43_every_call_about_a_fax_may_find_it_gone(telling, call):
    core, _ = await telling("<ApiResponse><Results>The message does not exist</Results></ApiResponse>")
    with pytest.raises(errors.NotKnown):
        await getattr(core, call)(ID)


async def test_a44_what_was_observed_can_be_read(telling):
    core, _ = await telling(
        "<ApiResponse><Results>R & D</Results></ApiResponse>",
        x_faxcore_sandbox="mailfax",
        date="Mon, 23 Nov 2026 12:00:00 GMT",
    )
    assert not core.observed.answers_as_faxcore
    await core.fax_status(ID)
    seen = core.observed
    assert (seen.answers_as_faxcore, seen.is_sandbox, seen.repaired) == (True, True, 1)
    assert seen.content_types == {"FaxStatus": "text/xml; charset=utf-8"}
    assert seen.server_date == datetime(2026, 11, 23, 12, tzinfo=UTC)
