"""A mail becomes a submission: its subject, its body, its parts in MIME order, and what is left out.

In: the bytes of a mail. Out: ``Submission``, or ``NotFaxable`` with the sentence for its sender. Nothing is dropped
without its name in ``skipped``: every octet is entered in a ledger, and a mail whose ledger has a gap is refused. The
rules for containers stand in ``rules/reading.py``; ``docs/reference/submission.md`` is the table of them. What a part
*is* (a PDF, a picture, ...) is decided later, by its content.

STANDARDS: RFC 5322, RFC 2045-2047, 2231, 2392 (cid).
LIMITS: those of ``rules/tree.py`` and ``rules/reading.py``.
"""

from __future__ import annotations

import re

from mailfax.rules.body import joined_html, joined_text
from mailfax.rules.gathered import Gathered
from mailfax.rules.heading import read_message_id
from mailfax.rules.part import NEVER_PAGES, NotFaxable, Part, Submission
from mailfax.rules.pictures import DRAWING, DRAWN_INLINE, behind_text_in, drawn_in, without_repeated
from mailfax.rules.reading import Reading
from mailfax.rules.status import Cause, status

__all__ = ["NEVER_PAGES", "NotFaxable", "Part", "Submission", "understand"]

#: A file name with the number of its page.
_NUMBERED = re.compile(r"(.*?)(\d+)(\D*)")


def understand(raw: bytes) -> Submission:
    """Read a mail; raises ``NotFaxable``."""
    if b"\n" not in raw:
        raw = raw.replace(b"\r", b"\n")
    reading = Reading(raw, Gathered(), 0)
    fields = reading.run()
    got = reading.got
    body_html = joined_html(got.body)
    drawn = [body_html, *(part.text or "" for _, part in got.found if part.label == "text/html")]
    shown = drawn_in("\n".join(drawn)) | behind_text_in("\n".join(drawn))
    images: dict[str, Part] = {}
    parts: list[tuple[str, Part]] = []
    for cid, part in got.found:
        # A second one of the same Content-ID, or a file of another kind, would not be drawn there: a page.
        inline = part.content.startswith(DRAWN_INLINE) or part.label == DRAWING
        if cid in shown and cid not in images and inline:
            images[cid] = part
        else:
            parts.append((cid, part))
    pages, repeated = without_repeated(parts)
    if lost := len(got.found) - len(images) - len(pages) - len(repeated):
        raise NotFaxable(status(Cause.UNREADABLE_MAIL, why=f"{lost} of its parts got lost in reading"))
    if guessed := fields.guessed("subject"):
        got.skipped.append(f"subject: its character set had to be guessed ({guessed})")
    return Submission(
        subject=fields.text("subject"),
        message_id=read_message_id(fields.raw("message-id")),
        body_text=joined_text(got.body),
        body_html=body_html,
        images=images,
        parts=tuple(_in_order(pages)),
        skipped=tuple(got.skipped + repeated),
        ledger=tuple(reading.ledger.entries),
    )


def _in_order(parts: list[Part]) -> list[Part]:
    """In MIME order; files numbered alike (one a page, as copiers send them) in that of their numbers."""
    numbered = [_NUMBERED.fullmatch(part.name) for part in parts]
    if len(parts) < 2 or not all(numbered):
        return parts
    found = [each for each in numbered if each]
    if len({(each[1].casefold(), each[3].casefold()) for each in found}) > 1:
        return parts
    return [part for _, part in sorted(zip(found, parts, strict=True), key=lambda each: int(each[0][2]))]
