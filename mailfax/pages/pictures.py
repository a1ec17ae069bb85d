"""The pages of a fax for people: drawn in cells, and remembered for a while, within limits.

In: a fax with its message and document, or a received fax. Out: PNG bytes, PDF bytes, the number of pages. What is
shown of a fax is what its recipient gets: with the cover page and header line of ours, in black and white where it is
sent so. Raises ``CannotRender``, ``ContentDamaged``, ``NotSent``.

LIMITS: ``REMEMBERED`` bytes; ``AT_A_TIME`` cells, so that the faxes themselves are not kept waiting.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from weakref import WeakValueDictionary

from mailfax.pages.bridge import Bridge
from mailfax.render.terms import Order
from mailfax.rules.job import Document, FaxJob, InboundFax, Message

REMEMBERED = 64 << 20
AT_A_TIME = 2
#: How wide pages are drawn, in dots: to be read, and as small pictures.
WIDE, SMALL = 1200, 420


@dataclass(frozen=True, slots=True)
class Shown:
    """The bytes of a fax as they are sent or were received: where they are, and what is still to be done to them."""

    content_id: str
    document: Document | None = None
    order: Order | None = None

    @property
    def key(self) -> tuple[str, str]:
        return self.content_id, repr(self.order)


@dataclass(slots=True)
class Pictures:
    """For all visitors together."""

    _made: OrderedDict[object, bytes] = field(default_factory=OrderedDict)
    _pages: OrderedDict[object, int] = field(default_factory=OrderedDict)
    _size: int = 0
    _cells: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_A_TIME))
    _locks: WeakValueDictionary[object, asyncio.Lock] = field(default_factory=WeakValueDictionary)

    async def count(self, bridge: Bridge, shown: Shown) -> int:
        """How many pages there are."""
        if shown.order is None and shown.document is not None and shown.document.pages:
            return shown.document.pages
        if shown.key not in self._pages:
            await self.picture(bridge, shown, 1, SMALL)
        return self._pages[shown.key]

    async def picture(self, bridge: Bridge, shown: Shown, page: int, width: int) -> bytes:
        """A page as a PNG."""

        async def draw(source: Path, folder: Path) -> bytes:
            png, pages = await bridge.renderer.picture(source, page, width, into=folder)
            self._pages[shown.key] = pages
            while len(self._pages) > 10_000:
                self._pages.popitem(last=False)
            return png

        return await self._remembered((*shown.key, page, width), lambda: self._of(bridge, shown, draw))

    async def pdf(self, bridge: Bridge, shown: Shown) -> bytes:
        """All of it as a PDF."""
        return await self._of(bridge, shown, lambda source, folder: bridge.renderer.as_pdf(source, into=folder))

    async def _of(self, bridge: Bridge, shown: Shown, work: Callable[[Path, Path], Awaitable[bytes]]) -> bytes:
        """What ``work`` makes of the fax as it is sent."""
        composed: bytes | None = None
        if shown.order is not None and shown.document is not None:
            document, order = shown.document, shown.order
            composed = await self._remembered(shown.key, lambda: _composed(bridge, document, order))
        with tempfile.TemporaryDirectory(prefix="mailfax-") as name:
            folder = Path(name)
            async with self._cells:
                if composed is None:
                    async with bridge.spool.content.file(shown.content_id) as source:
                        return await work(source, folder)
                source = folder / "fax"
                await asyncio.to_thread(source.write_bytes, composed)
                return await work(source, folder)

    async def _remembered(self, key: object, make: Callable[[], Awaitable[bytes]]) -> bytes:
        """Made once, also where many ask at the same time."""
        async with self._locks.setdefault(key, asyncio.Lock()):
            if key in self._made:
                self._made.move_to_end(key)
                return self._made[key]
            made = await make()
            if len(made) < REMEMBERED // 4:
                self._made[key] = made
                self._size += len(made)
            while self._size > REMEMBERED:
                self._size -= len(self._made.popitem(last=False)[1])
            return made


async def _composed(bridge: Bridge, document: Document, order: Order) -> bytes:
    content, _ = await bridge.compose.composed(document, order)
    return content


async def of_fax(bridge: Bridge, job: FaxJob, message: Message) -> Shown | None:
    """What can be shown of a fax; None where its pages are not there: not made yet, deleted, or made by FaxCore."""
    document = await bridge.spool.documents.get(job.message)
    if document is None or not document.content_id or document.pages is None:
        return None
    line = bridge.accounts.lines.get(job.account)
    order = bridge.compose.orders.order(line.account, message, document, job) if line else None
    return Shown(document.content_id, document, order)


def of_received(fax: InboundFax) -> Shown | None:
    """What can be shown of a received fax."""
    return Shown(fax.content_id) if fax.content_id else None
