"""All addresses of the pages, who may ask for each, and what is answered where nothing can be shown.

In: ``Bridge``. Out: an ASGI application. A handler is a function of a ``Visit``; it is called only for who is signed
in, and for a POST only where a form of ours asked.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp

from mailfax.config import PagesConfig
from mailfax.pages import api, assets, composing, costs, faxes, live, notifications, oidc, overview, received, signing
from mailfax.pages.bridge import Bridge
from mailfax.pages.guard import asked_by_us, guarded
from mailfax.pages.looks import render
from mailfax.pages.sending import Declined
from mailfax.pages.sessions import Sessions, is_form_token
from mailfax.pages.visit import NotAllowed, NotThere, Shared, Visit
from mailfax.render import CannotRender
from mailfax.rules.failure import NotSent
from mailfax.spool import CommitUnclear, ContentDamaged, NotCommitted

log = logging.getLogger(__name__)
Handler = Callable[[Visit], Awaitable[Response]]
#: Files of one fax that is sent by a form, and its other fields.
MOST_FILES, MOST_FIELDS = 50, 50

#: (method, address, handler).
HANDLERS: tuple[tuple[str, str, Handler], ...] = (
    ("GET", "/", overview.home),
    ("GET", "/faxes", faxes.listing),
    ("GET", "/find", faxes.find),
    ("GET", "/faxes/{queue_id}", faxes.one),
    ("POST", "/faxes/{queue_id}/{verb:verb}", faxes.steer),
    ("GET", "/faxes/{queue_id}/pages/{page:int}.png", faxes.picture),
    ("GET", "/faxes/{queue_id}/fax.pdf", faxes.pdf),
    ("GET", "/received", received.listing),
    ("GET", "/received/{queue_id}", received.one),
    ("POST", "/received/{queue_id}/requeue", received.requeue),
    ("GET", "/received/{queue_id}/pages/{page:int}.png", received.picture),
    ("GET", "/received/{queue_id}/fax.pdf", received.pdf),
    ("GET", "/notifications", notifications.listing),
    ("POST", "/notifications/{letter_id}/{verb}", notifications.steer),
    ("GET", "/costs", costs.costs),
    ("GET", "/send", composing.form),
    ("POST", "/send", composing.begin),
    ("GET", "/send/{key}", composing.preview),
    ("POST", "/send/{key}", composing.send),
    ("GET", "/send/{key}/pages/{page:int}.png", composing.picture),
    ("GET", "/live", live.changes),
)


def application(config: PagesConfig, bridge: Callable[[], Bridge], shared: Shared) -> ASGIApp:
    """The pages and the API."""
    sessions = Sessions(secure=config.secure)

    def signed_in(handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            now = bridge()
            changes = request.method == "POST"
            if changes and not asked_by_us(request, config):
                raise HTTPException(403, "This was not asked for by a page of mailfax, so nothing was done.")
            session = await sessions.find(now, request.cookies.get(sessions.cookie, ""))
            if session is None:
                wanted = "" if changes or request.url.path == "/live" else _here(request)
                return RedirectResponse(f"/sign-in?next={quote(wanted)}" if wanted else "/sign-in", 303)
            form = await _form(request, now) if changes else FormData()
            try:
                visit = Visit(request, now, session, shared, form)
                if changes and not is_form_token(visit.said("csrf"), session.secret):
                    raise HTTPException(403, "This form is too old, so nothing was done; load the page again.")
                return await handler(visit)
            finally:
                await form.close()

        return answer

    routes = [Route(path, signed_in(handler), methods=[method]) for method, path, handler in HANDLERS]
    routes += [*signing.routes(config, sessions, bridge), *oidc.routes(config, sessions, bridge)]
    routes += [Route("/static/{version}/{name}", assets.asset), Route("/favicon.ico", assets.icon)]
    pages = Starlette(routes=[*routes, *api.routes(bridge, shared)], exception_handlers=_TROUBLES)
    # A file grows by a third where it becomes a mail.
    return guarded(pages, bridge().config.limits.message_bytes)


async def _form(request: Request, bridge: Bridge) -> FormData:
    return await request.form(
        max_files=MOST_FILES, max_fields=MOST_FIELDS, max_part_size=bridge.config.limits.message_bytes
    )


def _here(request: Request) -> str:
    return request.url.path + (f"?{request.url.query}" if request.url.query else "")


def _trouble(status: int, title: str, text: str) -> Response:
    return HTMLResponse(render("trouble", title=title, text=text), status)


async def _told(request: Request, trouble: Exception) -> Response:
    """What went wrong, as whoever asked can read it."""
    status, title, text = _meaning(trouble)
    if status == 500:
        log.exception("a page could not be made", exc_info=trouble)
    is_api = request.url.path.startswith("/api/")
    answer = api.problem(status, text) if is_api else _trouble(status, title, text)
    if isinstance(trouble, HTTPException) and trouble.headers:
        answer.headers.update(trouble.headers)
    return answer


def _meaning(trouble: Exception) -> tuple[int, str, str]:
    match trouble:
        case NotThere():
            return 404, "Not there", "There is no such thing, or it is not yours to see."
        case NotAllowed():
            return 403, "Not for your role", str(trouble)
        case Declined():
            return 503 if trouble.temporary else 422, "Not sent", str(trouble)
        case CannotRender() if trouble.later:
            return 503, "Not now", "The pages can't be drawn just now; try again in a moment."
        case CannotRender():
            return 404, "No picture", trouble.status.sentence
        case ContentDamaged():
            return 404, "No pages", "Its pages were deleted, or are damaged."
        case NotCommitted() | CommitUnclear() | NotSent():
            return 503, "Not now", "The spool can't be written just now; try again in a moment."
        case HTTPException(status_code=404):
            return 404, "Not there", "There is no such page."
        case HTTPException():
            return trouble.status_code, "That did not work", trouble.detail
    return 500, "That did not work", "Something went wrong in mailfax; its log says what."


_TROUBLES = {
    kind: _told
    for kind in (
        *(NotThere, NotAllowed, Declined, CannotRender, ContentDamaged, NotCommitted, CommitUnclear, NotSent),
        *(HTTPException, Exception),
    )
}
