"""What a FaxCore shows of itself when it is asked a few harmless questions, for ``mailfax check``.

In: an account, its client, the newest fax that we sent through it. Out: sentences. The vendor's reference leaves
forty-four things open (docs/faxcore-quirks.md); these are the ones that only a live service answers (A44), and what
it can't do at all (A22).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mailfax.config import Account
    from mailfax.faxcore.client import FaxCore
    from mailfax.rules.job import FaxJob

NO_CANCEL = (
    "it has no call that cancels: a fax that it took can be stopped on its own pages alone, and mailfax cancel stops "
    "only what it does not have yet"
)


async def observed(account: Account, client: FaxCore, ours: FaxJob | None) -> AsyncIterator[str]:
    """Sentences about the service; raises ``Failure`` where it does not answer."""
    from mailfax.faxcore.errors import NotRead
    from mailfax.faxcore.values import Folder

    ids = await _ids(client, Folder.INBOX)
    seen = client.observed
    what = "the sandbox" if seen.is_sandbox else "FaxCore"
    kind = seen.content_types.get("GetFaxList", "") or "no content type"
    yield f"{what} answers ({kind}); {len(ids)} faxes in the Inbox"
    sent = await _ids(client, Folder.SENT) if len(ids) < 2 else []
    yield f"lists: {await _order(client, ids if len(ids) > 1 else sent)}"
    if ours is not None:
        with suppress(NotRead):
            await client.fax_details(ours.fax_id, submitted=datetime.fromtimestamp(ours.submitted_at, UTC))
    yield f"dates: read as {account.server_timezone}; {_zone(seen.hours_off)}"
    oddities = [
        "a byte order mark" if seen.byte_order_mark else "",
        f"{seen.repaired} answers that had to be repaired" if seen.repaired else "",
        f"status words that mailfax doesn't know: {', '.join(sorted(seen.unknown_words))}"
        if seen.unknown_words
        else "",
    ]
    yield f"answers: {'; '.join(filter(None, oddities)) or 'nothing odd in them'}"
    yield NO_CANCEL


async def _ids(client: FaxCore, folder: object) -> list[str]:
    async with aclosing(client.list_folder(folder)) as ids:  # type: ignore[arg-type]
        return [fax_id async for fax_id in ids]


async def _order(client: FaxCore, ids: list[str]) -> str:
    """How the ids of a folder are sorted, by the dates of the first and the last; nothing here relies on it (A33)."""
    from mailfax.faxcore.errors import NotRead

    if len(ids) < 2:
        return "too few faxes to see their order"
    try:
        first, last = [(await client.fax_details(fax_id)).created for fax_id in (ids[0], ids[-1])]
    except NotRead as silence:
        return f"their order was not told ({silence.diagnostic})"
    if first is None or last is None or first == last:
        return "their order can't be seen by their dates"
    return "newest first" if first > last else "oldest first"


def _zone(hours_off: int | None) -> str:
    if hours_off is None:
        return "whether that is right shows by a fax that we sent, and none is known there"
    if not hours_off:
        return "a fax of ours has the right time"
    return (
        f"a fax of ours is {abs(hours_off)} hours too {'late' if hours_off > 0 else 'early'}: correct server_timezone"
    )
