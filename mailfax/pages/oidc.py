"""Signing in at a provider of OpenID Connect, and which user of ours it is that comes back.

In: a browser that wants to sign in, and the same when it comes back. Out: a session, or the form with a sentence.
What ties the two together is a cookie that this browser alone has, and that is used once.

LIMITS: a claim names a user of the configuration; groups of the provider give no role.
"""

from __future__ import annotations

import base64
import dataclasses
import json
import logging
from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from mailfax.config import Config, PagesConfig, PageUser
from mailfax.config.users import fold
from mailfax.oidc import Attempt, NotSignedIn, ProviderTrouble
from mailfax.pages.bridge import Bridge
from mailfax.pages.guard import page_of_ours
from mailfax.pages.looks import render
from mailfax.pages.sessions import Sessions

log = logging.getLogger(__name__)
BEGIN, BACK = "/sign-in/oidc", "/sign-in/oidc/back"
#: So long somebody may take at the provider, in seconds.
ATTEMPT_SECONDS = 600


def routes(config: PagesConfig, sessions: Sessions, bridge: Callable[[], Bridge]) -> list[Route]:
    """Their addresses."""
    cookie = "__Host-mailfax-oidc" if config.secure else "mailfax-oidc"

    async def begin(request: Request) -> Response:
        provider = bridge().provider
        if provider is None:
            return RedirectResponse("/sign-in", 303)
        attempt = Attempt.new()
        try:
            response = RedirectResponse(await provider.begin(attempt), 303)
        except ProviderTrouble as trouble:
            log.warning("pages: nobody can sign in by the provider: %s", trouble)
            return RedirectResponse("/sign-in?trouble=later", 303)
        kept = dataclasses.asdict(attempt) | {"next": page_of_ours(request.query_params.get("next", ""))}
        value = base64.urlsafe_b64encode(json.dumps(kept).encode()).decode()
        # Lax: it has to come along when the provider sends the browser back.
        response.set_cookie(
            cookie, value, ATTEMPT_SECONDS, path="/", secure=config.secure, httponly=True, samesite="lax"
        )
        return response

    async def back(request: Request) -> Response:
        now = bridge()
        ip = request.client.host if request.client else ""
        trouble, secret, wanted = "refused", "", ""
        try:
            attempt, wanted = _kept(request.cookies.get(cookie, ""))
            if now.provider is None:
                raise NotSignedIn("there is no provider any more")
            claims = await now.provider.finish(attempt, request.query_params, now.spool.now())
            user = user_of(now.config, now.provider.config.claim, claims)
            secret = await sessions.begin(now, user.login, ip)
        except NotSignedIn as why:
            log.warning("pages: a sign-in by the provider from %s was refused: %s", ip, why)
        except ProviderTrouble as why:
            log.warning("pages: nobody can sign in by the provider: %s", why)
            trouble = "later"
        if secret:
            # The cookie of a session comes along only where a page of ours leads on, not the provider's.
            response: Response = HTMLResponse(render("signed_in", next=wanted or "/"))
            sessions.give(response, secret)
        else:
            response = RedirectResponse(f"/sign-in?trouble={trouble}", 303)
        response.set_cookie(cookie, "", 0, path="/", secure=config.secure, httponly=True, samesite="lax")
        return response

    return [Route(BEGIN, begin, methods=["GET"]), Route(BACK, back, methods=["GET"])]


def user_of(config: Config, claim: str, claims: Mapping[str, Any]) -> PageUser:
    """The one user whom a claim names: by login, or, where it is an address that was verified, by one of theirs.
    Raises ``NotSignedIn``."""
    said = claims.get(claim)
    if not isinstance(said, str) or not said.strip():
        raise NotSignedIn(f"the provider does not say {claim}")
    if claim == "email" and claims.get("email_verified") is not True:
        raise NotSignedIn("the provider has not verified the address")
    name = fold(said.strip())
    of_login = [user for user in config.page_users if fold(user.login) == name]
    of_address = [user for user in config.page_users if claim == "email" and name in map(fold, user.senders)]
    found = of_login or of_address
    if len(found) != 1:
        raise NotSignedIn(f"{claim} names {len(found)} users of the configuration: {said[:100]!r}")
    return found[0]


def _kept(cookie: str) -> tuple[Attempt, str]:
    """What the browser has kept of its question; raises ``NotSignedIn``."""
    try:
        kept = json.loads(base64.urlsafe_b64decode(cookie))
        attempt = Attempt(*(str(kept[name]) for name in ("state", "nonce", "verifier")))
        return attempt, page_of_ours(str(kept["next"]))
    except (ValueError, KeyError, TypeError) as wrong:
        raise NotSignedIn("this browser has asked nothing, or long ago") from wrong
