"""What is refused is refused with a sentence that says what to do, and nothing of it is kept."""

from __future__ import annotations

import email.policy
import smtplib
from collections.abc import Iterator

import pytest

from tests.support.site import SENDER, Site, letter

LIMIT = 20_000
RECIPIENT = "15551234567@fax.local"


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for all refusals: none of them may leave a trace, and the last test looks for the first's too."""
    site = Site(tmp_path_factory.mktemp("closed"), more=f"message_bytes = {LIMIT}")
    site.start_sandbox()
    try:
        site.start()
        yield site
    finally:
        site.close()


@pytest.mark.parametrize(
    ("commands", "code", "sentence"),
    [
        pytest.param(
            [f"MAIL FROM:<{SENDER}>", "RCPT TO:<12@fax.local>"],
            550,
            "5.1.3 This is not a fax number",
            id="malformed number",
        ),
        pytest.param(
            [f"MAIL FROM:<{SENDER}>", "RCPT TO:<(555)1234567@fax.local>"],
            501,
            "5.1.3 This address is malformed: spaces and brackets may stand in an address only between quotes",
            id="number with brackets",
        ),
        pytest.param(
            ["MAIL FROM:<mallory@example.net>", f"RCPT TO:<{RECIPIENT}>"],
            550,
            "5.7.1 Sender mallory@example.net may not send faxes from 127.0.0.1: no rule allows it",
            id="unknown sender",
        ),
        pytest.param(
            [f"MAIL FROM:<{SENDER}>", "RCPT TO:<15551234567@example.net>"],
            550,
            "5.7.1 Relaying denied: this gateway takes mail to <number>@fax.local only",
            id="foreign domain",
        ),
        pytest.param(
            ["MAIL FROM:<>", f"RCPT TO:<{RECIPIENT}>"],
            550,
            "5.7.1 Mail with an empty sender (a bounce or notification) is never",
            id="null sender",
        ),
        pytest.param(
            [f"MAIL FROM:<{SENDER}> SIZE={LIMIT + 1}"],
            552,
            f"5.3.4 This message is too big: at most {LIMIT} bytes are taken here",
            id="announced too big",
        ),
    ],
)
def test_refused_before_the_mail_is_sent(closed: Site, commands: list[str], code: int, sentence: str) -> None:
    with smtplib.SMTP("127.0.0.1", closed.smtp_port, timeout=10) as smtp:
        smtp.ehlo()
        for command in commands:
            verb, _, rest = command.partition(" ")
            answered, text = smtp.docmd(verb, rest)
        assert (answered, text.decode()[: len(sentence)]) == (code, sentence)
    _assert_nothing_kept(closed)


@pytest.mark.parametrize(
    ("field", "value", "padding", "code", "sentence"),
    [
        pytest.param(
            "Subject",
            "Large",
            LIMIT,
            552,
            f"5.3.4 This message is too big: at most {LIMIT} bytes",
            id="found too big",
        ),
        pytest.param(
            "Auto-Submitted",
            "auto-replied",
            0,
            550,
            "5.7.1 Automatic mail is never faxed (Auto-Submitted: auto-replied)",
            id="auto-reply",
        ),
        pytest.param(
            "List-Id", "<all.example.com>", 0, 550, "5.7.1 List and bulk mail is never faxed", id="list mail"
        ),
        pytest.param(
            "X-Fax-Outcome", "failed", 0, 550, "5.7.1 This is a notification from a fax gateway", id="notice of ours"
        ),
    ],
)
def test_refused_when_the_mail_is_seen(
    closed: Site, field: str, value: str, padding: int, code: int, sentence: str
) -> None:
    mail = letter(text="A line of text.\n" * (padding // 10 + 1))
    del mail[field]
    mail[field] = value
    with smtplib.SMTP("127.0.0.1", closed.smtp_port, timeout=10) as smtp:
        smtp.helo()  # not EHLO: the size is not announced
        assert smtp.mail(SENDER)[0] == smtp.rcpt(RECIPIENT)[0] == 250
        answered, text = smtp.data(mail.as_bytes(policy=email.policy.SMTP))
        assert (answered, text.decode()[: len(sentence)]) == (code, sentence)
    _assert_nothing_kept(closed)


def test_a_mail_that_is_allowed_is_kept(closed: Site) -> None:
    """So that the tests above look in the right place."""
    closed.send(RECIPIENT)
    assert closed.rows("SELECT count(*) FROM message") == [(1,)]


def _assert_nothing_kept(site: Site) -> None:
    for table in ("message", "document", "job", "letter"):
        assert site.rows(f"SELECT count(*) FROM {table}") == [(0,)], table
    assert site.rows("SELECT content_id FROM content") == [("",)], "the one that is there from the start"
    assert [path for path in (site.folder / "content").rglob("*") if path.is_file()] == []
    assert site.faxes() == [] and site.mails() == []
