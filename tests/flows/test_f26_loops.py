"""No loop: an auto-responder that answers everything, a second mailfax, and our own bounces. Each says how many mails
there were, and that there will be no more."""

from __future__ import annotations

import email
import email.policy
import smtplib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session

from tests.support import documents
from tests.support.ports import free_port
from tests.support.site import SENDER, Site, letter, until
from tests.support.smarthost import Smarthost, smarthost

OFFICE, POSTMASTER = "office@example.com", "postmaster@example.com"
#: How an answer may say that it is one; the last says nothing.
SIGNS = (("Auto-Submitted", "auto-replied"), ("Precedence", "auto_reply"), ("X-Nothing", "at all"))
#: So long nothing more may come, in seconds.
QUIET = 3.0


class Responder(Smarthost):
    """A mail server whose people all have an auto-responder that answers every mail, also what no answer may be sent
    to (RFC 3834 2): to its envelope sender, and to each address in From and Reply-To.

    What is for the fax domain goes to ``bridge``; ``outside`` are answers that went elsewhere, ``refused`` the
    replies of the bridge.
    """

    def __init__(self, bridge: int) -> None:
        super().__init__()
        self._bridge = bridge
        self.outside: list[str] = []
        self.refused: list[str] = []
        self.answered = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        reply = await super().handle_DATA(server, session, envelope)
        for owner in envelope.rcpt_tos:
            await server.loop.run_in_executor(None, self._answer, envelope, owner)
        return reply

    def _answer(self, envelope: Envelope, owner: str) -> None:
        mail = email.message_from_bytes(bytes(envelope.content), policy=email.policy.default)  # type: ignore[arg-type]
        written = [each.addr_spec for name in ("From", "Reply-To") for each in _addresses(mail, name)]
        to = {(envelope.mail_from or "").strip("<>"), *written}
        for address in sorted(filter(None, to)):
            for name, value in SIGNS:
                answer = letter(f"Re: {mail['Subject']}", "I am on holiday.")
                answer[name] = value
                answer["In-Reply-To"] = mail["Message-ID"]
                self.answered += 1
                if address.endswith("@fax.local"):
                    self._to_bridge(owner, address, answer)
                else:
                    self.outside.append(address)

    def _to_bridge(self, owner: str, address: str, answer: EmailMessage) -> None:
        try:
            with smtplib.SMTP("127.0.0.1", self._bridge, timeout=30) as smtp:
                smtp.sendmail(owner, [address], answer.as_bytes(policy=email.policy.SMTP))
        except smtplib.SMTPException as why:
            self.refused.append(str(why))


def _addresses(mail: EmailMessage, name: str) -> list[email.headerregistry.Address]:
    return list(mail[name].addresses) if mail[name] else []


@pytest.fixture
def responder(site: Site) -> Iterator[Responder]:
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    made = Responder(site.smtp_port)
    with smarthost(port, made):
        yield made


def quiet(site: Site) -> None:
    """Nothing is on its way any more, and nothing comes in a while."""
    until(lambda: not site.rows("SELECT 1 FROM letter WHERE state <> 'handed-over'"), "mails", site.log)
    counts = [site.rows("SELECT count(*) FROM message"), site.rows("SELECT count(*) FROM letter")]
    time.sleep(QUIET)
    assert counts == [site.rows("SELECT count(*) FROM message"), site.rows("SELECT count(*) FROM letter")]


def test_an_auto_responder_that_answers_everything(site: Site, responder: Responder) -> None:
    """A delivered and a failed fax: two notifications, and no mail more. Their From is a person's address outside,
    so none of the six answers comes to us."""
    site.start()
    site.send("15555550100")
    site.send("15555550101")
    until(lambda: len(responder.taken) == 2, "both notifications", site.log)
    quiet(site)
    assert len(responder.taken) == 2 and responder.answered == 6
    assert responder.outside == [POSTMASTER] * 6
    assert site.rows("SELECT count(*) FROM message") == [(2,)] and len(site.faxes()) == 2


def test_an_auto_responder_answers_a_received_fax(site: Site, responder: Responder) -> None:
    """One mail with the fax; its three answers are refused with a sentence, and nothing is faxed to the caller."""
    bridge = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.drop_in(documents.tiff(1))
    until(lambda: len(responder.taken) == 1, "the received fax", site.log)
    quiet(site)
    assert len(responder.taken) == 1 and responder.answered == len(responder.refused) == 3
    assert all("fax@fax.local" in reply and "550" in reply for reply in responder.refused)
    assert site.rows("SELECT count(*) FROM message") == [(0,)] and site.faxes() == []
    assert bridge.poll() is None


@contextmanager
def forwarding(port: int, to: int) -> Iterator[Smarthost]:
    """A relay that hands what is for the fax domain to the bridge at ``to``, and answers as that does."""

    class Forwards(Smarthost):
        async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
            if any(address.endswith("@fax.local") for address in envelope.rcpt_tos):
                return await server.loop.run_in_executor(None, self._forward, envelope)
            return await super().handle_DATA(server, session, envelope)

        def _forward(self, envelope: Envelope) -> str:
            with smtplib.SMTP("127.0.0.1", to, timeout=30) as smtp:
                smtp.ehlo()
                smtp.mail(envelope.mail_from or "")
                code, text = smtp.rcpt(envelope.rcpt_tos[0])
                if code == 250:
                    code, text = smtp.data(bytes(envelope.content))  # type: ignore[arg-type]
            self.unknown |= set(envelope.rcpt_tos) if code == 550 else set()
            return f"{code} {text.decode()}"

    with smarthost(port, Forwards()) as made:
        yield made


def test_a_second_mailfax_gets_what_a_first_one_writes(site: Site) -> None:
    """A sender with a fax number for an address: the notification of the one gateway goes to the other. It refuses
    it: one fax, one notification that is kept, and nothing at the other one."""
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    site.settings["sender"] = '[[sender]]\nfrom = ["@fax.local"]\naccount = "main"'
    other = Site(site.folder / "other")
    other.folder.mkdir()
    other.start_sandbox()
    other.settings["sender"] = '[[sender]]\nfrom = ["@fax.local"]\naccount = "main"'
    try:
        other.start()
        with forwarding(port, other.smtp_port) as relay:
            site.start()
            site.send("15555550100", sender="15557654321@fax.local")
            until(lambda: relay.unknown, "the other one to refuse it", site.log)
            time.sleep(2 * QUIET)
            assert site.rows("SELECT kind, recipients FROM letter WHERE kind <> 'alarm'") == [
                ("delivered", '["15557654321@fax.local"]')
            ]
            assert {to for mail in relay.taken for to in mail.rcpt_tos} <= {POSTMASTER}
            assert len(relay.taken) <= 1, "what its postmaster is told, once"
        assert len(site.faxes()) == 1 and other.faxes() == []
        assert other.rows("SELECT count(*) FROM message") == [(0,)]
        assert other.rows("SELECT count(*) FROM letter") == [(0,)]
    finally:
        other.close()


def test_our_own_bounces_are_no_faxes(site: Site) -> None:
    """A report that comes back, as it is, forwarded, or bounced by a server that bounces bounces: each is refused,
    and nobody is told of it. One report, no mail more."""
    site.start()
    site.send("15555550101")
    [report] = site.answers(1)
    bounce = EmailMessage()
    bounce["From"] = "MAILER-DAEMON@example.com"
    bounce["Subject"] = "Undelivered Mail Returned to Sender"
    bounce.set_content("It could not be delivered.")
    bounce.add_attachment(report)
    forwarded = email.message_from_bytes(report.as_bytes(), policy=email.policy.default)
    del forwarded["X-Fax-Outcome"], forwarded["Auto-Submitted"]
    replies = []
    for sender in ("", SENDER):
        for mail in (report, forwarded, bounce):
            for to in ("15555550100", "fax"):
                if (sender, mail, to) == (SENDER, bounce, "15555550100"):
                    continue  # somebody forwards a bounce to a fax number on purpose
                try:
                    site.send(to, sender=sender, mail=mail)  # type: ignore[arg-type]
                except smtplib.SMTPException as why:
                    replies.append(str(why))
    assert len(replies) == 11 and all("550" in reply for reply in replies), replies
    site.answers(1)
    assert site.rows("SELECT count(*) FROM message") == [(1,)] and len(site.faxes()) == 1
