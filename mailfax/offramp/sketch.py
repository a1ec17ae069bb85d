"""What a mail would become, without storing anything: the pages that its first recipient would get.

In: an envelope as it would be accepted, the mail in a file. Out: ``Sketch``. The same steps as ``prepare`` and
``sending`` take, with the same values; raises ``CannotRender`` where they would refuse it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mailfax.offramp.accept import message_of
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.offramp.faxes import faxes_of
from mailfax.offramp.sending import Orders
from mailfax.offramp.wishes import document_of, not_shown_on_cover, wishes_of
from mailfax.render import Renderer
from mailfax.rules.envelope import Envelope
from mailfax.rules.heading import read_heading
from mailfax.rules.job import Document
from mailfax.rules.queue_id import job_id
from mailfax.rules.tags import read_tags

#: Stands where the queue ID and the reference will.
NAME, REFERENCE = "PREVIEW", "PREVIEW"


@dataclass(frozen=True, slots=True)
class Sketch:
    """``content`` is None where FaxCore makes the pages. ``contents`` says which pages are what, ``skipped`` what was
    left out and why; ``cover``: the service draws a cover page before these pages."""

    content: Path | None
    pages: int
    contents: tuple[str, ...]
    skipped: tuple[str, ...]
    cover: bool


async def sketch(
    envelope: Envelope,
    header: bytes,
    mail: Path,
    *,
    into: Path,
    accounts: FaxAccounts,
    orders: Orders,
    renderer: Renderer,
    now: float,
) -> Sketch:
    """Draw it; files are written into the directory ``into``. ``now`` stands on a cover page of ours."""
    heading = read_heading(header)
    tagged = read_tags(heading.subject)
    message = message_of(envelope, heading, NAME, now)
    faxes = faxes_of(envelope.recipients, heading.names, tagged.said)
    jobs = [
        fax.job(job_id(NAME, number), REFERENCE, account=message.account, now=now, expire_seconds=0.0)
        for number, fax in enumerate(faxes, 1)
    ]
    account = accounts.account(message.account)
    empty = Document(NAME, "pending", 0, 0.0, 0)
    rendered = await renderer.render(mail, into=into, wishes=wishes_of(account, message, empty, jobs))
    document = document_of(empty, rendered)
    skipped = (*document.skipped, *not_shown_on_cover(account, message, document, jobs))
    cover = account.cover == "service" and jobs[0].has_cover(document)
    if document.pages is None:
        return Sketch(None, 0, document.contents, skipped, cover)
    content, pages = rendered.content, document.pages
    if order := orders.order(account, message, document, jobs[0]):
        content, pages = await renderer.compose(content, order, into=into)
    return Sketch(content, pages, document.contents, skipped, cover)
