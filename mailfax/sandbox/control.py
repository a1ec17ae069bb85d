"""The control space under ``/_sandbox/``: what a test or a person may see and do behind the client's back.

In: HTTP from this machine alone. Out: JSON, pictures of pages, and one page for people. Everything that changes
something is a POST, PUT or DELETE with JSON.

STANDARDS  CSP Level 3. A request must come from a loopback peer, name a loopback host (or a web page could reach
           the sandbox through a name that it owns: DNS rebinding) and, from a browser, come from these pages
           themselves (or any web page could post a form to 127.0.0.1: cross-site request forgery).
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, replace
from functools import wraps
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from mailfax.sandbox import clock, life, quirks
from mailfax.sandbox.dropping_in import drop_in
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.families import Family, sniff
from mailfax.sandbox.faults import rule_from, to_json
from mailfax.sandbox.front_page import front_page
from mailfax.sandbox.journal import Journal
from mailfax.sandbox.life import Folder, Status
from mailfax.sandbox.store import Fax

MEDIA_TYPES = {
    Family.PDF: "application/pdf",
    Family.TIFF: "image/tiff",
    Family.TEXT: "text/plain",
}
STATUS_IN = {
    Folder.INBOX: Status.COMPLETED,
    Folder.OUTBOX: Status.IN_QUEUE,
    Folder.SENT: Status.COMPLETED,
    Folder.FAILED: Status.FAILED,
    Folder.CANCELLED: Status.CANCELLED,
    Folder.HOLD: Status.ON_HOLD,
}
PICTURE_WIDTH = 864
SMALLEST_SPEED, GREATEST_SPEED = 0.001, 1_000_000.0

Handler = Callable[[Request], Awaitable[Response]]


class Unusable(Exception):
    """The request can't be followed; the message says what to do, the status is HTTP's."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


def is_loopback(host: str) -> bool:
    """Whether a host name or address, as a Host header has it without the port, is this machine itself."""
    bare = host.strip("[]").rstrip(".").lower()
    if bare == "localhost":
        return True
    try:
        return ip_address(bare).is_loopback
    except ValueError:
        return False


def _is_welcome(request: Request) -> bool:
    peer = request.client.host if request.client else ""
    host = urlsplit("//" + request.headers.get("host", "")).hostname or ""
    origin = request.headers.get("origin")
    same_origin = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    cross_site = request.headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
    return is_loopback(peer) and is_loopback(host) and same_origin and not (cross_site and request.method != "GET")


def guarded(handler: Handler) -> Handler:
    """Only from this machine; errors as JSON with a sentence."""

    @wraps(handler)
    async def checked(request: Request) -> Response:
        try:
            welcome = _is_welcome(request)
        except ValueError:  # a Host header that is no host
            welcome = False
        if not welcome:
            return JSONResponse({"error": "The control space is for this machine alone; use http://127.0.0.1."}, 403)
        try:
            reply = await handler(request)
        except Unusable as problem:
            return JSONResponse({"error": str(problem)}, problem.status)
        reply.headers.setdefault("Cache-Control", "no-store")
        reply.headers["X-Content-Type-Options"] = "nosniff"
        reply.headers["Cross-Origin-Resource-Policy"] = "same-origin"  # no other site may show these pages as its own
        return reply

    return checked


class Control:
    """The routes of the control space of one exchange."""

    def __init__(self, exchange: Exchange, journal: Journal) -> None:
        self._exchange = exchange
        self._journal = journal

    def routes(self) -> list[Route]:
        def at(path: str, handler: Handler, *methods: str) -> Route:
            return Route(f"/_sandbox{path}", guarded(handler), methods=list(methods))

        return [
            at("/", self._front_page, "GET"),
            at("/faxes", self._faxes, "GET"),
            at("/faxes/{id}", self._fax, "GET"),
            at("/faxes/{id}", self._destroy, "DELETE"),
            at("/faxes/{id}/pages/{page:int}.png", self._page, "GET"),
            at("/faxes/{id}/document", self._document, "GET"),
            at("/faxes/{id}/move", self._move, "POST"),
            at("/faxes/{id}/cancel", self._cancel, "POST"),
            at("/faxes/{id}/hold", self._hold, "POST"),
            at("/inbound", self._inbound, "POST"),
            at("/requests", self._requests, "GET", "DELETE"),
            at("/clock", self._clock, "GET", "POST"),
            at("/faults", self._faults, "GET", "POST", "DELETE"),
            at("/faults/{rule:int}", self._drop_fault, "DELETE"),
            at("/quirks", self._quirks, "GET", "POST"),
            at("/reset", self._reset, "POST"),
        ]

    async def _front_page(self, request: Request) -> Response:
        return await front_page(self._exchange, request)

    # --- faxes ----------------------------------------------------------------------------------------------

    async def _faxes(self, request: Request) -> Response:
        await self._exchange.settle()
        given = request.query_params
        folder = _folder(given["folder"]) if given.get("folder") else ""
        limit, offset = _whole(given, "limit", 1000), _whole(given, "offset", 0)
        store = self._exchange.store
        faxes = await self._exchange.kept(
            lambda: store.faxes(given.get("account", ""), folder, limit=limit, offset=offset)
        )
        return JSONResponse([shown(fax) for fax in faxes])

    async def _named(self, request: Request) -> Fax:
        await self._exchange.settle()
        fax = await self._exchange.kept(self._exchange.store.fax, request.path_params["id"])
        if fax is None:
            raise Unusable("There is no fax with this id.", 404)
        return fax

    async def _fax(self, request: Request) -> Response:
        return JSONResponse(shown(await self._exchange.counted(await self._named(request))))

    async def _destroy(self, request: Request) -> Response:
        fax = await self._named(request)
        await self._exchange.kept(self._exchange.store.destroy, fax)
        return JSONResponse({"destroyed": fax.id})

    async def _page(self, request: Request) -> Response:
        fax = await self._named(request)
        width = _whole(request.query_params, "width", PICTURE_WIDTH)
        if not 50 <= width <= 1728:
            raise Unusable("width must be a whole number from 50 to 1728.")
        png = await self._exchange.picture(fax, request.path_params["page"], width)
        if png is None:
            raise Unusable("This fax has no such page.", 404)
        return Response(png, media_type="image/png")

    async def _document(self, request: Request) -> Response:
        fax = await self._named(request)
        # Never as what it says it is: a stranger's HTML must not run on this origin.
        media_type = MEDIA_TYPES.get(Family(fax.family), "application/octet-stream")
        return FileResponse(
            self._exchange.store.documents / fax.document,
            media_type=media_type,
            headers={"Content-Security-Policy": "sandbox", "Content-Disposition": "attachment"},
        )

    async def _move(self, request: Request) -> Response:
        fax, given = await self._named(request), await _json(request)
        folder = _folder(str(given.get("folder", "")))
        return await self._put(fax, folder, STATUS_IN.get(folder, Status(fax.status)))

    async def _cancel(self, request: Request) -> Response:
        return await self._put(await self._named(request), Folder.CANCELLED, Status.CANCELLED)

    async def _hold(self, request: Request) -> Response:
        return await self._put(await self._named(request), Folder.HOLD, Status.ON_HOLD)

    async def _put(self, fax: Fax, folder: Folder, status: Status) -> Response:
        await self._exchange.put(fax, folder, status)
        return JSONResponse(shown(replace(fax, folder=folder, status=status)))

    async def _inbound(self, request: Request) -> Response:
        """Drop in a received fax; ``count`` times, to fill a mailbox."""
        given, body = request.query_params, await request.body()
        account = given.get("account", "")
        if account not in self._exchange.passwords:
            raise Unusable("account must be one of this sandbox's accounts.")
        family = sniff(body[:64])
        if family not in (Family.PDF, Family.TIFF):
            raise Unusable("The body must be a PDF or a TIFF.")
        count = _whole(given, "count", 1)
        if not 1 <= count <= 100_000:
            raise Unusable("count must be a whole number from 1 to 100000.")
        caller, subject = given.get("caller", ""), given.get("subject", "")
        ids = await drop_in(
            self._exchange, body, family, account=account, caller=caller, subject=subject, count=count
        )
        if not ids:
            raise Unusable("This document can't be opened, so it has no pages.")
        return JSONResponse({"ids": ids}, 201)

    # --- requests, clock, faults, quirks ----------------------------------------------------------------------

    async def _requests(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._journal.clear()
        return JSONResponse(self._journal.shown())

    async def _clock(self, request: Request) -> Response:
        if request.method == "POST":
            given = await _json(request)
            if set(given) - {"advance_seconds", "speed"} or not given:
                raise Unusable("Give advance_seconds, speed, or both.")
            seconds, speed = given.get("advance_seconds", 0), given.get("speed", self._exchange.clock.speed)
            if not _is_number(seconds) or not 0 <= seconds <= 10 * 366 * 86400:
                raise Unusable("advance_seconds must be a number from 0 to ten years.")
            if not _is_number(speed) or not SMALLEST_SPEED <= speed <= GREATEST_SPEED:
                raise Unusable("speed must be a number from 0.001 to 1000000.")
            await self._exchange.live_at(float(speed))
            await self._exchange.advance(float(seconds))
            await self._exchange.settle()
        now = self._exchange.now()
        return JSONResponse(
            {
                "now": now,
                "date": clock.http_date(now),
                "fax_date": clock.fax_date(now),
                "ahead_seconds": self._exchange.clock.ahead,
                "real": time.time(),
                "speed": self._exchange.clock.speed,
            }
        )

    async def _faults(self, request: Request) -> Response:
        rules = self._exchange.rules
        if request.method == "DELETE":
            await self._exchange.rule(())
        elif request.method == "POST":
            try:
                rule = rule_from(await _json(request), max((each.id for each in rules), default=0) + 1)
            except ValueError as problem:
                raise Unusable(str(problem)) from None
            await self._exchange.rule((*rules, rule))
            return JSONResponse(to_json(rule), 201)
        return JSONResponse([to_json(rule) for rule in self._exchange.rules])

    async def _drop_fault(self, request: Request) -> Response:
        kept = tuple(each for each in self._exchange.rules if each.id != request.path_params["rule"])
        if len(kept) == len(self._exchange.rules):
            raise Unusable("There is no such rule; perhaps it is used up.", 404)
        await self._exchange.rule(kept)
        return JSONResponse([to_json(rule) for rule in kept])

    async def _quirks(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                await self._exchange.be(quirks.changed(self._exchange.quirks, await _json(request)))
            except ValueError as problem:
                raise Unusable(str(problem)) from None
        return JSONResponse(quirks.described(self._exchange.quirks))

    async def _reset(self, request: Request) -> Response:
        await self._exchange.reset()
        self._journal.clear()
        return JSONResponse({"reset": True})


def shown(fax: Fax) -> dict[str, Any]:
    """A fax as the control space shows it: every column, times in seconds since 1970 by the sandbox's clock."""
    values = {name: value for name, value in asdict(fax).items() if name not in ("started", "next_at", "document")}
    return values | {"cover": json.loads(fax.cover) if fax.cover else None, "magic": life.MAGIC[fax.code].sentence}


async def _json(request: Request) -> Mapping[str, Any]:
    try:
        given = await request.json()
    except ValueError:
        given = None
    if not isinstance(given, dict):
        raise Unusable("The body must be a JSON object.")
    return given


def _folder(name: str) -> Folder:
    for folder in Folder:
        if folder.lower() == name.lower():
            return folder
    raise Unusable(f"folder must be one of {', '.join(Folder)}.")


def _whole(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        raise Unusable(f"{name} must be a whole number.")
    return int(text)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
