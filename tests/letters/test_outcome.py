"""Who is told, in which form: every combination against a table; and what the letters say."""

from __future__ import annotations

import email
import itertools
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP

import pytest

from mailfax.letters import delayed, owed
from mailfax.rules.envelope import Notify
from mailfax.rules.job import Status
from mailfax.rules.states import JobState
from mailfax.rules.status import Cause, status

N = Notify
HEADER = b"From: Alice <alice@example.com>\r\nReferences: <r1@example.com>\r\nMessage-ID: <abc@example.com>\r\n"

WISHES = {
    "absent": None,
    "never": frozenset([N.NEVER]),
    "success": frozenset([N.SUCCESS]),
    "failure": frozenset([N.FAILURE]),
    "both": frozenset([N.SUCCESS, N.FAILURE]),
    "delay": frozenset([N.DELAY]),
}

#: (wish, outcome is good): what a sender with an address gets.
TOLD = {
    ("absent", True): "notice",
    ("absent", False): "DSN",
    ("never", True): "",
    ("never", False): "",
    ("success", True): "DSN",
    ("success", False): "",
    ("failure", True): "",
    ("failure", False): "DSN",
    ("both", True): "DSN",
    ("both", False): "DSN",
    ("delay", True): "",
    ("delay", False): "",
}

FINAL = [JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED, JobState.UNCONFIRMED]


def expected(wish: str, state: JobState, sender: str, owner: str, notice: bool) -> tuple[str, str]:
    good = state is JobState.DELIVERED
    form = TOLD[wish, good]
    if form == "notice" and not notice:
        return "", ""
    if not form:
        return "", ""
    if sender:
        return owner or sender, form
    if owner:
        return owner, "notice"
    return ("", "") if good else ("postmaster@example.com", "notice")


def parsed(content: bytes) -> EmailMessage:
    message = email.message_from_bytes(content, policy=SMTP)
    assert isinstance(message, EmailMessage)
    assert not message.defects
    return message


def groups(message: EmailMessage) -> list[EmailMessage]:
    assert message.get_content_type() == "multipart/report"
    assert message.get_param("report-type") == "delivery-status"
    human, machine, original = message.iter_parts()
    assert [part.get_content_type() for part in (human, machine, original)] == [
        "multipart/alternative",
        "message/delivery-status",
        "text/rfc822-headers",
    ]
    return machine.get_payload()


@pytest.mark.parametrize(
    ("wish", "state", "sender", "owner", "notice"),
    list(itertools.product(WISHES, FINAL, ["alice@example.com", ""], ["", "owner@example.com"], [True, False])),
)
def test_exactly_those_are_told_whom_the_table_names(
    site, marks, document, a_message, a_job, wish, state, sender, owner, notice
):
    message = a_message(sender=sender, owner=owner, success_notice=notice)
    job = a_job(state, notify=WISHES[wish])
    letters = owed(site, message, document, (job,), HEADER, marks, sandbox=False)
    reader, form = expected(wish, state, sender, owner, notice)
    assert [letter.recipients for letter in letters] == ([(reader,)] if reader else [])
    for letter in letters:
        mail = parsed(letter.content)
        assert (mail.get_content_type() == "multipart/report") == (form == "DSN")
        assert letter.sender == ""
        assert mail["To"] == reader
        assert mail["X-Fax-Outcome"] == letter.kind == state.value
        assert mail["X-Fax-Number"] == "15551234567"
        assert mail["X-Fax-Queue-ID"] == letter.about == "BK2N4C7Q9X-1"
        assert mail["Auto-Submitted"] == "auto-replied"


@pytest.mark.parametrize(
    ("wish", "sender", "owner", "reader", "report"),
    [
        ("absent", "alice@example.com", "", "alice@example.com", True),
        ("delay", "alice@example.com", "", "alice@example.com", True),
        ("failure", "alice@example.com", "", "", False),
        ("never", "alice@example.com", "", "", False),
        ("absent", "", "owner@example.com", "owner@example.com", False),
        ("absent", "", "", "", False),
    ],
)
def test_a_delay_is_told_where_notify_is_absent_or_asks_for_it(
    site, marks, document, a_message, a_job, wish, sender, owner, reader, report
):
    message = a_message(sender=sender, owner=owner)
    job = a_job(JobState.DEFERRED, notify=WISHES[wish])
    letters = delayed(site, message, document, (job,), HEADER, marks, sandbox=False)
    assert [letter.recipients for letter in letters] == ([(reader,)] if reader else [])
    for letter in letters:
        mail = parsed(letter.content)
        assert mail["X-Fax-Outcome"] == letter.kind == "delayed"
        assert (mail.get_content_type() == "multipart/report") == report


@pytest.mark.parametrize(
    ("state", "action", "code", "gateway"),
    [
        (JobState.DELIVERED, "delivered", "2.0.0", True),
        (JobState.FAILED, "failed", "5.4.1", True),
        (JobState.CANCELLED, "failed", "5.7.0", False),
        (JobState.UNCONFIRMED, "failed", "5.4.0", False),
    ],
)
def test_a_report_carries_what_rfc_3464_wants(site, marks, document, a_message, a_job, state, action, code, gateway):
    message = a_message(envid="QQ314159+CaseKept")
    job = a_job(state, notify=frozenset([N.SUCCESS, N.FAILURE]), orcpt="rfc822;Bob+x@old.example")
    (letter,) = owed(site, message, document, (job,), HEADER, marks, sandbox=False)
    about_mail, about_recipient = groups(parsed(letter.content))
    assert about_mail["Original-Envelope-Id"] == "QQ314159+CaseKept"
    assert about_mail["Reporting-MTA"] == "dns; fax.example.com"
    assert about_mail["Arrival-Date"] == "Mon, 23 Nov 2026 21:00:00 +0000"
    # Present exactly where FaxCore reported it (RFC 3464 2.2.3).
    assert about_mail["DSN-Gateway"] == ("dns; fax.example.com" if gateway else None)
    assert about_recipient["Original-Recipient"] == "rfc822; Bob+x@old.example"
    assert about_recipient["Final-Recipient"] == "rfc822; 15551234567@fax.local"
    assert about_recipient["Action"] == action
    assert about_recipient["Status"] == code
    assert about_recipient["Diagnostic-Code"] == job.status.diagnostic
    assert about_recipient["Last-Attempt-Date"] == "Mon, 23 Nov 2026 21:00:05 +0000"
    assert about_recipient["Will-Retry-Until"] is None


def test_a_report_names_no_envelope_id_and_no_original_recipient_that_nobody_gave(
    site, marks, document, a_message, a_job
):
    (letter,) = owed(site, a_message(), document, (a_job(JobState.FAILED),), HEADER, marks, sandbox=False)
    about_mail, about_recipient = groups(parsed(letter.content))
    assert about_mail["Original-Envelope-Id"] is None
    assert about_recipient["Original-Recipient"] is None


def test_an_address_beyond_ascii_is_of_type_utf_8(site, marks, document, a_message, a_job):
    job = a_job(JobState.FAILED, orcpt="rfc822;jörg+1@example.com", address="15551234567@fäx.local")
    (letter,) = owed(site, a_message(), document, (job,), HEADER, marks, sandbox=False)
    _, about_recipient = groups(parsed(letter.content))
    assert about_recipient["Original-Recipient"] == r"utf-8; j\x{F6}rg\x{2B}1@example.com"
    assert about_recipient["Final-Recipient"] == r"utf-8; 15551234567@f\x{E4}x.local"


@pytest.mark.parametrize(("state", "until"), [(JobState.DEFERRED, True), (JobState.SUBMITTED, False)])
def test_a_delay_names_how_long_we_try_only_while_we_try(site, marks, document, a_message, a_job, state, until):
    (letter,) = delayed(site, a_message(), document, (a_job(state),), HEADER, marks, sandbox=False)
    _, about_recipient = groups(parsed(letter.content))
    assert about_recipient["Action"] == "delayed"
    assert about_recipient["Status"] == "4.4.7"
    assert about_recipient["Will-Retry-Until"] == ("Tue, 24 Nov 2026 21:00:00 +0000" if until else None)


def test_the_answer_stands_in_the_thread_of_the_mail_it_answers(site, marks, document, a_message, a_job):
    (letter,) = owed(site, a_message(), document, (a_job(),), HEADER, marks, sandbox=False)
    mail = parsed(letter.content)
    assert mail["In-Reply-To"] == "<abc@example.com>"
    assert mail["References"].split() == ["<r1@example.com>", "<abc@example.com>"]
    assert mail["Message-ID"] == letter.message_id == marks.message_id


@pytest.mark.parametrize("broken", ["", "no brackets", "<a b@x>", "<x@y>\r\nX-Evil: 1"])
def test_a_broken_message_id_is_not_repeated(site, marks, document, a_message, a_job, broken):
    message = a_message(header_message_id=broken)
    (letter,) = owed(site, message, document, (a_job(),), b"", marks, sandbox=False)
    mail = parsed(letter.content)
    assert mail["In-Reply-To"] is None
    assert mail["X-Evil"] is None


SUBJECTS = {
    JobState.DELIVERED: "Fax delivered to +1 555 123 4567: Invoice 12",
    JobState.FAILED: "Fax failed, not delivered to +1 555 123 4567: Invoice 12",
    JobState.CANCELLED: "Fax cancelled, not delivered to +1 555 123 4567: Invoice 12",
    JobState.UNCONFIRMED: "Fax unconfirmed, may or may not have been sent to +1 555 123 4567: Invoice 12",
}


@pytest.mark.parametrize("state", FINAL)
def test_the_subject_begins_with_the_outcome_and_ends_with_the_users_own(
    site, marks, document, a_message, a_job, state
):
    (letter,) = owed(site, a_message(), document, (a_job(state),), HEADER, marks, sandbox=False)
    assert parsed(letter.content)["Subject"] == SUBJECTS[state]


@pytest.mark.parametrize("state", FINAL)
def test_people_read_everything_they_need(site, marks, document, a_message, a_job, state):
    job = a_job(state)
    (letter,) = owed(site, a_message(), document, (job,), HEADER, marks, sandbox=False)
    body = parsed(letter.content).get_body(("plain",))
    text = body.get_content().replace("\r\n", "\n")
    flat = " ".join(text.split())
    for fact in (
        "+1 555 123 4567",
        "15551234567@fax.local",
        "Bob Builder",
        "Mon 23 Nov 2026, 21:00 (UTC)",
        "Mon 23 Nov 2026, 21:01 (UTC)",
        "invoice.pdf: pages 2-3",
        "logo.gif: the same picture once more",
        "BK2N4C7Q9X-1",
        job.status.sentence,
    ):
        assert fact in flat
    assert max(map(len, text.splitlines())) <= 72
    if state is JobState.UNCONFIRMED:
        assert "may or may not have been sent" in flat
        assert "7K3Q2M" in flat


def test_what_faxcore_said_is_told_where_the_sentence_does_not_say_it(site, marks, document, a_message, a_job):
    job = a_job(JobState.FAILED, status=Status("5.4.1", "The fax was not delivered", "x-faxcore; Busy line"))
    (letter,) = owed(site, a_message(), document, (job,), HEADER, marks, sandbox=False)
    assert "The fax service said: Busy line" in letter.content.decode()


def test_missing_pages_are_counted(site, marks, document, a_message, a_job):
    job = a_job(
        JobState.FAILED, pages_delivered=1, status=status(Cause.PARTLY, "x-faxcore; Failed", delivered=1, pages=3)
    )
    (letter,) = owed(site, a_message(), document, (job,), HEADER, marks, sandbox=False)
    assert "1 of 3 delivered" in letter.content.decode()


def test_a_fax_that_never_got_a_document_is_told_without_one(site, marks, a_message, a_job):
    job = a_job(JobState.FAILED, pages=None, status=status(Cause.NOTHING_TO_FAX))
    (letter,) = owed(site, a_message(), None, (job,), HEADER, marks, sandbox=False)
    assert "Pages" not in parsed(letter.content).get_body(("plain",)).get_content()


def test_a_sandbox_says_that_nothing_was_faxed(site, marks, document, a_message, a_job):
    (letter,) = owed(site, a_message(), document, (a_job(),), HEADER, marks, sandbox=True)
    mail = parsed(letter.content)
    assert mail["Subject"].startswith("[TEST] Fax delivered")
    assert "nothing was really faxed" in " ".join(mail.get_body(("plain",)).get_content().split())


def test_the_owner_reads_who_sent_it_and_why_they_are_told(site, marks, document, a_message, a_job):
    message = a_message(owner="owner@example.com")
    (letter,) = owed(site, message, document, (a_job(),), HEADER, marks, sandbox=False)
    text = parsed(letter.content).get_body(("plain",)).get_content()
    assert "alice@example.com" in text
    assert "is set up to tell you about faxes" in " ".join(text.split())


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"Subject: caf\xe9\r\nX: 1\r\n",
        b"Subject: " + b"x" * 3000 + b"\r\n",
        b"Subject: a\nX: bare\r\nY: 1\r\n",
        b"Subject: a\r\n\r\nthe body must not travel\r\n",
    ],
)
def test_whatever_header_a_mail_had_the_report_is_7_bit_and_has_no_more_than_the_header(
    site, marks, document, a_message, a_job, header
):
    (letter,) = owed(site, a_message(), document, (a_job(JobState.FAILED),), header, marks, sandbox=False)
    assert letter.content.isascii()
    assert b"the body must not travel" not in letter.content
    assert all(len(line) <= 998 for line in letter.content.split(b"\r\n"))
    assert b"\n" not in letter.content.replace(b"\r\n", b"")
    mail = parsed(letter.content)
    groups(mail)
    returned = list(mail.iter_parts())[2].get_payload(decode=True)
    first = header.replace(b"\r\n", b"\n").partition(b"\n\n")[0].strip(b"\n")
    assert first in returned.replace(b"\r\n", b"\n")


def test_nothing_is_owed_before_the_end_and_no_delay_after_it(site, marks, document, a_message, a_job):
    with pytest.raises(ValueError, match="no end yet"):
        owed(site, a_message(), document, (a_job(JobState.SUBMITTED),), HEADER, marks, sandbox=False)
    with pytest.raises(ValueError, match="has ended"):
        delayed(site, a_message(), document, (a_job(),), HEADER, marks, sandbox=False)


def test_a_diagnostic_never_shows_an_object(site, marks, a_message, a_job, document):
    shown = "x-mailfax; damaged picture: cannot identify <_io.BytesIO object at 0x7f12ab34cd56> as one"
    job = replace(a_job(JobState.FAILED), status=Status("5.6.3", "It is damaged.", shown))
    (letter,) = owed(site, a_message(), document, (job,), HEADER, marks, sandbox=False)
    _, about_recipient = groups(parsed(letter.content))
    assert about_recipient["Diagnostic-Code"] == "x-mailfax; damaged picture: cannot identify as one"


@pytest.mark.parametrize(
    ("sender", "timezone", "told"),
    [
        ("alice@example.com", "America/New_York", "16:00 (UTC-05:00)"),
        ("alice@example.com", "Not/Known", "21:00 (UTC)"),
        ("", "America/New_York", "21:00 (UTC)"),  # goes to the postmaster
    ],
)
def test_times_are_told_in_the_readers_zone(site, marks, document, a_message, a_job, sender, timezone, told):
    message = a_message(sender=sender, timezone=timezone)
    (letter,) = owed(site, message, document, (a_job(JobState.FAILED),), HEADER, marks, sandbox=False)
    text = parsed(letter.content).get_body(("plain",)).get_content()
    assert f"Mon 23 Nov 2026, {told}" in text
