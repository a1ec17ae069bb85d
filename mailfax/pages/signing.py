"""Signing in and out.

In: a name and a password, by a form that this very browser was given. Out: a session and the page that was wanted,
or the form again. Whether the name or the password was wrong is never said.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mailfax.config import PagesConfig
from mailfax.pages.bridge import Bridge
from mailfax.pages.guard import asked_by_us
from mailfax.pages.looks import render
from mailfax.pages.sessions import Sessions, form_token, is_form_token
from mailfax.spool import SESSION

log = logging.getLogger(__name__)
#: The cookie of who is not signed in yet: the form of signing in has a token made of it.
STRANGER = "mailfax-form"
WRONG = "Name or password is wrong, or you may not sign in here."
NOT_NOW = "Nobody can be signed in just now; try again in a moment."
TOO_OLD = "That form was too old; please try again."


def routes(config: PagesConfig, sessions: Sessions, bridge: Callable[[], Bridge]) -> list[Route]:
    """Their addresses."""

    async def ask(request: Request) -> Response:
        return _form(request, _next(request.query_params.get("next", "")))

    async def sign_in(request: Request) -> Response:
        async with request.form(max_files=0, max_fields=10) as form:
            login, password, token, wanted = (
                str(form.get(name, "")) for name in ("login", "password", "csrf", "next")
            )
        wanted = _next(wanted)
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

    def _form(request: Request, wanted: str, wrong: str = "", status: int = 200, login: str = "") -> Response:
        stranger = request.cookies.get(STRANGER) or secrets.token_urlsafe(32)
        page = render("sign_in", csrf=form_token(stranger), next=wanted, wrong=wrong, login=login)
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


def _next(wanted: str) -> str:
    """A page of ours, and nothing that a browser could take for another site's."""
    plain = wanted.startswith("/") and not wanted.startswith(("//", "/\\")) and wanted.isprintable()
    return wanted if plain and "\\" not in wanted else ""
