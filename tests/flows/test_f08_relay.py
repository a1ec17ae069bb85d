"""The mail that we owe: it waits for its relay, and what is the postmaster's reaches him as it was."""

from __future__ import annotations

import email
import email.policy

from smarthost import smarthost

from tests.support.ports import free_port
from tests.support.site import Site, letter, until

POSTMASTER = "postmaster@example.com"


def test_letters_wait_for_a_relay_that_is_down_and_then_each_comes_once(site: Site) -> None:
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    site.start()
    for number in ("15555550100", "15555550101"):
        site.send(number)
    until(lambda: site.log().count(": notification-waiting ") >= 2, "both letters to be tried in vain", site.log)
    with smarthost(port) as sink:
        until(lambda: len(sink.taken) >= 2, "both letters at the relay", site.log)
        bell = site.send("15555550100")
        until(lambda: len(sink.taken) >= 3, "the next letter at the relay", site.log)
        until(
            lambda: site.rows("SELECT count(*) FROM letter WHERE state = 'handed-over'") == [(3,)],
            "all to be handed over",
            site.log,
        )
    mails = [email.message_from_bytes(envelope.content, policy=email.policy.default) for envelope in sink.taken]
    outcomes = sorted((mail["X-Fax-Number"], mail["X-Fax-Outcome"]) for mail in mails)
    assert outcomes == [("15555550100", "delivered")] * 2 + [("15555550101", "failed")]
    assert len({mail["Message-ID"] for mail in mails}) == 3
    assert [mail["X-Fax-Queue-ID"] for mail in mails].count(f"{bell}-1") == 1
    assert {envelope.mail_from for envelope in sink.taken} == {"<>"}, "answers have the null sender (RFC 3464 2)"
    assert all(envelope.rcpt_tos == ["alice@example.com"] for envelope in sink.taken)


def test_mail_to_the_postmaster_is_passed_on_unchanged(site: Site) -> None:
    """From anybody, and also where the same mail is a fax to somebody."""
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    with smarthost(port) as sink:
        site.start()
        question = letter(subject="Who are you?", text="A question.\n.\n..and a dotted line, \ttrailing blanks  \n")
        site.send("postmaster@fax.local", sender="stranger@example.net", mail=question)
        both = letter(subject="A fax, and you should know", text="One page for two readers.\n")
        site.send("15555550100", "Postmaster@fax.local", mail=both)
        until(lambda: len(sink.taken) >= 3, "two mails and an answer at the relay", site.log)
        passed_on = [envelope for envelope in sink.taken if envelope.rcpt_tos == [POSTMASTER]]
        [answer] = [envelope for envelope in sink.taken if envelope not in passed_on]
    assert [envelope.mail_from for envelope in passed_on] == ["stranger@example.net", "alice@example.com"]
    for envelope, mail in zip(passed_on, (question, both), strict=True):
        received, original = envelope.content.split(b"From:", 1)
        assert b"From:" + original == mail.as_bytes(policy=email.policy.SMTP), "nothing of it is changed"
        assert received.startswith(b"Received:"), "and our line stands in front of it"
    assert b"X-Fax-Outcome: delivered" in answer.content
    assert len(site.faxes()) == 1
