"""Every mail in ``mails/`` becomes the plan, or the refusal, that stands beside it in ``.expected``."""

from __future__ import annotations

from pathlib import Path

import pytest

from mailfax.render.plan import plan, safe_filename
from mailfax.render.terms import NOTES_BYTES
from mailfax.rules.submission import NotFaxable, understand

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
