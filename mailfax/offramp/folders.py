"""One look at an account's folders: which known faxes are where, and which ids nobody knows yet.

Lists are read as a stream and never held: an id is kept only if it is wanted or unknown. The order matters. A fax
moves from Outbox (or Hold) to its end folder and from there to Trash, so the folders are listed in that direction:
one that moves while we look is seen later, never missed.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.values import Folder
from mailfax.spool import Spool

ALL_OUTBOUND = (Folder.OUTBOX, Folder.HOLD, Folder.SENT, Folder.FAILED, Folder.CANCELLED, Folder.TRASH)
ENDS = (Folder.SENT, Folder.FAILED, Folder.CANCELLED)
#: Ids looked up in the ledger at a time.
CHUNK = 500
#: What one id costs in a list, in bytes, and what one FaxStatus call costs: to choose the cheaper way.
BYTES_PER_ID, BYTES_PER_STATUS = 36, 400


@dataclass
class Look:
    """What one look showed: wanted ids with their folder, ids that the ledger does not have, and its size."""

    where: dict[str, Folder] = field(default_factory=dict)
    unknown: dict[str, Folder] = field(default_factory=dict)
    listed: int = 0

    @property
    def cost(self) -> int:
        """About how many bytes of replies it took."""
        return self.listed * BYTES_PER_ID


async def look(
    spool: Spool, client: FaxCore, account: str, folders: Sequence[Folder], wanted: Container[str], *, unknown: bool
) -> Look:
    """List ``folders`` in full; raises ``NotRead`` or ``AccountTrouble`` where one could not be."""
    seen = Look()
    for folder in folders:
        chunk: list[str] = []
        async with aclosing(client.list_folder(folder)) as ids:
            async for fax_id in ids:
                seen.listed += 1
                if fax_id in wanted:
                    seen.where[fax_id] = folder
                elif unknown:
                    chunk.append(fax_id)
                    if len(chunk) >= CHUNK:
                        await _keep_unknown(spool, account, folder, chunk, seen)
        await _keep_unknown(spool, account, folder, chunk, seen)
    return seen


async def _keep_unknown(spool: Spool, account: str, folder: Folder, chunk: list[str], seen: Look) -> None:
    for fax_id in await spool.ledger.unknown(account, chunk) if chunk else ():
        seen.unknown[fax_id] = folder
    chunk.clear()
