"""Whatever a stranger writes as subject, name, number or file: exactly the intended fields, in lines that travel."""

from __future__ import annotations

import email
from email.header import decode_header, make_header
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax.letters import Arrival, Marks, Site, base64_lines, inbound, owed
from mailfax.letters.mime import address, header_part, words
from mailfax.letters.plain import one_line
from mailfax.rules.job import Document, FaxJob, InboundFax, Message, Status
from mailfax.rules.states import InboundState, JobState

SITE = Site("fax.example.com", "postmaster@example.com", "fax.local")
MARKS = Marks("DLETTER001", "<DLETTER001.aa@fax.example.com>", 1_795_467_661.0)
#: Anything, and what attackers and broken programs write, more often than chance would.
EVIL = st.lists(
    st.sampled_from(
        ["\r\n", "\n", "\r", "\0", "X-Evil: 1", "\r\n\r\n", "=?utf-8?q?=0A?=", "\u2028", "\ud800", "é", "a" * 90]
    )
    | st.text(max_size=30),
    max_size=8,
).map("".join)
OUTCOME_FIELDS = [
    "From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References", "Auto-Submitted",
    "X-Fax-Outcome", "X-Fax-Number", "X-Fax-Queue-ID", "MIME-Version", "Content-Type",
]  # fmt: skip


def travels(content: bytes) -> None:
    assert b"\n" not in content.replace(b"\r\n", b"")
    assert b"\r" not in content.replace(b"\r\n", b"")
    assert all(len(line) <= 998 for line in content.split(b"\r\n"))
    assert content.isascii()


@settings(max_examples=150, deadline=None)
@given(subject=EVIL, name=EVIL, address=EVIL, envid=EVIL, said=EVIL, orcpt=EVIL, header=st.binary(max_size=200))
def test_an_outcome_has_exactly_its_fields(subject, name, address, envid, said, orcpt, header):
    message = Message(
        "BK2N4C7Q9X", 1.0e9, "alice@example.com", "", envid, "", "", "", "main", "", "", "", True, "<a@b>", subject,
        "", 1,
    )  # fmt: skip
    job = FaxJob(
        "BK2N4C7Q9X-1", "BK2N4C7Q9X", "main", address, "15551234567", name, None, orcpt, "7K3Q2M", JobState.FAILED,
        1.0e9, 2.0e9, 1.0e9, ended_at=1.0e9, status=Status("5.4.1", f"It failed: {said}", f"x-faxcore; {said}"),
    )  # fmt: skip
    document = Document("BK2N4C7Q9X", "ready", 1, 0.0, 1, contents=(subject, name), skipped=(said,))
    (letter,) = owed(SITE, message, document, (job,), header, MARKS, sandbox=False)
    travels(letter.content)
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    assert mail.keys() == OUTCOME_FIELDS
    _, machine, _ = mail.iter_parts()
    about_mail, about_recipient = machine.get_payload()
    assert about_recipient["Action"] == "failed"
    assert about_mail["X-Evil"] is None
    assert about_recipient["X-Evil"] is None
    assert about_recipient.keys()[-1] == "Final-Log-ID"


@settings(max_examples=150, deadline=None)
@given(caller=EVIL, account=EVIL)
def test_a_received_fax_has_exactly_its_fields(caller, account):
    fax = InboundFax(account, "F1", InboundState.STORED, 1.0e9, 1.0e9, queue_id="CINB000001", caller=caller, pages=1)
    parcel = inbound(SITE, fax, MARKS, Arrival("555", 1), mailbox="office@example.com")
    content = base64_lines(b"%PDF").join(parcel.pieces)
    travels(content)
    mail = email.message_from_bytes(content, policy=SMTP)
    assert [key for key in mail if key not in ("X-Fax-Number", "X-Fax-Account", "X-Fax-Caller")] == [
        "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Fax-Outcome", "X-Fax-Queue-ID",
        "X-Fax-Called", "X-Fax-Pages", "X-Fax-Pages-Announced", "X-Fax-Received", "X-Fax-ID",
        "MIME-Version", "Content-Type",
    ]  # fmt: skip
    (sender,) = mail["From"].addresses
    assert sender.addr_spec == "fax@fax.local"
    _, attached = mail.iter_parts()
    assert attached.get_payload(decode=True) == b"%PDF"


@settings(max_examples=300, deadline=None)
@given(EVIL)
def test_a_subject_comes_back_as_one_line_of_the_same_text(text):
    raw = f"Subject: {words('Subject', text)}\r\n\r\n"
    got = email.message_from_string(raw)["Subject"] or ""
    assert str(make_header(decode_header(got.replace("\r\n", "")))) == one_line(text)


@settings(max_examples=200, deadline=None)
@given(EVIL)
def test_a_display_name_never_changes_the_address(name):
    raw = f"From: {address('From', name, 'fax@fax.local')}\r\n\r\n".encode()
    (sender,) = email.message_from_bytes(raw, policy=SMTP)["From"].addresses
    assert sender.addr_spec == "fax@fax.local"


@pytest.mark.parametrize("block", [b"A: 1\nB: 2", b"A: 1\r\nB: 2\r\n", b"A: 1\rB: 2\r"])
def test_a_returned_header_has_crlf_whatever_it_came_with(block):
    assert header_part(block).body.startswith(b"A: 1\r\nB: 2\r\n")


def test_a_mail_to_an_address_beyond_ascii_names_it_as_it_is():
    message = Message(
        "BK2N4C7Q9X", 1.0e9, "jörg@example.com", "", "", "", "", "", "main", "", "", "", True, "", "x", "", 1
    )
    job = FaxJob(
        "BK2N4C7Q9X-1", "BK2N4C7Q9X", "main", "1@fax.local", "15551234567", "", None, "", "7K3Q2M",
        JobState.DELIVERED, 1.0e9, 2.0e9, 1.0e9, ended_at=1.0e9, status=Status("2.0.0", "ok", "x-faxcore; ok"),
    )  # fmt: skip
    (letter,) = owed(SITE, message, None, (job,), b"", MARKS, sandbox=False)
    assert "To: jörg@example.com\r\n".encode() in letter.content
