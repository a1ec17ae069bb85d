"""What stands between pages and whoever would misuse them: headers of every answer, sizes of every request, and where
a change was asked for.

In: a request. Out: the answer with its headers, or a refusal. No page may be framed, loads anything from elsewhere,
runs a script that is not a file of ours, or stays in a cache. A change is obeyed only where a page of ours asked for
it: the browser says so (``Origin``, ``Sec-Fetch-Site``), and the form has the session's token.

STANDARDS: CSP 3, Fetch (Origin), Fetch Metadata. "same-origin" as referrer policy: with "no-referrer" browsers send
"Origin: null" with our own forms, too; other sites learn nothing by either.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from mailfax.config import PagesConfig

HEADERS = {
    "content-security-policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}
#: Of a picture: how a browser shows one that stands alone is its own affair, and nothing else is in it.
OF_PICTURES = {"content-security-policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"}
#: What a form has beside its files, in bytes.
FORM_BYTES = 1_000_000


def guarded(wrapped: ASGIApp, most: int) -> ASGIApp:
    """Each answer with ``HEADERS``; a request that brings more than ``most`` bytes, or does not say, is refused."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                had = {name for name, _ in message["headers"]}
                more = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
                message["headers"] += [each for each in more if each[0] not in had]
            await send(message)

        said = dict(scope["headers"])
        if b"transfer-encoding" in said:
            refused = PlainTextResponse("Say how long your request is (Content-Length).\n", 411)
            return await refused(scope, receive, with_headers)
        if int(said.get(b"content-length", b"0")) > most + FORM_BYTES:
            refused = PlainTextResponse(f"That is too big: at most {most} bytes are taken here.\n", 413)
            return await refused(scope, receive, with_headers)
        return await wrapped(scope, receive, with_headers)

    return answer


def asked_by_us(request: Request, config: PagesConfig) -> bool:
    """Whether a page of ours asked for a change, as the browser says."""
    ours = {request.headers.get("host", ""), urlsplit(config.url).netloc} - {""}
    origin = request.headers.get("origin")
    if origin is not None:
        return urlsplit(origin).netloc in ours
    return request.headers.get("sec-fetch-site") == "same-origin"


def page_of_ours(wanted: str) -> str:
    """The address of a page of ours, and nothing that a browser could take for another site's."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if plain and "\\" not in wanted else ""
