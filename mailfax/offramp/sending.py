"""What one job sends: the document as it is stored, or put together for this recipient; its name and cover fields.

In: an account, a message, its document, a job. Out: ``Sending``. What differs from recipient to recipient (a cover
page of ours, the header line, the paper of their country) is put together in a cell: the same bytes each time.
"""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from mailfax.config import Account
from mailfax.faxcore.values import FaxUpload
from mailfax.letters.plain import phone
from mailfax.offramp.cover import cover_for
from mailfax.offramp.fax_accounts import FaxAccounts
from mailfax.render import Renderer
from mailfax.render.front import CoverText, Fronts
from mailfax.render.terms import Order
from mailfax.rules.failure import NotSent, Refused
from mailfax.rules.job import Document, FaxJob, Message
from mailfax.spool import ContentDamaged, Spool

PIECE = 1 << 20
#: The file name of fax pages: its extension tells the service what they are.
FAX_PAGES = "fax.tif"


@dataclass(frozen=True, slots=True)
class Sending:
    """One document to one number. ``chunks`` are the bytes of it; ``pages`` is None where FaxCore makes them."""

    upload: FaxUpload
    chunks: AsyncIterator[bytes]
    pages: int | None


class Orders:
    """What must be done to documents. Raises ``ConfigError`` where an account's cover page can't be made.

    ``paper`` is what documents are made for.
    """

    def __init__(self, accounts: Iterable[Account], paper: str) -> None:
        self._paper = paper
        self._fronts = {account.name: Fronts(account.cover_folder) for account in accounts if account.cover == "ours"}

    def order(self, account: Account, message: Message, document: Document, job: FaxJob) -> Order | None:
        """What must be done to the document for this recipient; None where it goes as it is stored."""
        if document.pages is None or document.filename.endswith(".tif"):
            return None  # a file that FaxCore makes the pages of, or fax pages that are made
        fronts = self._fronts.get(account.name) if job.has_cover(document) else None
        order = Order(
            job.paper or self._paper,
            fronts.front(_said(account, message, document, job)) if fronts else None,
            _header(account, message, job) if account.header_line else "",
            account.document,
            account.down,
        )
        return order if order != Order(self._paper, down=account.down) else None


class Compose:
    """Puts together what jobs send. Raises ``ConfigError`` where an account's cover page can't be made."""

    def __init__(self, spool: Spool, fax_accounts: FaxAccounts, renderer: Renderer) -> None:
        self._spool, self._renderer = spool, renderer
        self.orders = Orders([line.account for line in fax_accounts.lines.values()], renderer.paper)

    @contextlib.asynccontextmanager
    async def sending(
        self, account: Account, message: Message, document: Document, job: FaxJob
    ) -> AsyncIterator[Sending]:
        """What ``job`` sends. Raises ``CannotRender``, ``NotSent`` or ``Refused``: nothing has left us by then."""
        cover = cover_for(account, message, document, job)
        order = self.orders.order(account, message, document, job)
        try:
            if order is None:
                filename, pages, length = (
                    document.filename,
                    document.pages,
                    await self._spool.content.size(document.content_id),
                )
                bytes_of = self._spool.content.chunks(document.content_id)
            else:
                content, pages = await self.composed(document, order)
                length, bytes_of = len(content), _pieces(content)
                filename = FAX_PAGES if order.document == "tiff" else document.filename
            upload = FaxUpload(job.number, cover, filename, length, account.number_prefix)
        except (ValueError, ContentDamaged) as wrong:
            raise Refused(str(wrong), diagnostic=f"x-mailfax; {wrong}") from wrong
        async with contextlib.aclosing(bytes_of) as chunks:
            yield Sending(upload, chunks, pages)

    async def composed(self, document: Document, order: Order) -> tuple[bytes, int]:
        """The document so put together, and its pages. Raises ``CannotRender``, ``NotSent``, ``ContentDamaged``."""
        try:
            with tempfile.TemporaryDirectory(prefix="mailfax-") as folder:
                async with self._spool.content.file(document.content_id) as source:
                    file, pages = await self._renderer.compose(source, order, into=Path(folder))
                return file.read_bytes(), pages
        except OSError as trouble:
            raise NotSent(
                "Our machine had no room for the fax.", diagnostic=f"x-mailfax; {trouble.strerror}"
            ) from None


def _said(account: Account, message: Message, document: Document, job: FaxJob) -> CoverText:
    return CoverText(
        to=job.recipient_name,
        number=phone(job.number) if job.number else "",
        sender=message.sender_name,
        company=message.sender_company,
        sender_number=account.username if account.username.isdigit() else "",
        date=_date(message, "%-d %B %Y, %H:%M UTC"),
        subject=message.subject if job.subject is None else job.subject,
        reference=job.reference,
        text=document.notes,
    )


def _header(account: Account, message: Message, job: FaxJob) -> str:
    """Date, from, to, as fax machines print it."""
    number = account.username if account.username.isdigit() else ""
    sender = " ".join(part for part in (message.sender_company or message.sender_name, number) if part)
    recipient = " ".join(part for part in (job.recipient_name, job.number and phone(job.number)) if part)
    parts = (
        _date(message, "%Y-%m-%d %H:%M UTC"),
        f"From: {sender}" if sender else "",
        f"To: {recipient}" if recipient else "",
    )
    return "\u2003".join(part for part in parts if part)


def _date(message: Message, form: str) -> str:
    """When the mail came: the same on every attempt."""
    return datetime.fromtimestamp(message.received_at, UTC).strftime(form)


async def _pieces(content: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(content), PIECE):
        yield content[start : start + PIECE]
