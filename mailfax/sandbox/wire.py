"""The HTTP underneath: requests as they came, replies with the common headers, and connections that are dropped.

In: ASGI. Out: a ``Call`` (method, path, parameters, warnings) for ``api``; bytes on the connection.

STANDARDS  RFC 9110, RFC 9112; percent-encoding as ASP.NET reads it (UTF-8, else Windows-1252; ``+`` is a blank;
           names without case; a repeated name's values joined by commas).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable
from urllib.parse import unquote_to_bytes

import h11
from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol

from mailfax.sandbox import VERSION, clock
from mailfax.sandbox.replies import Reply, error_page

_BAD_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


class Dropped(Exception):
    """The connection was dropped on purpose; there is nobody left to answer."""


class DroppableProtocol(H11Protocol):
    """uvicorn's HTTP/1.1, which lets the application reach the connection under a request."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is no HTTP, or whose head is longer than http.sys takes, as IIS does."""
        reply = error_page(400)
        headers = [
            ("Content-Type", reply.content_type),
            ("Content-Length", str(len(reply.body))),
            ("X-FaxCore-Sandbox", VERSION),
            ("Connection", "close"),
        ]
        head = h11.Response(status_code=400, headers=headers, reason="Bad Request")
        for event in (head, h11.Data(data=reply.body), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


async def drop(request: Request, first: bytes = b"") -> Dropped:
    """Close the connection under the request, after ``first`` bytes; raise what is returned."""
    transport = request.scope["state"]["transport"]
    if first:
        transport.write(first)
        transport.close()
    else:
        transport.abort()
    while (await request.receive())["type"] != "http.disconnect":
        pass
    return Dropped()


def with_common_headers(app: ASGIApp, now: Callable[[], float]) -> ASGIApp:
    """The application, with the headers that every reply carries; ``Date`` follows the sandbox's clock."""

    async def wrapped(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *_common_headers(now())]
            await send(message)

        await app(scope, receive, send_with_headers)

    return wrapped


def _common_headers(now: float) -> list[tuple[bytes, bytes]]:
    return [
        (b"date", clock.http_date(now).encode()),
        (b"server", b"FaxCore-Sandbox"),
        (b"x-faxcore-sandbox", VERSION.encode()),
    ]


def parameters(query: bytes) -> dict[str, str]:
    """The query's values by lower-case name. Raises ValueError for a broken escape."""
    if _BAD_ESCAPE.search(query):
        raise ValueError("a percent sign without two hexadecimal digits")
    values: dict[str, list[str]] = {}
    for pair in query.split(b"&"):
        name, _, value = pair.partition(b"=")
        if pair:
            values.setdefault(_decoded(name).lower(), []).append(_decoded(value))
    return {name: ",".join(each) for name, each in values.items()}


def _decoded(escaped: bytes) -> str:
    raw = unquote_to_bytes(escaped.replace(b"+", b" "))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


async def send_reply(reply: Reply, request: Request, send: Send) -> None:
    headers: Iterable[tuple[str, str]] = (
        ("content-type", reply.content_type),
        ("content-length", str(len(reply.body))),
        ("cache-control", "private"),
        *reply.headers,
    )
    encoded = [(name.lower().encode(), value.encode()) for name, value in headers]
    await send({"type": "http.response.start", "status": reply.status, "headers": encoded})
    await send({"type": "http.response.body", "body": reply.body})
