"""The mail that carries a received fax: the pages are in it, and nobody faxes back by habit."""

from __future__ import annotations

import email
from dataclasses import replace
from email.policy import SMTP

import pytest

from mailfax import letters
from mailfax.letters import BASE64_BLOCK, TIFF, base64_lines, inbound, inbound_problem
from mailfax.rules.states import InboundState

PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4 * (BASE64_BLOCK // 1000)


def bring(site, fax, marks, **more):
    usual = {
        "mailbox": "office@example.com",
        "number": "5557152222",
        "announced_pages": 3,
        "sandbox": False,
    }
    parcel = inbound(site, fax, marks, **usual | more)
    blocks = [PDF[start : start + BASE64_BLOCK] for start in range(0, len(PDF), BASE64_BLOCK)]
    assert len(blocks) > 1
    content = b"".join([parcel.before, *map(base64_lines, blocks), parcel.behind])
    assert max(map(len, content.split(b"\r\n"))) <= 78 and b"\n" not in content.replace(b"\r\n", b"")
    return replace(parcel.letter, content=content), email.message_from_bytes(content, policy=SMTP)


def test_the_pages_arrive_as_they_were(site, marks, a_fax):
    letter, mail = bring(site, a_fax(), marks)
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_filename() == "fax-2026-11-23-2059-15557654321.pdf"
    assert attached.get_payload(decode=True) == PDF
    assert letter.content.isascii()


def test_where_the_pdf_was_damaged_the_tiff_comes_and_is_said(site, marks, a_fax):
    _, mail = bring(site, a_fax(), marks, form=TIFF, instead=letters.PDF)
    (attached,) = mail.iter_attachments()
    assert attached.get_content_type() == "image/tiff"
    assert attached.get_filename() == "fax-2026-11-23-2059-15557654321.tif"
    text = " ".join(mail.get_body().get_content().split())
    assert "PDF file of this fax was damaged. A TIFF file of the same fax is attached instead." in text


def test_the_fields_say_what_it_is_and_invite_no_answer(site, marks, a_fax):
    letter, mail = bring(site, a_fax(), marks)
    assert mail["Subject"] == "Fax received from +1 555 765 4321, 3 pages"
    assert mail["From"] == "Fax from +1 555 765 4321 <fax@fax.local>"
    assert mail["To"] == "office@example.com"
    assert mail["Reply-To"] is None
    assert mail["Auto-Submitted"] == "auto-generated"
    assert (mail["X-Fax-Outcome"], mail["X-Fax-Number"], mail["X-Fax-Queue-ID"]) == (
        "received",
        "15557654321",
        "CINB000001",
    )
    assert (letter.sender, letter.recipients, letter.kind, letter.about) == (
        "",
        ("office@example.com",),
        "received",
        "CINB000001",
    )


def test_the_text_tells_caller_line_time_and_pages(site, marks, a_fax):
    _, mail = bring(site, a_fax(), marks)
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    for fact in (
        "+1 555 765 4321",
        "5557152222 (account main)",
        "Mon 23 Nov 2026, 20:59 (UTC)",
        "as the fax service",
    ):
        assert fact in text
    assert "Attention" not in text


def test_a_fax_with_fewer_pages_than_announced_says_so(site, marks, a_fax):
    _, mail = bring(site, a_fax(pages=1), marks, announced_pages=3)
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "reported 3 pages, but the attached document has 1 page." in text
    assert "Pages: 1 of 3" in text
    assert mail["Subject"] == "Fax received from +1 555 765 4321, 1 of 3 pages"


@pytest.mark.parametrize(
    ("caller", "shown"),
    [("", "an unknown number"), ("Anonymous", "Anonymous"), ("9725550100WTF TOT 3", "9725550100WTF TOT 3")],
)
def test_a_caller_without_a_number_is_named_truthfully(site, marks, a_fax, caller, shown):
    _, mail = bring(site, a_fax(caller=caller), marks)
    assert mail["Subject"] == f"Fax received from {shown}, 3 pages"
    assert mail["X-Fax-Number"] is None
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == "fax-2026-11-23-2059.pdf"


def test_a_sandbox_fax_is_marked_as_a_test(site, marks, a_fax):
    _, mail = bring(site, a_fax(), marks, sandbox=True)
    assert mail["Subject"].startswith("[TEST] Fax received")


@pytest.mark.parametrize(
    ("state", "subject", "says"),
    [
        (
            InboundState.UNREADABLE,
            'Received fax can\'t be read: fax account "main"',
            "keep trying, at least once a day",
        ),
        (
            InboundState.VANISHED,
            'Received fax has disappeared: fax account "main"',
            "ask the caller to send it again",
        ),
    ],
)
def test_a_fax_is_told_of_that_can_t_be_had(site, marks, a_fax, state, subject, says):
    letter = inbound_problem(
        site, a_fax(state=state, attempts=3), marks, to="office@example.com", problem="not a PDF", sandbox=False
    )
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    assert letter.recipients == ("office@example.com",)
    assert mail["Subject"] == subject
    text = " ".join(mail.get_content().split())
    assert says in text
    assert "not a PDF" in text
    assert "F1" in text
