"""What people wrote and whom they faxed never reaches the operator's log, whatever goes wrong."""

from __future__ import annotations

import base64
import email.policy
import smtplib
from contextlib import suppress
from email.message import EmailMessage
from urllib.parse import quote

import documents

from tests.support.ports import free_port
from tests.support.site import NUMBER, PASSWORD, SENDER, Site, letter, until

SUBJECT, BODY, NAME, FILE = "SubjectMark71", "BodyMark72", "DisplayMark73", "FileMark74"
PLAIN, LOST, REFUSED, LOGIN = "15559871234", "15555550120", "15555550110", "15555550125"
DAMAGED, MALFORMED, CALLER = "15559872345", "15559873456789012", "15552013344"


def marked(number: str, *, damaged: bool = False) -> EmailMessage:
    """A mail that carries every mark."""
    mail = letter(subject=f"{SUBJECT} of today", text=f"{BODY} is in the text.")
    mail["To"] = f"{NAME} <{number}@fax.local>"
    content = documents.pdf(1, BODY)
    documents.attach(mail, f"{FILE}.pdf", "application/pdf", b"%PDF-1.7 damaged" if damaged else content)
    return mail


def test_none_of_the_marks_is_in_the_log(site: Site) -> None:
    """The relay is down; a fax comes in; faxes are refused, damaged, in doubt; at last the login fails."""
    site.settings["relay"] = f'address = "127.0.0.1:{free_port()}"'
    bridge = site.start_installed()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)

    auto_reply, stranger = marked(PLAIN), marked(PLAIN)
    auto_reply["Auto-Submitted"] = f"auto-replied; {SUBJECT}"
    for sender, number, mail in [
        (SENDER, MALFORMED, marked(MALFORMED)),
        (SENDER, PLAIN, auto_reply),
        ("mallory@example.net", PLAIN, stranger),
    ]:
        with suppress(smtplib.SMTPResponseException):
            site.send(number, sender=sender, mail=mail)
            raise AssertionError(f"{sender} to {number} was not refused")
    with smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=10) as smtp:
        smtp.docmd(SUBJECT, f"<{PLAIN}@fax.local>")
        smtp.ehlo()
        smtp.mail(SENDER)
        smtp.rcpt(f"{PLAIN}@fax.local")
        smtp.putcmd("DATA")
        smtp.getreply()
        smtp.send(marked(PLAIN).as_bytes(policy=email.policy.SMTP)[:300])  # and the line goes dead

    queue_ids = [site.send(number, mail=marked(number)) for number in (PLAIN, LOST, REFUSED)]
    queue_ids.append(site.send(DAMAGED, mail=marked(DAMAGED, damaged=True)))
    site.drop_in(documents.tiff(1), caller=CALLER)
    for event in ("in-doubt", "failed status=", "notification-waiting", "faxes-listed"):
        until(lambda event=event: f" {event}" in site.log(), event, site.log)
    queue_ids.append(site.send(LOGIN, mail=marked(LOGIN)))
    until(lambda: "account-paused" in site.log(), "the account to be paused", site.log)
    assert site.stop(bridge) == 0

    log = site.log()
    for queue_id in queue_ids:
        assert f"{queue_id}: accepted" in log, "the log tells of every mail by its queue ID"
    secrets = [SUBJECT, BODY, NAME, FILE, PASSWORD, PLAIN, LOST, REFUSED, LOGIN, DAMAGED, MALFORMED, CALLER]
    secrets += [number[1:] for number in secrets if number.isdigit()]
    secrets.append(f"{NUMBER}:{PASSWORD}")
    for secret in secrets:
        encoded = base64.b64encode(secret.encode()).decode().rstrip("=")
        for form in {secret, quote(secret), encoded[: len(encoded) // 4 * 4]}:
            found = [line for line in log.splitlines() if form.casefold() in line.casefold()]
            assert not found, f"{secret} is in the log:\n" + "\n".join(found)
