"""What the recipients of one mail want of it together: values in, ``Wishes`` for the renderer out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mailfax.config import Account
from mailfax.faxcore.values import FaxUpload, notes_budget
from mailfax.offramp.cover import cover_for
from mailfax.render import Rendered
from mailfax.render.terms import NOTES_BYTES, Wishes
from mailfax.rules.cover import not_shown
from mailfax.rules.job import Document, FaxJob, Message

#: As long as the client lets a file name be (A27).
LONGEST_FILENAME = "x" * 60 + ".pdf"
#: The longest that is dialled (E.164), for a preview that is for none.
LONGEST_NUMBER = "9" * 15


def wishes_of(account: Account | None, message: Message, document: Document, jobs: Sequence[FaxJob]) -> Wishes:
    """What the recipients of a mail want together: its text stands on their cover pages only where all have one, and
    what does not fit there, beside the longest of their names, gets a page."""
    asked = {job.cover for job in jobs}
    room = NOTES_BYTES if account and account.cover == "ours" and "no" not in asked else 0
    if account and account.cover == "service" and "no" not in asked:
        covers = [cover_for(account, message, replace(document, cover="yes", notes=""), job) for job in jobs]
        numbers = [job.number or LONGEST_NUMBER for job in jobs]
        prefix = account.number_prefix
        uploads = [FaxUpload(*each, LONGEST_FILENAME, 1, prefix) for each in zip(numbers, covers, strict=True)]
        room = min(NOTES_BYTES, *(notes_budget(upload) for upload in uploads))
    mode = "always" if asked == {"yes"} else message.cover_page
    strip = tuple(filter(None, message.strip.split(",")))
    return Wishes(mode, room, message.body, strip, "ours" if account and account.cover == "ours" else "service")


def document_of(document: Document, rendered: Rendered) -> Document:
    """The document, now that it was made."""
    return replace(
        document,
        filename=rendered.filename,
        pages=rendered.pages,
        notes=rendered.notes,
        contents=rendered.contents,
        skipped=rendered.skipped,
        cover="yes" if rendered.covered else "no",
    )


def not_shown_on_cover(
    account: Account | None, message: Message, document: Document, jobs: Sequence[FaxJob]
) -> list[str]:
    """What of a cover page is left off, or may not be shown by the fax service."""
    if account is None:
        return []
    lines: dict[str, None] = {}
    if (
        account.cover == "ours"
        and document.filename
        and document.pages is None
        and any(job.cover == "yes" for job in jobs)
    ):
        lines[
            "cover page: none, since nothing of ours can stand before a file that goes to the fax service as it is"
        ] = None
    for job in jobs:
        cover = cover_for(account, message, document, job)
        for what, text in (
            ("subject", cover.subject),
            ("name of the recipient", cover.recipient_name),
            ("name of the sender", f"{cover.sender_name} {cover.sender_company}"),
        ):
            if writings := not_shown((text,)):
                shown = " and ".join(writings)
                lines[f"{what}: the fax service's cover page may not show what is written in {shown}"] = None
    return list(lines)
