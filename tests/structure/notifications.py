"""Draws ``docs/notifications.md``: every text that mailfax mails, as its reader sees it."""

from __future__ import annotations

import email
from collections.abc import Iterator
from dataclasses import replace
from email.policy import SMTP

from mailfax import letters
from mailfax.faxcore.errors import Trouble
from mailfax.letters import Arrival
from mailfax.rules.job import Letter
from mailfax.rules.states import InboundState, JobState
from mailfax.rules.status import Cause, status
from tests.letters.samples import DOCUMENT, MARKS, RECEIVED, SITE, a_fax, a_job, a_message

PAGE = """\
# Notifications

Drawn by `scripts/draw` from `mailfax/letters`; a test compares. Every text that mailfax mails, as a plain text
mail program shows it; others show the same words as a page, with the first page of the fax:

![A fax that was delivered](notifications/delivered.png)

![Several numbers](notifications/several.png)

![Several numbers, on a phone in the dark](notifications/several-phone-dark.png)

![A received fax, in the dark](notifications/received-dark.png)

What of the fax is shown, and which of them somebody gets: [the table](reference/who-is-told.md).
"""


def notifications() -> str:
    """The page."""
    parts = [PAGE]
    for title, letter in all_notifications():
        mail = email.message_from_bytes(letter.content, policy=SMTP)
        body = mail.get_body(("plain",))
        if body is None:
            raise ValueError(f"{title} has no text")
        text = body.get_content().replace("\r\n", "\n").rstrip()
        heads = "\n".join(f"{name}: {mail[name]}" for name in ("From", "To", "Subject"))
        parts.append(f"## {title}\n\n```\n{heads}\n\n{text}\n```\n")
    return "\n".join(parts)


def all_notifications() -> Iterator[tuple[str, Letter]]:
    """Title and letter of each."""
    yield from _outcomes()
    yield from _received()
    yield from _alarms()


def _outcomes() -> Iterator[tuple[str, Letter]]:
    header = b"From: Alice <alice@example.com>\r\n"
    partly = status(Cause.PARTLY, "x-faxcore; Failed", delivered=1, pages=3)
    ends = {
        "Delivered": a_job(),
        "Failed": a_job(JobState.FAILED),
        "Failed, and the service did not say why": a_job(
            JobState.FAILED, status=status(Cause.FAILED_UNSAID, "x-faxcore; Failed")
        ),
        "Failed, with some pages delivered": a_job(JobState.FAILED, pages_delivered=1, status=partly),
        "Failed, because a document was damaged": a_job(
            JobState.FAILED, pages=None, status=status(Cause.DAMAGED, name="invoice.pdf", why="its end is missing")
        ),
        "Cancelled": a_job(JobState.CANCELLED),
        "Unconfirmed": a_job(JobState.UNCONFIRMED),
    }
    for title, job in ends.items():
        document = DOCUMENT if job.pages else None
        (letter,) = letters.owed(SITE, a_message(), document, (job,), header, MARKS, sandbox=False)
        yield title, letter
    owned = a_message(owner="office@example.com")
    (letter,) = letters.owed(SITE, owned, DOCUMENT, (a_job(JobState.FAILED),), header, MARKS, sandbox=False)
    yield "Failed, told to the owner of a copier", letter
    (letter,) = letters.owed(SITE, a_message(), DOCUMENT, (a_job(),), header, MARKS, sandbox=True)
    yield "Delivered, in a sandbox", letter
    for state in (JobState.DEFERRED, JobState.SUBMITTED, JobState.IN_DOUBT, JobState.HELD):
        (letter,) = letters.delayed(SITE, a_message(), DOCUMENT, (a_job(state),), header, MARKS, sandbox=False)
        yield f"Delayed ({state.value})", letter
    three = [
        a_job(),
        a_job(
            JobState.FAILED,
            queue_id="BK2N4C7Q9X-2",
            number="15557654321",
            address="team@fax.local",
            recipient_name="",
        ),
        a_job(queue_id="BK2N4C7Q9X-3", number="442079460958", address="+44-20-7946-0958@fax.local"),
    ]
    (letter,) = letters.owed(SITE, a_message(), DOCUMENT, three, header, MARKS, sandbox=False)
    yield "Several numbers", letter
    (letter,) = letters.owed(
        SITE, a_message(), DOCUMENT, (three[0], three[2]), header, MARKS, open_faxes=1, sandbox=False
    )
    yield "Several numbers, of which one has no outcome yet", letter
    yield (
        "Preview",
        letters.preview(
            SITE,
            a_message(),
            DOCUMENT,
            a_job(JobState.READY, preview=True),
            header,
            MARKS,
            content=b"%PDF",
            cover=(("To", "Bob Builder"), ("From", "Alice")),
            sandbox=False,
        ),
    )


def _received() -> Iterator[tuple[str, Letter]]:
    usual = Arrival("5557152222", 3, route="route 2", answers_to="15557654321")
    for title, fax, arrival in (
        ("Received fax", a_fax(), usual),
        ("Received fax with a password", a_fax(), replace(usual, locked=True)),
        ("Received fax of a contact", a_fax(), replace(usual, caller_name="Example Ltd")),
        ("Received fax with pages missing", a_fax(pages=2), usual),
        ("Received fax as PDF and TIFF", a_fax(), replace(usual, forms=(letters.PDF, letters.TIFF))),
        (
            "Received fax whose PDF was damaged",
            a_fax(),
            replace(usual, forms=(letters.TIFF,), instead=letters.PDF),
        ),
    ):
        parcel = letters.inbound(SITE, fax, MARKS, arrival, mailbox="office@example.com")
        yield title, replace(parcel.letter, content=b"".join(parcel.pieces))
    for title, state in (
        ("Received fax that can't be read", InboundState.UNREADABLE),
        ("Received fax that has disappeared", InboundState.VANISHED),
    ):
        fax = a_fax(state=state, attempts=3)
        yield (
            title,
            letters.inbound_problem(
                SITE, fax, MARKS, to="office@example.com", problem="the file has no pages", sandbox=False
            ),
        )


def _alarms() -> Iterator[tuple[str, Letter]]:
    for trouble in Trouble:
        told = letters.alarm(SITE, MARKS, account="sales", problem=trouble.value, sandbox=False)
        yield f"Alarm: account ({trouble.name.lower().replace('_', ' ')})", told
    second = "FaxCore has a second fax for job BK2N4C7Q9X-1: id 208, beside id 207"
    told = letters.fax_alarm(SITE, MARKS, account="sales", problem=second, sandbox=False)
    yield "Alarm: one fax", told
    yield "All-clear: account", letters.all_clear(SITE, MARKS, account="sales", sandbox=False)
    since = MARKS.date - 5 * 86_400
    yield "Alarm: silence", letters.quiet(SITE, MARKS, account="sales", since=since, sandbox=False)
    yield "All-clear: silence", letters.heard_again(SITE, MARKS, account="sales", sandbox=False)
    many = {"message": a_message(), "faxes": 120, "limit": 50}
    yield "Approval wanted", letters.approval(SITE, MARKS, **many)
    yield "Approval wanted, told to the sender", letters.approval(SITE, MARKS, **many, to="alice@example.com")
    yield "Alarm: daily limit", letters.ceiling(SITE, MARKS, limit=500)
    package = "Only 90 MB are left on the disk of the spool."
    yield "Alarm: disk", letters.disk_alarm(SITE, MARKS, problem=package)
    yield "Alarm: restored from an older copy", letters.recovered(SITE, MARKS, faxes=2)
    yield "All-clear: disk", letters.disk_clear(SITE, MARKS)
    rows = (("job", "BK2N4C7Q9X-1", "its sender was told that it may have been sent"),)
    yield "Alarm: damaged rows", letters.damaged(SITE, MARKS, rows=rows)
    yield "Alarm: senders without a rule", letters.left_out(SITE, MARKS, senders=("alice@example.com",))
    (lost,) = letters.owed(SITE, a_message(), DOCUMENT, (a_job(),), b"", MARKS, sandbox=False)
    lost, said = replace(lost, attempts=3), "smtp; 550 5.1.1 No such user"
    yield (
        "Fax of others that failed",
        letters.failed_elsewhere(
            SITE,
            MARKS,
            to="office@example.com",
            account="main",
            fax_id="208123456789",
            number="15557770000",
            subject="Price list",
            said="Failed",
            at=RECEIVED - 600,
            sandbox=False,
        ),
    )
    yield "Undeliverable", letters.undeliverable(SITE, MARKS, letter=lost, problem=said)
    lost = replace(lost, kind="received", recipients=("folder:/srv/fax",))
    yield (
        "Undeliverable received fax",
        letters.undeliverable(SITE, MARKS, letter=lost, problem="x-mailfax; no such folder"),
    )
    lost = replace(lost, kind="delivered", recipients=("alice@example.com",))
    yield "Refused", letters.refused(SITE, MARKS, letter=lost, problem=said)
    silence = "smtp; 451 4.3.0 Try again later"
    clear = letters.relay_clear(SITE, MARKS, since=RECEIVED - 5_000, said=silence, waited=17)
    yield "All-clear: mail server", clear
