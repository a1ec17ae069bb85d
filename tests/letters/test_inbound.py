"""The mail that carries a received fax: the pages are in it, and nobody faxes back by habit."""

from __future__ import annotations

import email
import json
import re
from dataclasses import replace
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax import letters
from mailfax.config import Received
from mailfax.config.kinds import Unfit
from mailfax.config.templates import FIELDS, template
from mailfax.letters import BASE64_BLOCK, TIFF, Arrival, base64_lines, inbound, inbound_problem
from mailfax.rules.states import InboundState
from tests.letters import samples

USUAL = {
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "MIME-Version", "Content-Type",
}  # fmt: skip
PDF = b"%PDF-1.4\n" + bytes(range(256)) * 4 * (BASE64_BLOCK // 1000)


def bring(site, fax, marks, **more):
    arrival = Arrival(**{"number": "5557152222", "announced_pages": 3} | more)
    parcel = inbound(site, fax, marks, arrival, mailbox="office@example.com")
    blocks = [PDF[start : start + BASE64_BLOCK] for start in range(0, len(PDF), BASE64_BLOCK)]
    assert len(blocks) > 1
    pages = b"".join(map(base64_lines, blocks))
    content = pages.join(parcel.pieces)
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
    _, mail = bring(site, a_fax(), marks, forms=(TIFF,), instead=letters.PDF)
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


def test_both_forms_are_attached_and_named(site, marks, a_fax):
    _, mail = bring(site, a_fax(), marks, forms=(letters.PDF, TIFF))
    names = [attached.get_filename() for attached in mail.iter_attachments()]
    assert names == ["fax-2026-11-23-2059-15557654321.pdf", "fax-2026-11-23-2059-15557654321.tif"]
    assert "attached as a PDF and as a TIFF." in mail.get_body().get_content()


def test_programs_find_every_fact_in_a_field(site, marks, a_fax):
    more = {"caller_name": "Müller & Söhne", "route": "route 2", "announced_pages": 5}
    _, mail = bring(site, a_fax(), marks, **more)
    told = {name: str(mail[name]) for name in mail if name.startswith("X-Fax-")}
    assert told == {
        "X-Fax-Outcome": "received",
        "X-Fax-Number": "15557654321",
        "X-Fax-Queue-ID": "CINB000001",
        "X-Fax-Account": "main",
        "X-Fax-Called": "5557152222",
        "X-Fax-Caller": "15557654321",
        "X-Fax-Caller-Name": "Müller & Söhne",
        "X-Fax-Pages": "3",
        "X-Fax-Pages-Announced": "5",
        "X-Fax-Received": "Mon, 23 Nov 2026 20:59:10 +0000",
        "X-Fax-Route": "route 2",
        "X-Fax-ID": "F1",
    }
    assert mail["Subject"] == "Fax received from Müller & Söhne, 3 of 5 pages"
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert "From: Müller & Söhne, +1 555 765 4321" in text


@pytest.mark.parametrize(
    ("subject", "name", "caller", "shown", "file"),
    [
        ("[fax] {name}|{number} {account} {date} {time} {{x}}", "{caller}_{pages}p", "15557654321",
         "[fax] ACME/..\\x|15557654321 main 2026-11-23 20:59 {x}", "ACME-..-x_3p.pdf"),
        ("{caller}", "{number}", "", "an unknown number", "fax.pdf"),
        ("{called} {queue_id}", "con", "15557654321", "5557152222 CINB000001", "fax-con.pdf"),
        ("x", "..{time}..", "15557654321", "x", "2059.pdf"),
    ],
)  # fmt: skip
def test_subject_and_attachment_are_named_by_the_site_s_templates(
    site, marks, a_fax, subject, name, caller, shown, file
):
    look = Received(template(subject), template(name))
    known = "ACME/..\\x" if caller else ""
    _, mail = bring(site, a_fax(caller=caller), marks, look=look, caller_name=known)
    (attached,) = mail.iter_attachments()
    assert (mail["Subject"], attached.get_filename()) == (shown, file)


@settings(max_examples=200, deadline=None)
@given(name=st.text(max_size=200), caller=st.text(max_size=50), parts=st.lists(st.sampled_from(FIELDS), min_size=1))
def test_no_name_makes_a_field_or_a_path(name, caller, parts):
    look = Received(*[" ".join(f"{{{part}}}" for part in parts)] * 2)
    fax, arrival = samples.a_fax(caller=caller), Arrival("555", 1, caller_name=name, look=look)
    parcel = inbound(samples.SITE, fax, samples.MARKS, arrival, mailbox="office@example.com")
    mail = email.message_from_bytes(base64_lines(b"%PDF").join(parcel.pieces), policy=SMTP)
    assert mail.defects == [] and all(field.startswith("X-Fax-") or field in USUAL for field in mail)
    (attached,) = mail.iter_attachments()
    file = attached.get_filename()
    assert re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*\.pdf", file) and len(file) <= 110, file


@pytest.mark.parametrize(
    ("fax_back", "reply_to", "row"),
    [("address", None, True), ("reply-to", "FAX=+15557654321@fax.local", True), ("none", None, False)],
)
def test_an_address_of_its_own_faxes_back_and_is_reply_to_only_on_wish(site, marks, a_fax, fax_back, reply_to, row):
    _, mail = bring(site, a_fax(), marks, answers_to="15557654321", look=Received(fax_back=fax_back))
    assert mail["Reply-To"] == reply_to
    assert mail["X-Fax-Back"] == ("FAX=+15557654321@fax.local" if row else None)
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert ("Fax back to: FAX=+15557654321@fax.local" in text) is row
    assert ("A reply to this message is faxed" in text) is (reply_to is not None)
    assert ("Please don't reply" in text) is (reply_to is None)


def test_without_a_sure_number_nothing_can_be_faxed_back(site, marks, a_fax):
    _, mail = bring(site, a_fax(), marks, look=Received(fax_back="reply-to"))
    assert mail["Reply-To"] is None and mail["X-Fax-Back"] is None


def test_a_locked_pdf_is_said(site, marks, a_fax):
    _, mail = bring(site, a_fax(), marks, locked=True)
    assert "opens with the password that was agreed on" in " ".join(mail.get_body(("plain",)).get_content().split())


@pytest.mark.parametrize("written", ["{nobody}", "{caller!r}", "{caller.x}", "{caller:>9}", "{", "{}", "{0}", "x}"])
def test_a_template_with_an_unknown_field_is_refused(written):
    with pytest.raises(Unfit):
        template(written)


def test_a_record_has_every_fact_and_its_files_carry_the_queue_id(site, marks, a_fax):
    arrival = Arrival("5557152222", 3, caller_name="Müller", route="route 2", sandbox=True)
    document = letters.Document(letters.PDF, 4, "ab" * 32)
    parcel = letters.record(site, a_fax(), marks, arrival, to="folder:/srv/fax", documents=[document])
    assert parcel.letter.recipients == ("folder:/srv/fax",) and parcel.letter.kind == "received"
    mail = email.message_from_bytes(base64_lines(b"%PDF").join(parcel.pieces), policy=SMTP)
    told, attached = mail.iter_parts()
    assert attached.get_filename() == "fax-2026-11-23-2059-15557654321-CINB000001.pdf"
    assert attached.get_payload(decode=True) == b"%PDF"
    assert json.loads(told.get_content()) == {
        "queue_id": "CINB000001",
        "account": "main",
        "number": "5557152222",
        "caller": "15557654321",
        "caller_number": "15557654321",
        "caller_name": "Müller",
        "received_at": "2026-11-23T20:59:10+00:00",
        "first_seen_at": "2026-11-23T21:00:00+00:00",
        "pages": 3,
        "announced_pages": 3,
        "damaged": None,
        "route": "route 2",
        "fax_id": "F1",
        "test": True,
        "documents": [{"name": attached.get_filename(), "type": "application/pdf", "bytes": 4, "sha256": "ab" * 32}],
    }


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
    text = " ".join(mail.get_body(("plain",)).get_content().split())
    assert says in text
    assert "not a PDF" in text
    assert "F1" in text
