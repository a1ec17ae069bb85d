"""The HTML of notifications: the same words as the text, nothing from strangers but words, nothing from anywhere."""

from __future__ import annotations

import email
import re
from email.message import EmailMessage
from email.policy import SMTP
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mailfax.letters import owed
from mailfax.letters.blocks import Tone, blocks, facts, headline, paragraph, picture
from mailfax.letters.page import as_html
from mailfax.letters.writing import written
from mailfax.rules.states import JobState
from tests.letters.samples import DOCUMENT, MARKS, SITE, a_job, a_message
from tests.structure.notifications import all_notifications

PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 9
FIELDS = [
    "From", "To", "Subject", "Date", "Message-ID", "Auto-Submitted", "X-Fax-Outcome", "X-Fax-Number",
    "X-Fax-Queue-ID", "MIME-Version", "Content-Type",
]  # fmt: skip


def parsed(content: bytes) -> EmailMessage:
    mail = email.message_from_bytes(content, policy=SMTP)
    assert isinstance(mail, EmailMessage)
    return mail


def words(mail: EmailMessage, kind: str) -> str:
    """What a person reads, without its layout."""
    body = mail.get_body((kind,))
    assert body is not None
    text = str(body.get_content())
    if kind == "html":
        text = re.sub(r"<(style|title).*?</\1>|<!--.*?-->", " ", text, flags=re.DOTALL)
        text = unescape(re.sub(r"<[^>]*>", " ", text)).replace("·", " ")
    return " ".join(text.split())


def bare(text: str) -> list[str]:
    """Words without the signs that each form has of its own."""
    return [word for word in re.sub(r"[;:\-]+(?= )| - ", " ", f"{text} ").split() if word not in ";-"]


@pytest.mark.parametrize("title", [title for title, _ in all_notifications()])
def test_both_forms_have_the_same_words(title: str) -> None:
    mail = parsed(dict(all_notifications())[title].content)
    assert not [defect for part in mail.walk() for defect in part.defects]
    assert sorted(bare(words(mail, "html"))) == sorted(bare(words(mail, "plain")))


@pytest.mark.parametrize("title", [title for title, _ in all_notifications()])
def test_nothing_comes_from_elsewhere_and_every_line_is_short(title: str) -> None:
    content = dict(all_notifications())[title].content
    [page] = [part for part in parsed(content).walk() if part.get_content_type() == "text/html"]
    text = page.get_content()
    assert not re.search(r"https?:|<script|<link|<iframe|@import|url\(|javascript:", text)
    assert {source[:4] for source in re.findall(r'src="([^"]*)"', text)} <= {"cid:"}
    assert "color-scheme" in text and "prefers-color-scheme: dark" in text
    assert max(map(len, content.split(b"\r\n"))) <= 78


def test_words_of_strangers_are_words() -> None:
    evil = '<img src="http://evil.example/x.png"><script>alert(1)</script>" onload="x'
    job = a_job(JobState.FAILED, recipient_name=evil, address='"<b>x</b>5551234567"@fax.local')
    (letter,) = owed(SITE, a_message(subject=evil), DOCUMENT, (job,), b"", MARKS, sandbox=False)
    page = parsed(letter.content).get_body(("html",)).get_content()  # type: ignore[union-attr]
    assert "<script" not in page and "<b>" not in page and "<img" not in page
    assert "&lt;script&gt;" in page and evil in words(parsed(letter.content), "html")


ANYTHING = st.text(st.characters(), max_size=60) | st.sampled_from(
    ["\r\nBcc: x@evil.example", "a\nX-Evil: 1\n\nbody"]
)


@given(subject=ANYTHING, name=ANYTHING, address=ANYTHING, orcpt=ANYTHING, said=ANYTHING, file=ANYTHING)
def test_no_text_of_a_stranger_makes_a_field_or_a_part(
    subject: str, name: str, address: str, orcpt: str, said: str, file: str
) -> None:
    status = a_job(JobState.FAILED).status
    assert status is not None
    job = a_job(
        JobState.FAILED,
        recipient_name=name,
        address=f"{address}5551234567@fax.local",
        orcpt=f"rfc822;{orcpt}",
        status=type(status)(status.code, f"It said {said}", f"x-faxcore; {said}"),
    )
    document = type(DOCUMENT)(**{**_fields(DOCUMENT), "contents": (file or "a",), "skipped": (file or "b",)})
    message = a_message(subject=subject, header_message_id=address, envid=said)
    (letter,) = owed(SITE, message, document, (job,), subject.encode("utf-8", "replace"), MARKS, sandbox=False)
    mail = parsed(letter.content)
    fields = [field for field, _ in mail.items()]
    assert [field for field in fields if field not in ("In-Reply-To", "References")] == FIELDS
    kinds = [part.get_content_type() for part in mail.walk()]
    assert kinds[:5] == [
        "multipart/report", "multipart/alternative", "text/plain", "text/html", "message/delivery-status",
    ]  # fmt: skip
    [machine] = [part for part in mail.walk() if part.get_content_type() == "message/delivery-status"]
    about_mail, about_recipient = machine.get_payload()
    assert set(about_mail.keys()) <= {"Original-Envelope-Id", "Reporting-MTA", "DSN-Gateway", "Arrival-Date"}
    assert set(about_recipient.keys()) <= {
        "Original-Recipient", "Final-Recipient", "Action", "Status", "Diagnostic-Code", "Last-Attempt-Date",
        "Final-Log-ID",
    }  # fmt: skip
    assert all(line.isascii() for line in letter.content.split(b"\r\n\r\n")[0].split(b"\r\n"))


def _fields(value: object) -> dict[str, object]:
    return {name: getattr(value, name) for name in value.__slots__}  # type: ignore[attr-defined]


def test_a_picture_lies_beside_the_page_that_shows_it() -> None:
    said = blocks(headline("Hello", Tone.GOOD), facts([("To", "x")]), picture("The first page", PNG))
    letter = written(SITE, MARKS, said, to="a@b", subject="x", kind="delivered", about="", sandbox=False)
    mail = parsed(letter.content)
    assert [part.get_content_type() for part in mail.walk()] == [
        "multipart/alternative", "text/plain", "multipart/related", "text/html", "image/png",
    ]  # fmt: skip
    [image] = [part for part in mail.walk() if part.get_content_type() == "image/png"]
    assert image.get_content() == PNG and image["Content-Disposition"].startswith("inline")
    page = mail.get_body(("related", "html"))
    assert page is not None
    [shown] = [part for part in mail.walk() if part.get_content_type() == "text/html"]
    assert f'src="cid:{image["Content-ID"].strip("<>")}"' in shown.get_content()
    assert 'alt="The first page"' in shown.get_content()


def test_what_a_text_alone_says_needs_no_picture() -> None:
    assert "<img" not in as_html(blocks(paragraph("x")), title="x", picture_id="x")
