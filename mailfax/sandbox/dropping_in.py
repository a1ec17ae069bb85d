"""Drop a received fax into an account's Inbox, as if somebody had called.

In: the bytes of a PDF or TIFF. Out: the ids of the faxes; none when the document can't be opened.
"""

from __future__ import annotations

import asyncio
import hashlib

from mailfax.sandbox import pages
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.families import Family
from mailfax.sandbox.life import Folder, Status
from mailfax.sandbox.store import Draft


async def drop_in(
    exchange: Exchange, body: bytes, family: Family, *, account: str, caller: str, subject: str, count: int
) -> list[str]:
    """All of them share one document; they are durable together."""
    document = exchange.store.new_document()
    await asyncio.to_thread(document.write_bytes, body)
    number = await exchange.drawn(pages.count, document, family)
    if not number:
        document.unlink()
        return []
    now = exchange.now()
    draft = Draft(
        account=account,
        direction="Inbound",
        number=caller,
        subject=subject,
        cover="",
        sender=caller,
        recipient=account,
        filename=f"fax.{'pdf' if family is Family.PDF else 'tif'}",
        family=family,
        content_type="",
        document=document.name,
        size=len(body),
        sha256=hashlib.sha256(body).hexdigest(),
        created=now,
        started=exchange.clock.progress(now),
        visible_from=now,
        code="",
        pages=number,
        status=Status.COMPLETED,
        folder=Folder.INBOX,
        next_at=None,
        completed=now,
        delivered=number,
        downloaded=False,
    )
    return await exchange.accept(draft, document, times=count)
