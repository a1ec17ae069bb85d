"""Every mail in ``mails/`` becomes the plan, or the refusal, that stands beside it in ``.expected``."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailfax.render import NOTES_BYTES
from mailfax.render.kinds import Kind
from mailfax.render.plan import FILENAME_BYTES, Source, fits_cover, plan, safe_filename, visible
from mailfax.rules.submission import NotFaxable, Part, Submission, understand

MAILS = sorted(Path(__file__).with_name("mails").glob("*.eml"))


def described(raw: bytes) -> str:
    """A plan as people read it: one fact a line."""
    try:
        submission = understand(raw)
        decided = plan(submission, NOTES_BYTES)
    except NotFaxable as refused:
        return f"refused {refused.status.code}: {refused.status.sentence}\n"
    lines = [f"subject: {submission.subject}"] if submission.subject else []
    lines += [f"notes: {line}" for line in decided.notes.split("\n") if decided.notes]
    for source in decided.sources:
        text = f" {source.part.text!r}" if source.part.text and len(source.part.text) < 200 else ""
        lines.append(f"page {source.kind.name}: {source.name}{text}")
    if decided.untouched:
        lines.append(f"untouched {decided.untouched.kind.name}: {safe_filename(decided.untouched)}")
    lines += [f"skipped: {skipped}" for skipped in decided.skipped]
    return "\n".join(lines) + "\n"


@pytest.mark.parametrize("mail", MAILS, ids=lambda mail: mail.stem)
def test_a_mail_becomes_its_plan(mail: Path) -> None:
    assert described(mail.read_bytes()) == mail.with_suffix(".expected").read_text(encoding="utf-8")


def test_line_ends_make_no_difference() -> None:
    for mail in MAILS:
        raw = mail.read_bytes()
        assert described(raw.replace(b"\n", b"\r\n")) == described(raw)


@pytest.mark.parametrize(
    ("text", "fits"),
    [
        ("Please find my letter attached.", True),
        ("a" * 500, True),
        ("a" * 501, False),
        ("a\n" * 11 + "a", True),
        ("a\n" * 12 + "a", False),
        ("ä" * 200, True),  # six bytes each in a URL
        ("ä" * 201, False),
        ("a b" * 160, True),
        ("€" * 133, True),  # nine bytes each
        ("€" * 134, False),
    ],
)
def test_notes_are_short_also_in_a_url(text: str, fits: bool) -> None:
    assert fits_cover(text, NOTES_BYTES) is fits


@pytest.mark.parametrize(
    ("name", "kind", "sent"),
    [
        ("Report.DOCX", Kind.DOCX, "Report.docx"),
        ("Übersicht für Ärzte.xls", Kind.XLS, "Ubersicht_fur_Arzte.xls"),
        ("报告.pptx", Kind.PPTX, "document.pptx"),
        ("report", Kind.RTF, "report.rtf"),
        ("report.pdf", Kind.DOC, "report.doc"),
        ("page.mht", Kind.MHTML, "page.mht"),
        ("a" * 100 + ".docx", Kind.DOCX, "a" * 59 + ".docx"),
        ("...docx", Kind.DOCX, "document.docx"),
        ("a b&c=d?e#f.xml", Kind.XML, "a_b_c_d_e_f.xml"),
    ],
)
def test_a_file_name_is_plain_and_says_what_the_file_is(name: str, kind: Kind, sent: str) -> None:
    made = safe_filename(Source(name, kind, Part(name, "", b"")))
    assert made == sent
    assert len(made) <= FILENAME_BYTES


def test_invisible_text_is_no_text() -> None:
    assert visible("\u200b \u00a0\r\n\ufeff\t\n") == ""
    assert visible("a  \n\n\n\nb\x00") == "a\n\nb"


UNTOUCHED = [
    ("x.rtf", b"{\\rtf1 hello}", "rtf"),
    ("x.xml", b"<?xml version='1.0'?><a/>", "xml"),
    ("x.pcl", b"\x1bE\x1b&l0Ohello", "pcl"),
    ("x.prn", b"\x1b%-12345X@PJL", "prn"),
    ("x.bmp", b"BM" + (1000).to_bytes(4, "little") + bytes(4) + (54).to_bytes(4, "little") + bytes(986), "bmp"),
    ("x.mht", b"MIME-Version: 1.0\r\nContent-Type: multipart/related; boundary=x\r\n\r\n", "mht"),
]


@pytest.mark.parametrize(("name", "content", "extension"), UNTOUCHED, ids=[name for name, _, _ in UNTOUCHED])
def test_what_only_faxcore_draws_goes_there_untouched(name: str, content: bytes, extension: str) -> None:
    decided = plan(Submission(parts=(Part(name, "application/octet-stream", content),)), NOTES_BYTES)
    assert decided.untouched is not None
    assert decided.untouched.part.content == content
    assert safe_filename(decided.untouched) == f"x.{extension}"


def test_long_text_beside_an_untouched_file_is_refused() -> None:
    rtf = Part("x.rtf", "", b"{\\rtf1 hello}")
    with pytest.raises(NotFaxable, match="too long for the cover page"):
        plan(Submission(body_text="word " * 200, parts=(rtf,)), NOTES_BYTES)


def test_a_picture_pasted_into_html_is_something_to_fax() -> None:
    """No text and no attachment, but a data: picture in the HTML: that is what the sender meant."""
    decided = plan(Submission(body_html='<p><IMG width=3 src="data:image/png;base64,iVBORw0KGgo="></p>'), NOTES_BYTES)
    assert [source.kind for source in decided.sources] == [Kind.HTML]
