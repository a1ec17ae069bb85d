"""Signing in and out.

In: a name and a password, by a form that this very browser was given. Out: a session and the page that was wanted,
or the form again. Whether the name or the password was wrong is never said.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mailfax.config import PagesConfig
from mailfax.pages.bridge import Bridge
from mailfax.pages.guard import asked_by_us, page_of_ours
from mailfax.pages.looks import render
from mailfax.pages.sessions import Sessions, form_token, is_form_token
from mailfax.spool import SESSION

log = logging.getLogger(__name__)
#: The cookie of who is not signed in yet: the form of signing in has a token made of it.
STRANGER = "mailfax-form"
WRONG = "Name or password is wrong, or you may not sign in here."
NOT_NOW = "Nobody can be signed in just now; try again in a moment."
TOO_OLD = "That form was too old; please try again."
#: What the way by a provider ends with, by the word in the address.
TROUBLES = {
    "refused": "You could not be signed in that way; try again, or ask your administrator.",
    "later": NOT_NOW,
}


def routes(config: PagesConfig, sessions: Sessions, bridge: Callable[[], Bridge]) -> list[Route]:
    """Their addresses."""

    async def ask(request: Request) -> Response:
        wrong = TROUBLES.get(request.query_params.get("trouble", ""), "")
        return _form(request, page_of_ours(request.query_params.get("next", "")), wrong)

    async def sign_in(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=10) as form:
            login, password, token, wanted = (
                str(form.get(name, "")) for name in ("login", "password", "csrf", "next")
            )
        wanted = page_of_ours(wanted)
        known = is_form_token(token, request.cookies.get(STRANGER, ""))
        if not (known and asked_by_us(request, config)):
            return _form(request, wanted, TOO_OLD, 403)
        ip = request.client.host if request.client else ""
        try:
            secret = await sessions.sign_in(bridge(), login, password, ip)
        except Exception:
            log.exception("a password can't be checked")
            return _form(request, wanted, NOT_NOW, 503)
        if not secret:
            return _form(request, wanted, WRONG, 403, login)
        response = RedirectResponse(wanted or "/", 303)
        sessions.give(response, secret)
        response.delete_cookie(STRANGER, path="/sign-in")
        return response

    async def sign_out(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=10) as form:
            token = str(form.get("csrf", ""))
        secret = request.cookies.get(sessions.cookie, "")
        response = RedirectResponse("/sign-in", 303)
        if is_form_token(token, secret) and asked_by_us(request, config):
            await bridge().spool.bearers.remove(SESSION, secret=secret)
            sessions.give(response, "")
        return response

    def _provider() -> str:
        """Where one can sign in beside here: its host."""
        provider = bridge().provider
        return urlsplit(provider.config.issuer).netloc if provider else ""

    def _form(request: Request, wanted: str, wrong: str = "", status: int = 200, login: str = "") -> Response:
        stranger = request.cookies.get(STRANGER) or secrets.token_urlsafe(32)
        page = render(
            "sign_in", csrf=form_token(stranger), next=wanted, wrong=wrong, login=login, provider=_provider()
        )
        response = HTMLResponse(page, status)
        response.set_cookie(
            STRANGER, stranger, path="/sign-in", secure=config.secure, httponly=True, samesite="strict"
        )
        return response

    return [
        Route("/sign-in", ask, methods=["GET"]),
        Route("/sign-in", sign_in, methods=["POST"]),
        Route("/sign-out", sign_out, methods=["POST"]),
    ]
