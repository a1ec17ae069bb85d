"""SendFax: the body streamed to disk, the parameters judged, the fax accepted; with the faults of magic numbers.

In: a POST whose whole body is the document and whose parameters are all in the URL (gaps A7, A8). Out: the reply,
and the fault that is still to be carried out on it. A reply with an id is made only after the fax is durable.

LIMITS  One document, one recipient (gaps A25, A27).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import hashlib
import re
from pathlib import Path

from starlette.requests import ClientDisconnect, Request

from mailfax.sandbox import life, wire
from mailfax.sandbox.clock import fax_date
from mailfax.sandbox.cover import Cover
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.families import family_of, sniff
from mailfax.sandbox.faults import Action
from mailfax.sandbox.journal import Entry
from mailfax.sandbox.life import Folder, Status
from mailfax.sandbox.replies import Reply, business_error, error_page, results
from mailfax.sandbox.store import Draft

FOUR_MEGABYTES = 4096 * 1024
FORM = "application/x-www-form-urlencoded"
DUPLICATE_SECONDS = 3600.0

_BEFORE = frozenset(
    {Action.DROP_BEFORE, Action.ERROR_BEFORE, Action.UNAUTHORIZED, Action.UNAVAILABLE, Action.THROTTLED}
)
Outcome = tuple[Action | None, Reply | None]
"""The fault that is left to carry out, and the reply; no reply when nothing was done because of the fault."""


class TooLarge(Exception):
    """The body is longer than the service takes."""


class Sending:
    """SendFax on one exchange."""

    LARGEST = 30_000_000
    """Bytes; IIS's maxAllowedContentLength."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def perform(
        self, account: str, request: Request, entry: Entry, ruled: Action | None, accept: str
    ) -> Outcome:
        """``ruled`` is what a fault rule wants; it goes before the number's own magic."""
        given = entry.parameters
        digits = re.sub(r"[ ().+-]", "", given.get("recpfax", ""))
        magic = life.magic(digits)
        action = ruled or (None if magic.first_call_only else magic.action)
        if action is Action.DROP_BEFORE:
            with contextlib.suppress(ClientDisconnect):
                await anext(request.stream())  # some of the body was handed over: that is what makes it unclear
            return action, None
        document = self._exchange.store.new_document()
        handed_over = False
        try:
            sha256, size = await self._receive(request, document)
            entry.size, entry.content_type = size, request.headers.get("content-type", "")
            if magic.first_call_only and not ruled:
                call = "\0".join((account, digits, given.get("subject", ""), sha256))
                first = await self._exchange.kept(
                    self._exchange.store.first_call, hashlib.sha256(call.encode()).hexdigest()
                )
                action = magic.action if first else None
            if action in _BEFORE:
                return action, None
            refusal = self._refusal(given, digits, entry, magic.refusal, accept)
            if refusal:
                return action if action not in (Action.HIDDEN_AFTER, Action.TWICE) else None, refusal
            draft = self._draft(account, given, digits, entry, document, sha256, action)
            await self._warn(draft, document, entry)
            handed_over = (
                True  # its row may be committed even if this task is cancelled now: the start sweeps orphans
            )
            ids = await self._exchange.accept(draft, document, times=2 if action is Action.TWICE else 1)
            entry.fax_ids = ids
            return action, results("SendFax", ids[0], self._exchange.quirks, accept)
        except TooLarge:
            entry.warnings.append("the body is larger than 30,000,000 bytes")
            return None, error_page(404)
        except ClientDisconnect:
            entry.warnings.append("the client hung up before the end of the body")
            raise wire.Dropped from None
        finally:
            if not handed_over:
                document.unlink(missing_ok=True)

    async def _receive(self, request: Request, document: Path) -> tuple[str, int]:
        """Stream the body to the file; its SHA-256 and its bytes."""
        digest, size = hashlib.sha256(), 0
        file = await asyncio.to_thread(document.open, "wb")
        try:
            async for chunk in request.stream():
                size += len(chunk)
                if size > self.LARGEST:
                    raise TooLarge
                digest.update(chunk)
                await asyncio.to_thread(file.write, chunk)
        finally:
            file.close()  # at once, also where this is cancelled
        return digest.hexdigest(), size

    def _refusal(self, given: dict[str, str], digits: str, entry: Entry, blocked: str, accept: str) -> Reply | None:
        """Why the fax is not taken; None when it is."""
        quirks = self._exchange.quirks
        if quirks.form_parser and entry.content_type.lower().startswith(FORM):
            return error_page(500)
        if quirks.four_megabytes and entry.size > FOUR_MEGABYTES:
            return error_page(500, "The request is longer than this application is set up to take.")
        sentence = ""
        if not digits:
            sentence = "The parameter recpfax is required."
        elif not re.fullmatch(r"(011)?[0-9]{7,15}", digits):
            sentence = "The recipient's fax number must have 7 to 15 digits."
        elif not given.get("filename", "").strip():
            sentence = "The parameter filename is required."
        elif family_of(given["filename"]) is None:
            sentence = "Files of this type are not supported."
        elif not entry.size:
            sentence = "The fax attachment is empty."
        sentence = sentence or blocked
        return business_error("SendFax", sentence, quirks, accept) if sentence else None

    def _draft(
        self,
        account: str,
        given: dict[str, str],
        digits: str,
        entry: Entry,
        document: Path,
        sha256: str,
        action: Action | None,
    ) -> Draft:
        now = self._exchange.now()
        started = self._exchange.clock.progress(now)
        hidden = self._exchange.quirks.listed_after_minutes * 60 if action is Action.HIDDEN_AFTER else 0
        magic = life.magic(digits)
        look = life.first_look(magic.route)
        family = family_of(given["filename"])
        cover = Cover(
            sendername=given.get("sendername", ""),
            sendercompany=given.get("sendercompany", ""),
            sender=account,
            recpname=given.get("recpname", ""),
            recipient=given["recpfax"].strip(),
            subject=given.get("subject", ""),
            notes=given.get("notes", ""),
            date=fax_date(now),
        )
        return Draft(
            account=account,
            direction="Outbound",
            number=given["recpfax"].strip(),
            subject=given.get("subject", ""),
            cover=cover.to_json(),
            sender=account,
            recipient=digits,
            filename=given["filename"],
            family=str(family),
            content_type=entry.content_type,
            document=document.name,
            size=entry.size,
            sha256=sha256,
            created=now,
            started=started,
            visible_from=now + hidden,
            code=magic.code,
            pages=None,
            status=Status.IN_QUEUE,
            folder=Folder.OUTBOX,
            next_at=None if look is None else started + look,
            completed=None,
            delivered=0,
            downloaded=False,
        )

    async def _warn(self, draft: Draft, document: Path, entry: Entry) -> None:
        """Write down what the sandbox takes and the real service may not."""
        if entry.parameters["recpfax"].startswith(" "):
            entry.warnings.append("recpfax: begins with a blank; was a '+' not encoded as %2B?")
        if "faxattachment" in entry.parameters:
            entry.warnings.append("faxattachment: the whole body is the attachment, the parameter is ignored")
        head = await asyncio.to_thread(_head, document)
        if _base64_of_a_document(head):
            entry.warnings.append("the body is the base64 of a document; the service takes the bytes as they are")
        family = sniff(head)
        if family and family != draft.family:
            entry.warnings.append(f"filename: says {draft.family}, the body looks like {family}")
        if await self._exchange.kept(self._exchange.store.same_within, draft, DUPLICATE_SECONDS):
            entry.warnings.append("same number, subject and bytes as a fax of the last hour")


def _head(document: Path) -> bytes:
    with document.open("rb") as file:
        return file.read(64)


def _base64_of_a_document(head: bytes) -> bool:
    try:
        return sniff(base64.b64decode(head[: len(head) // 4 * 4], validate=True)) is not None
    except binascii.Error:
        return False
