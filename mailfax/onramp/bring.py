"""The mails that bring a received fax, one for each mailbox: files, so that no fax is ever whole in memory.

In: the fax, what FaxCore says of it, its pages as a file of this ``form``. Out: letters whose mails are files in the
same folder, for as long as that is there.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from mailfax import letters
from mailfax.config import Account
from mailfax.faxcore.values import FaxDetails
from mailfax.letters import Form, Marks, Site
from mailfax.rules.job import InboundFax, Letter


def bring(
    site: Site,
    account: Account,
    fax: InboundFax,
    details: FaxDetails,
    marks: Callable[[], Marks],
    pages: Path,
    *,
    to: Sequence[str],
    form: Form,
    instead: Form | None = None,
    sandbox: bool,
) -> tuple[Letter, ...]:
    """One letter for each mailbox, so that each has its own fate. Blocking; raises OSError."""
    brought = []
    for number, mailbox in enumerate(to, 1):
        parcel = letters.inbound(
            site,
            fax,
            marks(),
            mailbox=mailbox,
            number=account.username,
            announced_pages=details.page_count,
            form=form,
            instead=instead,
            sandbox=sandbox,
        )
        path = pages.parent / f"mail-{number}"
        with path.open("wb") as mail, pages.open("rb") as file:
            mail.write(parcel.before)
            while block := file.read(letters.BASE64_BLOCK):
                mail.write(letters.base64_lines(block))
            mail.write(parcel.behind)
        brought.append(replace(parcel.letter, file=str(path)))
    return tuple(brought)
