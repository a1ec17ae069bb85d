"""What was read of a mail so far: the pieces of its body, its parts, what was left out; all in MIME order.

In: what a walk through the parts finds. Out: ``Gathered``; a mail within a mail becomes parts of the outer one.
"""

from __future__ import annotations

import html
from dataclasses import dataclass, field

from mailfax.rules.body import Piece, joined_html, joined_text
from mailfax.rules.fields import Fields
from mailfax.rules.part import Part
from mailfax.rules.tnef import Opened

#: The fields of a forwarded mail that are on its page.
SHOWN = ("from", "to", "cc", "date", "subject")


@dataclass(slots=True)
class Gathered:
    """What was read of a mail so far, in MIME order; ``found`` are (Content-ID or "", part)."""

    body: list[Piece] = field(default_factory=list)
    found: list[tuple[str, Part]] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)

    def as_parts(self, fields: Fields) -> Gathered:
        """A forwarded mail as the parts of the mail around it: a page with its heading and text, then its own."""
        rows = [(name, fields.text(name)) for name in SHOWN]
        heading = [f"{name.capitalize()}: {value}" for name, value in rows if value]
        name = f"{fields.text('subject')[:60]} (forwarded mail)".strip()
        if guessed := fields.guessed(*SHOWN):
            self.skipped.append(f"{name}: the character set of its heading had to be guessed ({guessed})")
        body_html = joined_html(self.body)
        if body_html:
            text = "<p>" + "<br>".join(html.escape(line) for line in heading) + f"</p><hr>{body_html}"
            page = Part(name, "text/html", text.encode(), text)
        else:
            text = "\n".join([*heading, "", joined_text(self.body)])
            page = Part(name, "text/plain", text.encode(), text)
        return Gathered([], [("", page), *self.found], self.skipped)

    def add(self, other: Gathered) -> None:
        self.body += other.body
        self.found += other.found
        self.skipped += other.skipped


def of_outlook(mail: Opened) -> Gathered:
    """What is in an opened ``winmail.dat``; mails in it are forwarded ones."""
    got = Gathered()
    if mail.html.strip() or mail.text.strip():
        got.body.append(Piece(text=mail.text or None, html=mail.html or None))
    if mail.rtf:
        got.found.append(("", Part("text of the mail.rtf", "application/rtf", mail.rtf)))
        got.body.clear()
    for name, content in mail.files:
        shown = name.replace("\\", "/").rpartition("/")[2].strip() or f"attachment {len(got.found) + 1}"
        got.found.append(("", Part(shown, "application/octet-stream", content)))
    for inner in mail.mails:
        subject = inner.subject.encode("utf-8", "replace")
        got.add(of_outlook(inner).as_parts(Fields([(b"subject", subject)])))
    return got
