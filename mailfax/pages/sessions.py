"""Who is signed in: a session is a random secret in a cookie, of which the spool keeps the hash.

In: cookies, names and passwords. Out: ``Session``, or why not. A new secret is drawn at each signing in, so that
nobody can plant one; a session ends when it was not used for ``IDLE_SECONDS``, after ``LONGEST_SECONDS``, when the
password is changed, and when the user is taken out of the configuration. The token in each form is made of the
secret, which no other site can read.

STANDARDS: RFC 6265bis 4.1.3.2 (``__Host-``), OWASP's cheat sheets on sessions and on forged requests.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import logging
import secrets
import time
from dataclasses import dataclass, field

from starlette.responses import Response

from mailfax.config.pages import PAGES
from mailfax.config.users import fold
from mailfax.pages.bridge import Bridge
from mailfax.pages.visitor import Visitor, visitor
from mailfax.smtpd.crowd import Failures, client_key
from mailfax.spool import SESSION

log = logging.getLogger(__name__)
#: A session that was not used for so long has ended, and one that is so old; in seconds.
IDLE_SECONDS, LONGEST_SECONDS = 3600.0, 12 * 3600.0


@dataclass(frozen=True, slots=True)
class Session:
    """A visitor who is signed in; ``secret`` is what the cookie holds."""

    visitor: Visitor
    secret: str

    @property
    def form_token(self) -> str:
        return form_token(self.secret)


def mark(text: str, secret: str) -> str:
    """What shows that ``text`` was written for this session."""
    return hmac.digest(secret.encode(), f"said {text}".encode("utf-8", "replace"), hashlib.sha256).hex()[:32]


def form_token(secret: str) -> str:
    """What stands in each form of whoever holds the secret."""
    return hmac.digest(secret.encode(), b"form", hashlib.sha256).hex()


def is_form_token(token: str, secret: str) -> bool:
    return bool(secret) and hmac.compare_digest(token.encode(), form_token(secret).encode())


@dataclass(slots=True)
class Sessions:
    """``secure``: browsers speak TLS to us. Wrong passwords are counted by address and by name."""

    secure: bool
    failures: Failures = field(default_factory=lambda: Failures(time.monotonic))

    @property
    def cookie(self) -> str:
        """The name of the cookie: with TLS one that no neighbouring host can set."""
        return "__Host-mailfax" if self.secure else "mailfax"

    async def sign_in(self, bridge: Bridge, login: str, password: str, ip: str) -> str:
        """The secret of a new session; "" where name or password is wrong, or may not sign in.

        Raises what ``Passwords.authenticate`` does where nobody can tell.
        """
        keys = client_key(ip), f"user {fold(login)}"
        await asyncio.sleep(self.failures.delay(*keys))
        name = await bridge.passwords.authenticate(login, password, PAGES)
        if name is None and bridge.directory and await bridge.directory.authenticate(login, password):
            name = login
        known = visitor(bridge.config, name) if name is not None else None
        if known is None:
            self.failures.failed(*keys)
            log.warning("pages: a sign-in from %s was refused", ip)
            return ""
        return await self.begin(bridge, known.login, ip)

    async def begin(self, bridge: Bridge, name: str, ip: str) -> str:
        """The secret of a new session of a user who is known to be that one."""
        secret = secrets.token_urlsafe(32)
        stamp = bridge.passwords.stamp(name)
        await bridge.spool.bearers.add(secret, SESSION, name, stamp=stamp, seconds=LONGEST_SECONDS)
        log.info("pages: %s signed in from %s", name, ip)
        return secret

    async def find(self, bridge: Bridge, secret: str) -> Session | None:
        """The session of a cookie, if it is one that counts."""
        bearer = await bridge.spool.bearers.find(secret) if secret else None
        if bearer is None or bearer.kind != SESSION:
            return None
        known = visitor(bridge.config, bearer.login)
        idle = bridge.spool.now() - bearer.used_at > IDLE_SECONDS
        if known is None or idle or bearer.stamp != bridge.passwords.stamp(bearer.login):
            await bridge.spool.bearers.remove(SESSION, secret=secret)
            return None
        await bridge.spool.bearers.used(bearer)
        return Session(known, secret)

    def give(self, response: Response, secret: str) -> None:
        """Hand the secret to the browser, and to no script and no other site; "" takes it back."""
        response.set_cookie(
            self.cookie,
            secret,
            max_age=round(LONGEST_SECONDS) if secret else 0,
            path="/",
            secure=self.secure,
            httponly=True,
            samesite="strict",
        )
