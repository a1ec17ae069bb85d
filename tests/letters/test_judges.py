"""Every kind of report, read by Python's ``email`` and by Perl's ``Mail::DeliveryStatus::BounceParser``, and held
against the MUSTs of RFC 3464, 3461, 6522 and 3834, a test for each."""

from __future__ import annotations

import email
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parsedate_to_datetime

import pytest

from mailfax.letters import Shown, apart, delayed, owed
from mailfax.rules.envelope import Notify
from mailfax.rules.job import FaxJob, Letter, Spelling
from mailfax.rules.states import JobState
from tests.letters.samples import DOCUMENT, MARKS, SITE, a_job, a_message

HEADER = b"Message-ID: <abc@example.com>\r\nFrom: Alice <alice@example.com>\r\nSubject: Invoice 12\r\n"
BOTH = frozenset({Notify.SUCCESS, Notify.FAILURE})
ENDS = (JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED, JobState.UNCONFIRMED)
WAITS = (JobState.ACCEPTED, JobState.READY, JobState.DEFERRED, JobState.SUBMITTED, JobState.IN_DOUBT, JobState.HELD)


def numbered(n: int, state: JobState, **more: object) -> FaxJob:
    usual = {"queue_id": f"BK2N4C7Q9X-{n}", "number": f"1555000000{n}", "address": f"1555000000{n}@fax.local"}
    return a_job(state, **{"notify": BOTH, **usual, **more})


def _reports() -> Iterator[tuple[str, Letter, str]]:
    """Title, letter, and the ENVID of its message."""

    def of(*jobs: FaxJob, envid: str = "", **more: object) -> Letter:
        tell = owed if jobs[0].final else delayed
        (letter,) = tell(SITE, a_message(envid=envid), DOCUMENT, jobs, HEADER, MARKS, sandbox=False, **more)  # type: ignore[operator]
        return letter

    for state in ENDS:
        yield state.value, of(numbered(1, state)), ""
    for state in WAITS:
        yield f"delayed, {state.value}", of(numbered(1, state, notify=None)), ""
    yield "with ENVID", of(numbered(1, JobState.FAILED), envid="QQ314159+x"), "QQ314159+x"
    for together in apart(
        a_message(), [numbered(n, state) for n, state in enumerate((*ENDS, JobState.DELIVERED), 1)]
    ):
        yield f"several, {together[0].state.value}", of(*together), ""
    yield "several, told of both", of(numbered(1, JobState.DELIVERED, notify=None), numbered(2, JobState.FAILED)), ""
    listed = [numbered(n, JobState.FAILED, address="team@fax.local") for n in (1, 2, 3)]
    yield "a list", of(*listed), ""
    twice = replace(
        listed[0],
        address="15550000001@fax.local",
        also=(Spelling("+1-555-000-0001@fax.local", "rfc822;Bob@old.example", BOTH),),
    )
    yield "two spellings", of(twice), ""
    yield "beyond ASCII", of(numbered(1, JobState.FAILED, address="15550000001@fäx.local")), ""
    attached = Shown(b"\x89PNG\r\n\x1a\n", pdf=b"%PDF-1.4", original=HEADER)
    yield "with files", of(numbered(1, JobState.FAILED), shown=attached), ""


REPORTS = {title: (letter, envid) for title, letter, envid in _reports()}
ACTIONS = {"delivered": "2", "failed": "5", "delayed": "4"}
TYPED = re.compile(r"[A-Za-z0-9-]+; \S.*", re.DOTALL)


def parsed(title: str) -> EmailMessage:
    mail = email.message_from_bytes(REPORTS[title][0].content, policy=SMTP)
    assert isinstance(mail, EmailMessage)
    return mail


def groups(title: str) -> tuple[EmailMessage, list[EmailMessage]]:
    _, machine, *_ = parsed(title).iter_parts()
    about_mail, *recipients = machine.get_payload()
    return about_mail, recipients


@pytest.fixture(params=REPORTS)
def title(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_it_has_two_or_three_parts_of_which_the_second_is_the_machine_s(title: str) -> None:
    """RFC 6522 3; RFC 3464 2."""
    mail = parsed(title)
    assert mail.get_content_type() == "multipart/report" and mail.get_param("report-type") == "delivery-status"
    people, machine, original = mail.iter_parts()
    assert machine.get_content_type() == "message/delivery-status"
    assert original.get_content_type() == "text/rfc822-headers"
    assert people.get_body(("plain",)) is not None
    assert not [defect for part in mail.walk() for defect in part.defects]


def test_the_machine_s_part_is_seven_bit_and_its_fields_stand_once_in_each_group(title: str) -> None:
    """RFC 3464 2.1, 2.1.1."""
    _, machine, _ = parsed(title).iter_parts()
    body = REPORTS[title][0].content.partition(b"message/delivery-status")[2].partition(b"\r\n--=_")[0]
    assert body.isascii() and machine["Content-Transfer-Encoding"] == "7bit"
    about_mail, recipients = groups(title)
    for group in (about_mail, *recipients):
        names = [name.lower() for name, _ in group.items()]
        assert len(names) == len(set(names))
    assert recipients


def test_what_must_be_there_about_the_mail(title: str) -> None:
    """RFC 3464 2.2.1 (only where ENVID was given), 2.2.2, 2.2.3 (only what a foreign system reported)."""
    about_mail, recipients = groups(title)
    assert about_mail["Reporting-MTA"] == "dns; fax.example.com"
    assert about_mail["Original-Envelope-Id"] == (REPORTS[title][1] or None)
    foreign = any(group["Diagnostic-Code"].startswith("x-faxcore;") for group in recipients)
    assert (about_mail["DSN-Gateway"] is not None) == foreign


def test_what_must_be_there_about_each_recipient(title: str) -> None:
    """RFC 3464 2.3.2, 2.3.3, 2.3.4 (and 2.1.2: what has a type says it)."""
    _, recipients = groups(title)
    for group in recipients:
        assert TYPED.fullmatch(group["Final-Recipient"]) and TYPED.fullmatch(group["Diagnostic-Code"])
        assert group["Original-Recipient"] is None or TYPED.fullmatch(group["Original-Recipient"])
        assert re.fullmatch(rf"{ACTIONS[group['Action']]}\.\d{{1,3}}\.\d{{1,3}}", group["Status"])


def test_dates_have_a_zone_and_a_moment_to_give_up_stands_only_with_a_delay(title: str) -> None:
    """RFC 3464 2.1.5, 2.3.7, 2.3.9."""
    about_mail, recipients = groups(title)
    assert parsedate_to_datetime(about_mail["Arrival-Date"]).tzinfo is not None
    for group in recipients:
        assert parsedate_to_datetime(group["Last-Attempt-Date"]).tzinfo is not None
        assert group["Will-Retry-Until"] is None or group["Action"] == "delayed"


def test_it_goes_to_the_envelope_sender_and_has_none_itself(title: str) -> None:
    """RFC 3464 2; RFC 3461 6.1: From is an address, the envelope sender is null."""
    letter, mail = REPORTS[title][0], parsed(title)
    assert letter.sender == "" and letter.recipients == ("alice@example.com",) and mail["To"] == "alice@example.com"
    assert mail["From"].addresses[0].addr_spec == "postmaster@example.com"


def test_it_says_that_it_is_automatic_and_what_it_answers(title: str) -> None:
    """RFC 3834 3.1.7, 3.1.5, 5."""
    mail = parsed(title)
    assert mail["Auto-Submitted"] == "auto-replied"
    assert mail["In-Reply-To"] == "<abc@example.com>" and "<abc@example.com>" in mail["References"]


def test_the_header_of_the_original_comes_back_and_not_its_text(title: str) -> None:
    """RFC 6522 4."""
    *_, original = parsed(title).iter_parts()
    assert "Subject: Invoice 12" in original.get_content()


PERL = """
use strict; use Mail::DeliveryStatus::BounceParser;
local $/; my $bounce = Mail::DeliveryStatus::BounceParser->new(scalar <STDIN>);
print $bounce->orig_message_id // "", "\\n";
for my $found ($bounce->reports) {
    print join("\\t", map { $found->get($_) // "" } qw(email status action)), "\\n";
}
"""


@pytest.mark.needs("perl")
def test_a_bounce_parser_in_perl_reads_the_same(title: str) -> None:
    """It takes what is delayed, and what was delivered, for no bounce."""
    content = REPORTS[title][0].content.replace(b"\r\n", b"\n")
    ran = subprocess.run(["perl", "-e", PERL], input=content, capture_output=True, check=True, timeout=60)
    original, *found = ran.stdout.decode().splitlines()
    _, recipients = groups(title)
    failed = [group for group in recipients if group["Action"] == "failed"]
    if not failed:
        assert not [line for line in found if "\tfailed" in line]
        return
    assert original == "<abc@example.com>"
    named = {
        (group["Original-Recipient"] or group["Final-Recipient"]).partition("; ")[2].lower(): group
        for group in failed
    }
    told = [line.split("\t") for line in found if line.endswith("\tfailed")]
    assert {(address.lower(), status) for address, status, _ in told} == {
        (address, group["Status"]) for address, group in named.items()
    }
