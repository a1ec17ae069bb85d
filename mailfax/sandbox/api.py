"""The six resources of the API reference: SendFax, FaxStatus, GetFaxList, GetFaxDetails, DownloadFax, DeleteFax.

In: HTTP requests under ``/api/``. Out: replies as ``replies`` words them, or a fault as ``faults`` names it. The
order of checks is that of IIS: sizes, then the login, then the resource, then the method.

STANDARDS  RFC 7617 (Basic; UTF-8 and latin-1 are both accepted, gap A24).
LIMITS     A body of more than 30,000,000 bytes is refused with 404, as IIS's request filtering does (gap A31).
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hmac
import random
import re
from collections.abc import Awaitable, Callable
from datetime import tzinfo

from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from mailfax.sandbox import clock, wire
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.faults import OPERATIONS, Action
from mailfax.sandbox.journal import Entry, Journal
from mailfax.sandbox.life import NOVEL_WORDS, Folder, Status
from mailfax.sandbox.replies import Reply, business_error, error_page, fax_ids, garbled, results, wrapped_file
from mailfax.sandbox.sending import Sending
from mailfax.sandbox.store import Fax

RETRY_SECONDS = 30
"""Retry-After of faults; above the rate limit it is the time until the window has room."""

_TRUE = frozenset({"true", "1", "yes"})
_REFUSALS = {
    Action.ERROR_BEFORE: lambda: error_page(500),
    Action.UNAUTHORIZED: lambda: error_page(401),
    Action.UNAVAILABLE: lambda: error_page(503, headers=(("Retry-After", str(RETRY_SECONDS)),)),
    Action.THROTTLED: lambda: error_page(429, headers=(("Retry-After", str(RETRY_SECONDS)),)),
}
_MARKUP = re.compile(r"<[A-Za-z!/?]|&#")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_NOT_FOUND = "No fax with this id was found."


class Api:
    """The ASGI application below ``/api``; every call is written down in the journal."""

    def __init__(self, exchange: Exchange, journal: Journal) -> None:
        self.exchange = exchange
        self._journal = journal
        self._sending = Sending(exchange)
        self._reads: dict[str, Callable[[str, dict[str, str], str], Awaitable[Reply]]] = {
            "FaxStatus": self._fax_status,
            "GetFaxList": self._get_fax_list,
            "GetFaxDetails": self._get_fax_details,
            "DownloadFax": self._download_fax,
            "DeleteFax": self._delete_fax,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        entry = Entry(at=self.exchange.now(), method=request.method, path=request.url.path)
        self._journal.add(entry)
        try:
            reply = await self._answer(request, entry)
        except wire.Dropped:
            entry.outcome = "dropped"
            return
        entry.status, entry.reply_size = reply.status, len(reply.body)
        entry.outcome = "answered"
        await wire.send_reply(reply, request, send)

    async def _answer(self, request: Request, entry: Entry) -> Reply:
        refusal = self._filtered(request, entry)
        if refusal:
            return refusal
        account = self._account(request.headers.get("authorization", ""))
        if account is None:
            return error_page(401)
        entry.account = account
        operation = self._operation(request.url.path)
        if operation is None:
            return error_page(404)
        entry.operation = operation
        method = "POST" if operation == "SendFax" else "GET"
        if request.method != method:
            return error_page(405, headers=(("Allow", method),))
        crowded = self._crowded(account)
        if crowded:
            return crowded
        return await self._perform(operation, account, request, entry)

    def _filtered(self, request: Request, entry: Entry) -> Reply | None:
        """What IIS refuses before it looks at who asks."""
        query = request.scope["query_string"]
        if len(query) > self.exchange.quirks.query_limit > 0:
            entry.warnings.append(f"the encoded query has {len(query)} bytes")
            return error_page(404)
        try:
            entry.parameters = wire.parameters(query)
        except ValueError as problem:
            entry.warnings.append(str(problem))
            return error_page(400)
        entry.warnings += refused_by_asp_net(entry.parameters)
        if int(request.headers.get("content-length") or 0) > self._sending.LARGEST:
            entry.warnings.append("the body is larger than 30,000,000 bytes")
            return error_page(404)
        return None

    def _account(self, authorization: str) -> str | None:
        """The account that the header logs in to; the password may hold colons (gap A24)."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "basic":
            return None
        try:
            raw = base64.b64decode(token.strip(), validate=True)
        except binascii.Error:
            return None
        for encoding in ("utf-8", "latin-1"):
            username, colon, password = raw.decode(encoding, "replace").partition(":")
            known = self.exchange.passwords.get(username)
            if colon and known is not None and hmac.compare_digest(known.encode(), password.encode()):
                return username
        return None

    def _operation(self, path: str) -> str | None:
        """The resource that the path names, whatever its case and with or without a slash behind it (gap A2)."""
        parts = path.lower().strip("/").split("/")
        if parts[0] == "api":
            parts = parts[1:]
        elif not self.exchange.quirks.without_api:
            return None
        named = {operation.lower(): operation for operation in OPERATIONS}
        return named.get(parts[0]) if len(parts) == 1 else None

    def _crowded(self, account: str) -> Reply | None:
        """The refusal above the rate limit, counted over the last minute of the sandbox's clock."""
        limit, now, calls = self.exchange.quirks.rate_limit, self.exchange.now(), self.exchange.calls[account]
        while calls and calls[0] <= now - 60:
            calls.popleft()
        if limit and len(calls) >= limit:
            wait = str(max(1, round(calls[0] + 60 - now)))
            return error_page(int(self.exchange.quirks.rate_status), headers=(("Retry-After", wait),))
        if limit:
            calls.append(now)
        return None

    # --- faults ---------------------------------------------------------------------------------------------

    async def _perform(self, operation: str, account: str, request: Request, entry: Entry) -> Reply:
        """Do what was asked, with whatever fault a rule or a magic number wants."""
        accept = request.headers.get("accept", "")
        action = await self.exchange.strike(operation)
        if operation == "SendFax":
            action, reply = await self._sending.perform(account, request, entry, action, accept)
        elif action in _REFUSALS or action is Action.DROP_BEFORE:
            reply = None
        else:
            reply = await self._reads[operation](account, entry.parameters, accept)
        entry.fault = action or ""
        if reply is None:
            if action is Action.DROP_BEFORE:
                raise await wire.drop(request)
            return _REFUSALS[action or Action.ERROR_BEFORE]()
        return await self._spoil(reply, action, request)

    async def _spoil(self, reply: Reply, action: Action | None, request: Request) -> Reply:
        """The reply as it leaves after something was done; the connection may not live to see it."""
        if action in (Action.DROP_AFTER, Action.HIDDEN_AFTER):
            raise await wire.drop(request)
        if action is Action.CUT_AFTER:
            head = (
                f"HTTP/1.1 200 OK\r\nContent-Type: {reply.content_type}\r\nContent-Length: {len(reply.body)}\r\n\r\n"
            )
            raise await wire.drop(request, head.encode() + reply.body[: len(reply.body) // 2])
        if action is Action.ERROR_AFTER:
            return error_page(500)
        if action is Action.GARBLED_AFTER:
            return garbled(reply)
        if action is Action.LATE_AFTER:
            await _until_gone(request, lambda: self.exchange.quirks.reply_delay_seconds)
        return reply

    # --- the five resources that are read with GET ------------------------------------------------------------

    async def _fax(self, account: str, given: dict[str, str]) -> Fax | None:
        return await self.exchange.find(account, given.get("faxid", "").strip())

    def _error(self, operation: str, sentence: str, accept: str) -> Reply:
        return business_error(operation, sentence, self.exchange.quirks, accept)

    def _word(self, status: str) -> str:
        return NOVEL_WORDS.get(Status(status), status) if self.exchange.quirks.novel_words else status

    async def _fax_status(self, account: str, given: dict[str, str], accept: str) -> Reply:
        fax = await self._fax(account, given)
        if fax is None:
            return self._error("FaxStatus", _NOT_FOUND, accept)
        return results("FaxStatus", self._word(fax.status), self.exchange.quirks, accept)

    async def _get_fax_list(self, account: str, given: dict[str, str], accept: str) -> Reply:
        quirks = self.exchange.quirks
        folders = {folder.lower(): folder for folder in Folder}
        folder = folders.get(given.get("folder", "").strip().lower())
        if folder is None:
            return self._error("GetFaxList", f"The folder must be one of {', '.join(Folder)}.", accept)
        hide = not quirks.ignores_flag and any(
            given.get(name, "").strip().lower() in _TRUE
            for name in ("isdownloaded", "hidedownloaded")[: 1 if quirks.isdownloaded_only else 2]
        )
        ids = await self.exchange.listed(account, folder, hide_downloaded=hide)
        if quirks.cap:
            ids = ids[: quirks.cap]
        if quirks.random_order:
            random.shuffle(ids)
        return await asyncio.to_thread(fax_ids, ids, quirks, accept)

    async def _get_fax_details(self, account: str, given: dict[str, str], accept: str) -> Reply:
        fax = await self._fax(account, given)
        if fax is None:
            return self._error("GetFaxDetails", _NOT_FOUND, accept)
        fax = await self.exchange.counted(fax)
        quirks = self.exchange.quirks
        zone: tzinfo = clock.FIXED_PACIFIC if quirks.fixed_zone else clock.PACIFIC
        unset = clock.NEVER if quirks.min_date else ""
        inbound = fax.direction == "Inbound"
        content = (
            ("FaxID", fax.id),
            ("Type", fax.direction),
            ("FaxNumber", fax.account if inbound and quirks.own_number else fax.number),
            ("Subject", fax.subject[: quirks.cut_subject or None]),
            ("CreatedDate", clock.fax_date(fax.created, zone)),
            ("CompleteDate", unset if fax.completed is None else clock.fax_date(fax.completed, zone)),
            ("Status", self._word(fax.status)),
            ("PageCount", str(fax.pages)),
            ("PageDelivered", str(fax.pages if inbound else fax.delivered)),
        )
        return results("GetFaxDetails", content, quirks, accept)

    async def _download_fax(self, account: str, given: dict[str, str], accept: str) -> Reply:
        quirks = self.exchange.quirks
        kind = given.get("filetype", "").strip().lower() or "pdf"
        if kind not in ("pdf", "tif"):
            return self._error("DownloadFax", "The file type must be PDF or TIF.", accept)
        fax = await self._fax(account, given)
        if fax is None:
            return self._error("DownloadFax", _NOT_FOUND, accept)
        drawing = await self.exchange.drawing(fax, kind)
        if drawing is None:
            return self._error("DownloadFax", "This fax has no pages: its document could not be converted.", accept)
        data = await asyncio.to_thread(drawing.read_bytes)
        if not quirks.no_mark:
            await self.exchange.mark_downloaded(fax)
        if quirks.download == "raw":
            return Reply(200, data, "application/pdf" if kind == "pdf" else "image/tiff")
        encoded = base64.b64encode(data).decode()
        if quirks.download == "wrapped":
            return wrapped_file(encoded, quirks, accept)
        if quirks.download == "quoted_json":
            return Reply(200, f'"{encoded}"'.encode(), "application/json; charset=utf-8")
        if quirks.download == "76_columns":
            encoded = "\r\n".join(encoded[start : start + 76] for start in range(0, len(encoded), 76))
        return Reply(200, encoded.encode(), "text/plain; charset=utf-8")

    async def _delete_fax(self, account: str, given: dict[str, str], accept: str) -> Reply:
        fax = await self._fax(account, given)
        if fax is None:
            return self._error("DeleteFax", _NOT_FOUND, accept)
        await self.exchange.delete(fax)
        return results("DeleteFax", "OK", self.exchange.quirks, accept)


def refused_by_asp_net(given: dict[str, str]) -> list[str]:
    """What ASP.NET's request validation and http.sys may refuse although the sandbox takes it."""
    markup = [
        f"{name}: looks like markup; ASP.NET may refuse it with 500" for name in given if _MARKUP.search(given[name])
    ]
    control = [f"{name}: has control characters" for name in given if _CONTROL.search(given[name])]
    return markup + control


async def _until_gone(request: Request, seconds: Callable[[], float]) -> None:
    """Wait until so long has passed, which may be shortened meanwhile, or until the client has hung up."""

    async def gone() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass

    now = asyncio.get_running_loop().time
    began = now()
    waiting = asyncio.create_task(gone())
    try:
        while not waiting.done() and (left := began + seconds() - now()) > 0:
            await asyncio.wait({waiting}, timeout=min(left, 0.1))
    finally:
        waiting.cancel()
