"""What a notification shows of a fax: its first page as a picture, its pages as a PDF, or the message as it came.

In: a message and its document. Out: ``letters.Shown``. Pictures and PDFs are made in a cell. What can't be made, or
takes too long, is left out: no answer waits for a picture.

LIMITS: the picture is of the document, which has no cover page; a file that FaxCore makes the pages of has none.
"""

from __future__ import annotations

import contextlib
import logging
import tempfile
from collections import OrderedDict
from collections.abc import AsyncIterator
from pathlib import Path

from mailfax.letters import NOTHING_SHOWN, Shown
from mailfax.render import CannotRender, Renderer
from mailfax.rules.job import Document, Message
from mailfax.spool import ContentDamaged, NotCommitted, Spool

log = logging.getLogger(__name__)

#: What is larger than this, in bytes, is not attached: in base64 it is a third more.
LARGEST = 7_000_000
#: So many pictures are remembered: a fax to many, or the same sheet again and again.
REMEMBERED = 64


class FirstPages:
    """Makes what is shown; the same picture once."""

    def __init__(self, spool: Spool, renderer: Renderer) -> None:
        self._spool, self._renderer = spool, renderer
        self._known: OrderedDict[str, bytes] = OrderedDict()

    async def of(self, message: Message, document: Document | None) -> Shown:
        """What the sender's rule wants to be shown, as far as it is there."""
        try:
            return await self._of(message, document)
        except (CannotRender, ContentDamaged, NotCommitted, OSError) as why:
            log.info("%s: its notification shows no page: %s", message.queue_id, why)
            return NOTHING_SHOWN
        except Exception:
            # A bug, and no reason to keep a sender from the answer, or all later reports from theirs.
            log.exception("%s: its notification shows no page", message.queue_id)
            return NOTHING_SHOWN

    async def _of(self, message: Message, document: Document | None) -> Shown:
        wanted = message.notice_content
        if wanted == "none":
            return NOTHING_SHOWN
        if wanted == "original" and message.content_id:
            if await self._spool.content.size(message.content_id) > LARGEST:
                return Shown(await self._picture(document), too_large=True)
            original = await self._spool.content.read(message.content_id)
            return Shown(await self._picture(document), original=original)
        picture = await self._picture(document)
        if wanted != "pdf" or document is None or not _has_pages(document):
            return Shown(picture)
        async with self._file(document) as (source, into):
            pdf = await self._renderer.as_pdf(source, into=into)
        return Shown(picture, too_large=True) if len(pdf) > LARGEST else Shown(picture, pdf=pdf)

    async def _picture(self, document: Document | None) -> bytes:
        if document is None or not _has_pages(document):
            return b""
        if (known := self._known.get(document.content_id)) is not None:
            self._known.move_to_end(document.content_id)
            return known
        async with self._file(document) as (source, into):
            made = await self._renderer.thumbnail(source, into=into)
        self._known[document.content_id] = made
        if len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return made

    @contextlib.asynccontextmanager
    async def _file(self, document: Document) -> AsyncIterator[tuple[Path, Path]]:
        with tempfile.TemporaryDirectory(prefix="mailfax-") as folder:
            async with self._spool.content.file(document.content_id) as source:
                yield source, Path(folder)


def _has_pages(document: Document) -> bool:
    """Whether its pages are there; else FaxCore makes them, or they were deleted."""
    return document.pages is not None and bool(document.content_id)
