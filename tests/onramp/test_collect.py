"""Every received fax is mailed once, or its trouble is told; and none stands in the way of another."""

from __future__ import annotations

import email
import io
import sys
import tempfile
from dataclasses import replace
from email.policy import SMTP
from pathlib import Path

import pikepdf
import pytest

from mailfax.config import Account, Limits, Route
from mailfax.onramp.collect import FAILED_EVERY
from mailfax.render import Renderer
from mailfax.rules.states import InboundState
from tests.offramp.pipeline import Sandbox
from tests.onramp.conftest import Inbox, OpenInbox

pytestmark = pytest.mark.anyio

#: Who hears of a fax that can't be had.
TOLD = [("office@example.com",), ("postmaster@example.com",)]


async def test_a_new_fax_is_mailed_once_with_its_pages(inbox: Inbox) -> None:
    fax_id = await inbox.drop_in(pages=3)
    await inbox.poll()
    fax = await inbox.fax(fax_id)
    assert (fax.state, fax.pages, fax.caller) == (InboundState.STORED, 3, "15557654321")
    (listed,) = await inbox.letters()
    assert (listed.about, listed.recipients) == (fax.queue_id, ("office@example.com",))
    letter = await inbox.spool.outbox.get(listed.letter_id)
    assert letter is not None
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    (attached,) = mail.iter_attachments()
    assert attached.get_content().startswith(b"%PDF")
    [shown] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    page = mail.get_body(("html",)) or next(part for part in mail.walk() if part.get_content_type() == "text/html")
    assert f"cid:{shown['Content-ID'].strip('<>')}" in page.get_content(), "its first page is shown"
    await inbox.poll()
    await inbox.poll()
    assert len(await inbox.letters()) == 1


async def test_between_two_polls_nothing_is_listed(inbox: Inbox) -> None:
    await inbox.poll()
    fax_id = await inbox.drop_in()
    inbox.clock.now += inbox.pipeline.account.poll_seconds - 1
    assert not await inbox.collect.round()
    inbox.clock.now += 1
    assert await inbox.collect.round()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED


async def test_each_mailbox_gets_a_letter_of_its_own(open_inbox: OpenInbox, account: Account) -> None:
    async with open_inbox(replace(account, deliver_to=("a@example.com", "b@example.com"))) as inbox:
        await inbox.collect.round()
        await inbox.drop_in()
        await inbox.poll()
        assert sorted(letter.recipients for letter in await inbox.letters()) == [
            ("a@example.com",),
            ("b@example.com",),
        ]


async def test_routes_say_who_gets_a_fax_and_history_says_which_route(inbox: Inbox, renderer: Renderer) -> None:
    inbox.routes = (
        Route(copy_to=("archive@example.com",)),
        Route(caller=("+1555765*",), deliver_to=("sales@example.com",)),
    )
    inbox.collect = inbox.collecting(renderer)
    fax_id = await inbox.drop_in()
    await inbox.poll()
    fax = await inbox.fax(fax_id)
    to = sorted(letter.recipients for letter in await inbox.letters())
    assert to == [("archive@example.com",), ("sales@example.com",)]
    assert "by route 2" in [line.detail for line in await inbox.spool.history.of(fax.queue_id)]


async def test_where_the_account_has_a_password_the_pdf_opens_with_it_alone(
    open_inbox: OpenInbox, account: Account
) -> None:
    async with open_inbox(replace(account, pdf_password="of the PDFs")) as inbox:
        await inbox.collect.round()
        fax_id = await inbox.drop_in(2)
        await inbox.fault("DownloadFax", "garbled_after")  # the PDF: the TIFF comes, and is no less locked
        await inbox.poll()
        (listed,) = await inbox.letters()
        letter = await inbox.spool.outbox.get(listed.letter_id)
        assert letter is not None
        mail = email.message_from_bytes(letter.content, policy=SMTP)
        (attached,) = mail.iter_attachments()
        content = attached.get_payload(decode=True)
        assert isinstance(content, bytes) and attached.get_content_type() == "application/pdf"
        with pytest.raises(pikepdf.PasswordError):
            pikepdf.open(io.BytesIO(content))
        with pikepdf.open(io.BytesIO(content), password="of the PDFs") as pdf:
            assert len(pdf.pages) == 2 and pdf.encryption.bits == 256
        assert not [part for part in mail.walk() if part.get_content_maintype() == "image"], "no page in clear"
        kept = await inbox.spool.content.read((await inbox.fax(fax_id)).content_id)
        assert kept.startswith(b"II*\0"), "the spool has what was received"


async def test_of_a_caller_on_the_junk_list_nobody_hears_and_its_pages_are_kept(
    inbox: Inbox, renderer: Renderer
) -> None:
    inbox.routes = (Route(caller=("+15557654321",), junk=True),)
    inbox.collect = inbox.collecting(renderer)
    fax_id = await inbox.drop_in(2)
    await inbox.poll()
    await inbox.poll()
    fax = await inbox.fax(fax_id)
    assert (fax.state, fax.pages, fax.caller) == (InboundState.JUNK, 2, "15557654321")
    assert await inbox.spool.outbox.listing() == []
    assert (await inbox.spool.content.read(fax.content_id)).startswith(b"%PDF")


async def test_trouble_with_a_fax_is_told_to_those_whom_its_route_means(inbox: Inbox, renderer: Renderer) -> None:
    inbox.routes = (
        Route(caller=("+1555765*",), deliver_to=("sales@example.com",)),
        Route(deliver_to=("rest@example.com",)),
    )
    inbox.collect = inbox.collecting(renderer)
    await inbox.drop_in()
    for _ in range(3):
        await inbox.fault("DownloadFax", "garbled_after", 2)
        await inbox.poll()
    assert sorted(letter.recipients for letter in await inbox.letters("alarm")) == [
        ("postmaster@example.com",),
        ("sales@example.com",),
    ]


@pytest.mark.parametrize(("first_run", "mailed"), [("baseline", 0), ("all", 1)])
async def test_what_lay_there_at_the_first_meeting_is_mailed_only_on_wish(
    open_inbox: OpenInbox, account: Account, first_run: str, mailed: int
) -> None:
    async with open_inbox(replace(account, first_run=first_run)) as inbox:
        await inbox.drop_in()
        await inbox.collect.round()
        assert len(await inbox.letters()) == mailed
        await inbox.drop_in()
        await inbox.poll()
        await inbox.poll()
        assert len(await inbox.letters()) == mailed + 1


async def test_a_fax_that_is_still_being_received_is_waited_for_and_not_counted(inbox: Inbox) -> None:
    fax_id = await inbox.drop_in()
    await inbox.fault("GetFaxDetails", "unavailable")
    await inbox.poll()
    await inbox.sandbox.control(f"faxes/{fax_id}/move", {"folder": "Outbox"})  # "In Queue": not all there
    await inbox.poll()
    fax = await inbox.fax(fax_id)
    assert (fax.state, fax.attempts, fax.problem) == (InboundState.LISTED, 0, "still being received")
    assert await inbox.letters() == []
    await inbox.sandbox.control(f"faxes/{fax_id}/move", {"folder": "Inbox"})
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED
    assert len(await inbox.letters()) == 1


async def test_a_fax_unreadable_three_times_is_reported_once_and_the_others_go_on(inbox: Inbox) -> None:
    bad, good = await inbox.drop_in(), await inbox.drop_in()
    for attempts in (1, 2, 3):
        await inbox.fault("DownloadFax", "garbled_after", 2)  # as PDF, and as TIFF
        await inbox.poll()
        assert (await inbox.fax(bad)).attempts == attempts
        assert (await inbox.fax(good)).state is InboundState.STORED
        assert len(await inbox.letters("alarm")) == (2 if attempts == 3 else 0)
    assert (await inbox.fax(bad)).state is InboundState.UNREADABLE
    assert sorted(letter.recipients for letter in await inbox.letters("alarm")) == TOLD
    await inbox.poll()
    assert (await inbox.fax(bad)).state is InboundState.UNREADABLE, "only daily from now on"
    inbox.clock.now += 86_400.0
    await inbox.poll()
    assert (await inbox.fax(bad)).state is InboundState.STORED
    assert (len(await inbox.letters()), len(await inbox.letters("alarm"))) == (2, 2)


@pytest.mark.parametrize(
    ("deliver_as", "came", "said"),
    [("pdf", b"II*\0", "The fax service's PDF file"), ("tiff", b"%PDF", "The fax service's TIFF file")],
)
async def test_where_one_form_is_damaged_the_other_one_comes(
    open_inbox: OpenInbox, account: Account, deliver_as: str, came: bytes, said: str
) -> None:
    async with open_inbox(replace(account, deliver_as=deliver_as)) as inbox:
        await inbox.collect.round()
        fax_id = await inbox.drop_in(2)
        await inbox.fault("DownloadFax", "garbled_after")
        await inbox.poll()
        fax = await inbox.fax(fax_id)
        assert (fax.state, fax.pages, fax.attempts) == (InboundState.STORED, 2, 1)
        [listed] = await inbox.letters()
        letter = await inbox.spool.outbox.get(listed.letter_id)
        assert letter is not None
        mail = email.message_from_bytes(letter.content, policy=SMTP)
        (attached,) = mail.iter_attachments()
        assert attached.get_payload(decode=True).startswith(came)
        assert said in " ".join(mail.get_body(("plain",)).get_content().split())
        [line] = [line for line in await inbox.spool.history.of(fax.queue_id) if "damaged" in line.detail]
        assert line.detail.endswith("is damaged")


@pytest.mark.parametrize("action", ["unavailable", "error_before"])
async def test_no_answer_about_the_other_form_says_nothing_against_the_fax(inbox: Inbox, action: str) -> None:
    fax_id = await inbox.drop_in()
    await inbox.fault("DownloadFax", "garbled_after")
    await inbox.fault("DownloadFax", action)
    await inbox.poll()
    fax = await inbox.fax(fax_id)
    assert (fax.state, fax.attempts) == (InboundState.LISTED, 0)
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED


async def test_a_fax_that_vanished_is_told_to_the_postmaster_and_to_whom_it_was_for(inbox: Inbox) -> None:
    gone, good = await inbox.drop_in(), await inbox.drop_in()
    await inbox.fault("GetFaxDetails", "unavailable")
    await inbox.poll()
    await inbox.sandbox.control(f"faxes/{gone}", method="DELETE")
    await inbox.poll()
    await inbox.poll()
    assert (await inbox.fax(gone)).state is InboundState.VANISHED
    assert (await inbox.fax(good)).state is InboundState.STORED
    assert sorted(letter.recipients for letter in await inbox.letters("alarm")) == TOLD


async def test_an_unforeseen_failure_with_one_fax_stops_no_other_and_is_counted(
    inbox: Inbox, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good = await inbox.drop_in(), await inbox.drop_in()
    inbox.marks_fail = [KeyError("of the first fax")]
    await inbox.poll()
    fax = await inbox.fax(bad)
    assert (fax.state, fax.attempts, fax.problem) == (InboundState.LISTED, 1, "KeyError while it was stored")
    assert fax.next_attempt_at > inbox.clock.now
    assert (await inbox.fax(good)).state is InboundState.STORED
    assert f"received fax {bad} could not be stored" in caplog.text
    await inbox.poll()
    assert (await inbox.fax(bad)).state is InboundState.STORED
    assert len(await inbox.letters()) == 2


async def test_trouble_of_our_own_disk_is_not_counted_against_a_fax(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    faxes = [await inbox.drop_in(), await inbox.drop_in()]
    with monkeypatch.context() as broken:
        broken.setattr(tempfile, "tempdir", str(tmp_path / "gone"))
        for _ in range(4):
            await inbox.poll()
    assert [(await inbox.fax(fax_id)).attempts for fax_id in faxes] == [0, 0]
    await inbox.poll()
    assert [(await inbox.fax(fax_id)).state for fax_id in faxes] == [InboundState.STORED] * 2
    assert await inbox.letters("alarm") == []


async def test_a_converter_that_does_not_work_now_makes_no_fax_unreadable(
    inbox: Inbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    fax_id = await inbox.drop_in()
    working, inbox.collect = inbox.collect, inbox.collecting(Renderer(paper="letter", limits=Limits()))
    with monkeypatch.context() as broken:
        broken.setattr(sys, "executable", "/bin/false")  # the foreman does not come up
        for _ in range(4):
            await inbox.poll()
    fax = await inbox.fax(fax_id)
    assert (fax.state, fax.attempts) == (InboundState.LISTED, 0)
    assert await inbox.letters("alarm") == []
    inbox.collect = working
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED


async def test_trouble_with_the_account_pauses_it_and_puts_the_fax_that_met_it_behind(
    inbox: Inbox, sandbox: Sandbox
) -> None:
    met, other = await inbox.drop_in(), await inbox.drop_in()
    await inbox.fault("GetFaxDetails", "unauthorized")
    await inbox.poll()
    assert (await inbox.spool.accounts.state("main")).paused
    assert ((await inbox.fax(met)).attempts, (await inbox.fax(other)).attempts) == (0, 0)
    assert [fax.fax_id for fax in await inbox.spool.inbound.due("main")] == [other]
    await inbox.spool.accounts.resume("main")
    await inbox.poll()
    assert len(await inbox.letters()) == 2


async def test_pages_that_are_damaged_are_reported_after_three_tries(inbox: Inbox, tmp_path: Path) -> None:
    fax_id = await inbox.drop_in()
    inbox.marks_fail = [KeyError("so that its pages are drawn over there, and not stored here")] * 2
    for form in ("pdf", "tif"):
        await inbox.poll()
        (drawn,) = (tmp_path / "sandbox" / "drawn").rglob(f"*.{form}*")
        drawn.write_bytes(drawn.read_bytes()[:-900])
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.UNREADABLE
    assert await inbox.letters() == []
    assert sorted(letter.recipients for letter in await inbox.letters("alarm")) == TOLD


async def test_a_fax_that_is_not_given_out_for_hours_is_reported_once_and_tried_on(inbox: Inbox) -> None:
    fax_id = await inbox.drop_in()
    await inbox.sandbox.control("faults", {"operation": "DownloadFax", "action": "error_before", "count": None})
    for _ in range(15):
        await inbox.poll()
        assert (await inbox.fax(fax_id)).state is InboundState.LISTED
    assert await inbox.letters("alarm") == []
    for _ in range(6):
        await inbox.poll()
    fax = await inbox.fax(fax_id)
    assert (fax.state, fax.attempts, fax.problem) == (InboundState.UNREADABLE, 0, "HTTP 500")
    assert len(await inbox.letters("alarm")) == 2
    await inbox.sandbox.control("faults", method="DELETE")
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED, "not only daily"
    assert (len(await inbox.letters()), len(await inbox.letters("alarm"))) == (1, 2)


async def test_a_clock_that_leaps_makes_no_fax_one_that_is_not_given_out_for_hours(inbox: Inbox) -> None:
    fax_id = await inbox.drop_in()
    await inbox.fault("GetFaxDetails", "unavailable")
    await inbox.poll()
    inbox.clock.leap(86_400)
    await inbox.fault("GetFaxDetails", "unavailable")
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.LISTED
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED


async def test_a_service_that_does_not_answer_is_listed_less_and_less_often(inbox: Inbox) -> None:
    await inbox.sandbox.control("faults", {"operation": "GetFaxList", "action": "error_before", "count": None})
    await inbox.sandbox.control("requests", method="DELETE")
    lists = []
    for _ in range(3):
        for _ in range(3600 // 10):
            inbox.clock.now += 10
            await inbox.collect.round()
        requests = await inbox.sandbox.control("requests", method="GET")
        lists.append(sum(request["operation"] == "GetFaxList" for request in requests))
        await inbox.sandbox.control("requests", method="DELETE")
    assert lists[0] <= 8 and lists[1:] == [4, 4], lists
    await inbox.sandbox.control("faults", method="DELETE")
    fax_id = await inbox.drop_in()
    await inbox.poll()
    assert (await inbox.fax(fax_id)).state is InboundState.STORED
    inbox.clock.now += inbox.pipeline.account.poll_seconds
    await inbox.collect.round()
    assert sum("GetFaxList" in str(request) for request in await inbox.sandbox.control("requests", method="GET")) == 2


@pytest.mark.parametrize("action", ["unavailable", "throttled"])
@pytest.mark.parametrize("operation", ["GetFaxDetails", "DownloadFax"])
async def test_a_service_that_asks_for_patience_is_left_alone_so_long(
    inbox: Inbox, operation: str, action: str
) -> None:
    faxes = [await inbox.drop_in() for _ in range(5)]
    await inbox.fault(operation, action)  # with Retry-After: 30
    await inbox.poll()
    for _ in range(3):
        inbox.clock.now += 8
        await inbox.collect.round()
    requests = await inbox.sandbox.control("requests", method="GET")
    assert sum(request["operation"] == operation for request in requests) == 1
    inbox.clock.now += 31
    for _ in range(2):
        await inbox.collect.round()
    assert [(await inbox.fax(fax_id)).state for fax_id in faxes] == [InboundState.STORED] * 5


async def test_a_fax_of_others_that_failed_is_told_once_to_who_owns_the_account(inbox: Inbox) -> None:
    await inbox.sandbox.control("requests", method="DELETE")
    fax_id = await inbox.sent_by_others("15557770000", subject="Price list")
    for _ in range(FAILED_EVERY):
        await inbox.poll()
    assert await inbox.letters("alarm") == [], "it has not failed yet"
    await inbox.sandbox.control(f"faxes/{fax_id}/move", {"folder": "Failed"})
    for _ in range(3 * FAILED_EVERY):
        await inbox.poll()
    [told] = await inbox.letters("alarm")
    assert told.recipients == ("office@example.com",)
    letter = await inbox.spool.outbox.get(told.letter_id)
    assert letter is not None
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    assert mail["Subject"] == '[TEST] Fax failed at the fax service: to +1 555 777 0000, fax account "main"'
    text = mail.get_body(("plain",)).get_content()
    assert "Price list" in text and fax_id in text
    entry = await inbox.spool.ledger.find("main", fax_id)
    assert entry is not None and entry.kind == "foreign"
    requests = await inbox.sandbox.control("requests", method="GET")
    lists = [request for request in requests if request["operation"] == "GetFaxList"]
    assert len(lists) == 4 * FAILED_EVERY, "one list a round, and no more"
    assert sum(request["operation"] == "GetFaxDetails" for request in requests) == 1


async def test_one_of_others_that_can_t_be_read_keeps_no_other_from_being_told(inbox: Inbox) -> None:
    for number in ("15557770000", "15557770001"):
        fax_id = await inbox.sent_by_others(number)
        await inbox.sandbox.control(f"faxes/{fax_id}/move", {"folder": "Failed"})
    for _ in range(FAILED_EVERY - 2):  # the first list was made when the account was met
        await inbox.poll()
    await inbox.fault("GetFaxDetails", "garbled_after")
    await inbox.poll()
    assert len(await inbox.letters("alarm")) == 1
    for _ in range(FAILED_EVERY):
        await inbox.poll()
    assert len(await inbox.letters("alarm")) == 2


async def test_what_had_failed_before_we_came_is_not_told(open_inbox: OpenInbox, account: Account) -> None:
    async with open_inbox(account) as inbox:
        fax_id = await inbox.sent_by_others("15557770000")
        await inbox.sandbox.control(f"faxes/{fax_id}/move", {"folder": "Failed"})
        for _ in range(2 * FAILED_EVERY):
            await inbox.poll()
        assert await inbox.letters("alarm") == []


async def test_while_one_of_ours_may_be_it_nothing_is_told(inbox: Inbox) -> None:
    """Ours is found by its reference, and its own sender hears of it."""
    await inbox.fault("SendFax", "drop_after")
    await inbox.pipeline.mail("15557654321")
    await inbox.pipeline.submit.round()
    [job] = await inbox.spool.jobs.in_doubt("main")
    [fax_id] = [fax["id"] for fax in await inbox.sandbox.faxes()]
    await inbox.sandbox.control(f"faxes/{fax_id}/move", {"folder": "Failed"})
    for _ in range(2 * FAILED_EVERY):
        await inbox.poll()
    assert await inbox.letters("alarm") == [] and await inbox.spool.ledger.find("main", fax_id) is None
    assert (await inbox.spool.jobs.in_doubt("main"))[0].queue_id == job.queue_id
