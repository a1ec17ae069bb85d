"""A message to more numbers than may go unseen waits for a person: its sender and the postmaster are told.

In: the message and how many faxes it is. Out: letters, without anything of the fax but its subject.
"""

from __future__ import annotations

from mailfax.letters import texts
from mailfax.letters.blocks import facts, paragraph
from mailfax.letters.postmaster import tell
from mailfax.letters.site import Marks, Site
from mailfax.rules.job import Letter, Message


def approval(site: Site, marks: Marks, *, message: Message, faxes: int, limit: int, to: str = "") -> Letter:
    """To the postmaster, who may let it go; or, with ``to``, to its sender, who can only wait or ask."""
    subject = "" if message.notice_content == "none" else message.subject
    rows = facts(
        [
            (texts.ROW_SENDER, message.sender),
            (texts.ROW_SUBJECT, subject),
            (texts.ROW_FAXES, str(faxes)),
            (texts.ROW_QUEUE_ID, message.queue_id),
        ]
    )
    said, after = (
        (texts.APPROVAL_SENDER_TEXT, texts.APPROVAL_SENDER_NEXT) if to else (texts.APPROVAL_TEXT, texts.APPROVAL_NEXT)
    )
    names = {"faxes": faxes, "limit": limit, "queue_id": message.queue_id, "postmaster": site.postmaster}
    return tell(
        site,
        marks,
        texts.APPROVAL_SUBJECT.format(**names),
        paragraph(said.format(**names)),
        rows,
        paragraph(after.format(**names)),
        to=to,
        in_language=message.language,
        about=message.queue_id,
        sandbox=False,
    )
