"""One letter about several faxes of a message: every number as it was written and as it was dialled."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from email.message import EmailMessage
from email.policy import SMTP
from typing import Any

import pytest

from mailfax.letters import Shown, apart, delayed, owed
from mailfax.rules.envelope import Notify
from mailfax.rules.job import FaxJob, Letter, Spelling
from mailfax.rules.states import JobState
from mailfax.rules.status import Cause, status
from tests.letters.samples import DOCUMENT, MARKS, SITE, a_job, a_message

HEADER = b"Message-ID: <abc@example.com>\r\nSubject: Invoice 12\r\n"
DELIVERED, FAILED, CANCELLED = JobState.DELIVERED, JobState.FAILED, JobState.CANCELLED


def faxes(*states: JobState, **more: Any) -> list[FaxJob]:
    """To 15550000001, 15550000002, …, as their sender wrote them: without the country code."""
    return [
        a_job(
            state,
            queue_id=f"BK2N4C7Q9X-{n}",
            number=f"1555000000{n}",
            address=f"555000000{n}@fax.local",
            recipient_name="",
            **more,
        )
        for n, state in enumerate(states, start=1)
    ]


def told(*jobs: FaxJob, **more: Any) -> Letter:
    (letter,) = owed(SITE, a_message(**more), DOCUMENT, jobs, HEADER, MARKS, sandbox=False)
    return letter


def parsed(letter: Letter) -> EmailMessage:
    mail = email.message_from_bytes(letter.content, policy=SMTP)
    assert isinstance(mail, EmailMessage) and not mail.defects
    return mail


def text(letter: Letter) -> str:
    body = parsed(letter).get_body(("plain",))
    assert body is not None
    return str(body.get_content()).replace("\r\n", "\n")


def blocks(letter: Letter) -> list[EmailMessage]:
    """What the machine's part says of each recipient."""
    [machine] = [part for part in parsed(letter).walk() if part.get_content_type() == "message/delivery-status"]
    about_mail, *recipients = machine.get_payload()
    assert about_mail["Reporting-MTA"] == "dns; fax.example.com"
    return recipients


def test_a_broadcast_is_one_letter_with_a_row_for_each_number() -> None:
    letter = told(*faxes(*[DELIVERED] * 7, FAILED, DELIVERED))
    mail, said = parsed(letter), text(letter)
    assert mail["Subject"] == "Fax to 9 numbers: 1 failed, 8 delivered: Invoice 12"
    assert (letter.kind, letter.about) == ("mixed", "BK2N4C7Q9X")
    for n in range(1, 10):
        assert f"+1 555 000 000{n}" in said and f"555000000{n}@fax.local" in said
        assert f"Queue ID: BK2N4C7Q9X-{n}" in " ".join(said.split())
    assert said.index("+1 555 000 0008") < said.index("+1 555 000 0001"), "what failed comes first"
    assert said.count("Every page reached the other fax machine.") == 1
    assert said.count("invoice.pdf: pages 2-3") == 1
    assert max(map(len, said.splitlines())) <= 72
    results = [result.split("; ") for result in mail.get_all("X-Fax-Result")]
    assert mail.get_all("X-Fax-Number") == [number for _, number, _ in results]
    assert results[7] == ["BK2N4C7Q9X-8", "15550000008", "failed"] and len(results) == 9


@pytest.mark.parametrize(
    ("states", "subject"),
    [
        ([DELIVERED] * 3, "Fax delivered to 3 numbers: Invoice 12"),
        ([FAILED] * 2, "Fax failed, not delivered to 2 numbers: Invoice 12"),
        ([CANCELLED] * 2, "Fax cancelled, not delivered to 2 numbers: Invoice 12"),
        ([JobState.UNCONFIRMED] * 2, "Fax unconfirmed, may or may not have been sent to 2 numbers: Invoice 12"),
        ([CANCELLED, DELIVERED, FAILED], "Fax to 3 numbers: 1 failed, 1 cancelled, 1 delivered: Invoice 12"),
    ],
)
def test_the_subject_says_how_many_ended_how(states: list[JobState], subject: str) -> None:
    assert parsed(told(*faxes(*states)))["Subject"] == subject


def test_the_machine_s_part_tells_of_those_for_which_a_report_is_wanted() -> None:
    both = frozenset({Notify.SUCCESS, Notify.FAILURE})
    one, two, three, four, five = faxes(DELIVERED, FAILED, DELIVERED, FAILED, FAILED)
    three = replace(three, notify=both)
    assert [[job.queue_id[-1] for job in jobs] for jobs in apart(a_message(), [one, two, three, four, five])] == [
        ["2", "4", "5"],
        ["1", "3"],
    ], "who reads bounces takes a report of both for none"
    assert len(apart(a_message(), [one, two, four, five])) == 1
    four = replace(four, notify=frozenset({Notify.NEVER}))
    letter = told(one, two, three, four, five)
    reported = [(block["Final-Recipient"], block["Action"], block["Final-Log-ID"]) for block in blocks(letter)]
    assert reported == [
        ("rfc822; 5550000002@fax.local", "failed", "BK2N4C7Q9X-2"),
        ("rfc822; 5550000003@fax.local", "delivered", "BK2N4C7Q9X-3"),
        ("rfc822; 5550000005@fax.local", "failed", "BK2N4C7Q9X-5"),
    ]
    assert "+1 555 000 0004" not in text(letter), "nothing is said of what nobody wants to hear of"
    assert "+1 555 000 0001" in text(letter)


def test_where_only_one_is_heard_of_it_is_told_as_one() -> None:
    one, two = faxes(DELIVERED, DELIVERED)
    letter = told(replace(one, notify=frozenset({Notify.NEVER})), two)
    assert parsed(letter)["Subject"] == "Fax delivered to +1 555 000 0002: Invoice 12"
    assert (letter.about, parsed(letter)["X-Fax-Result"]) == ("BK2N4C7Q9X-2", None)
    assert not owed(SITE, a_message(success_notice=False), DOCUMENT, (one, two), HEADER, MARKS, sandbox=False)


def test_delivered_alone_is_a_plain_notice() -> None:
    assert parsed(told(*faxes(DELIVERED, DELIVERED))).get_content_type() == "multipart/alternative"


def test_members_of_a_list_are_named_by_what_was_dialled() -> None:
    letter = told(*(replace(job, address="team@fax.local") for job in faxes(FAILED, FAILED, FAILED)))
    assert [(block["Original-Recipient"], block["Final-Recipient"]) for block in blocks(letter)] == [
        ("rfc822; team@fax.local", f"rfc822; 1555000000{n}@fax.local") for n in (1, 2, 3)
    ]
    kept = told(*(replace(job, address="team@fax.local", orcpt="rfc822;all@old.example") for job in faxes(FAILED)))
    [block] = blocks(kept)
    assert block["Original-Recipient"] == "rfc822; all@old.example"


def test_each_spelling_of_a_number_has_its_block() -> None:
    [job] = faxes(FAILED)
    job = replace(
        job,
        also=(
            Spelling("+1(555)000-0001@fax.local", "rfc822;Bob@old.example", None),
            Spelling("team@fax.local", "", frozenset({Notify.NEVER})),
        ),
    )
    letter = told(job)
    assert [(block["Original-Recipient"], block["Final-Recipient"]) for block in blocks(letter)] == [
        (None, "rfc822; 5550000001@fax.local"),
        ("rfc822; Bob@old.example", "rfc822; +1(555)000-0001@fax.local"),
    ]
    flat = " ".join(text(letter).split())
    assert all(each.address in flat for each in job.spellings)


def test_what_failed_for_the_same_reason_is_said_once() -> None:
    damaged = status(Cause.DAMAGED, name="invoice.pdf", why="its end is missing")
    letter = told(*faxes(FAILED, FAILED, FAILED, status=damaged, pages=None))
    assert " ".join(text(letter).split()).count("is damaged and can't be turned into pages") == 1
    assert len(blocks(letter)) == 3


def test_those_without_an_end_are_counted() -> None:
    (letter,) = owed(
        SITE, a_message(), DOCUMENT, faxes(DELIVERED, FAILED), HEADER, MARKS, open_faxes=3, sandbox=False
    )
    assert "3 faxes of this message have no outcome yet." in text(letter)
    (letter,) = owed(SITE, a_message(), DOCUMENT, faxes(DELIVERED), HEADER, MARKS, open_faxes=1, sandbox=False)
    assert "1 fax of this message has no outcome yet" in text(letter)


def test_unconfirmed_faxes_are_told_with_what_to_ask_for() -> None:
    first, second = faxes(JobState.UNCONFIRMED, JobState.UNCONFIRMED)
    said = " ".join(text(told(first, replace(second, reference="8K3Q2M"))).split())
    assert "Reference: 7K3Q2M" in said and "Reference: 8K3Q2M" in said
    assert said.count("Before you send it again:") == 1


def test_a_delay_of_several_is_one_letter() -> None:
    jobs = faxes(JobState.DEFERRED, JobState.SUBMITTED, JobState.DEFERRED)
    (letter,) = delayed(SITE, a_message(), DOCUMENT, jobs, HEADER, MARKS, sandbox=False)
    assert parsed(letter)["Subject"] == "Fax delayed, not yet delivered to 3 numbers: Invoice 12"
    assert [block["Will-Retry-Until"] is not None for block in blocks(letter)] == [True, False, True]
    assert letter.kind == "delayed" and len(re.findall("NOT YET DELIVERED", text(letter))) == 2


def test_the_owner_of_a_sender_without_an_address_hears_of_all_in_a_plain_mail() -> None:
    letter = told(*faxes(DELIVERED, FAILED), sender="", owner="office@example.com")
    assert letter.recipients == ("office@example.com",)
    assert parsed(letter).get_content_type() == "multipart/alternative"
    postmaster = told(*faxes(DELIVERED, FAILED), sender="")
    assert postmaster.recipients == ("postmaster@example.com",)
    assert "+1 555 000 0001" not in text(postmaster)


def test_the_postmaster_is_shown_no_page() -> None:
    shown = Shown(b"\x89PNG\r\n\x1a\n", pdf=b"%PDF-1.4")
    for sender, owner, parts in (("", "", 0), ("", "office@example.com", 2), ("alice@example.com", "", 2)):
        message = a_message(sender=sender, owner=owner)
        (letter,) = owed(SITE, message, DOCUMENT, faxes(FAILED), HEADER, MARKS, shown=shown, sandbox=False)
        kinds = [part.get_content_type() for part in parsed(letter).walk()]
        assert sum(kind in ("image/png", "application/pdf") for kind in kinds) == parts
