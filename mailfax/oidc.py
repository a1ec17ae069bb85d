"""Who somebody is, as a provider of OpenID Connect says: where to send a browser, and what its answer is worth.

In: the configuration, and what a browser brought back. Out: an address to go to with ``Attempt``, which that browser
alone keeps; then the claims of an ID token that was made for it. A code is worth nothing without the attempt's
verifier, and a token of another attempt is none. Keys and addresses of the provider are remembered for an hour.

STANDARDS: OpenID Connect Core 1.0 (3.1, code flow) and Discovery 1.0, RFC 7636 (PKCE, S256), RFC 9207 (iss in the
answer), RFC 7519 and 8725 (asymmetric signatures alone).
"""

from __future__ import annotations

import hmac
import secrets
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote_plus

import httpx
from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from mailfax.config import OidcConfig

ALGORITHMS: Final = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"]
#: For each answer; what two clocks may differ by; how long the provider's keys are remembered, and how soon they may
#: be asked for again; in seconds.
PATIENCE, LEEWAY, REMEMBERED, SOONEST = 10.0, 60, 3600.0, 30.0


class NotSignedIn(Exception):
    """What the browser brought proves nothing; the text is for the log."""


class ProviderTrouble(Exception):
    """The provider gave no answer that can be used."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What ties an answer to the browser that asked: three secrets, each used once."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls) -> Attempt:
        return cls(*(secrets.token_urlsafe(32) for _ in range(3)))


@dataclass(frozen=True, slots=True)
class _Known:
    """What the provider says of itself, and when it was asked."""

    at: float
    authorization: str
    token: str
    keys: KeySet


class Provider:
    """One provider. ``back`` is the address to which browsers come back."""

    def __init__(self, config: OidcConfig, back: str) -> None:
        self.config = config
        self._back = back
        self._known: _Known | None = None

    async def begin(self, attempt: Attempt) -> str:
        """The address at the provider to which the browser goes. Raises ``ProviderTrouble``."""
        known = await self._find()
        url = prepare_grant_uri(
            known.authorization,
            self.config.client_id,
            "code",
            redirect_uri=self._back,
            scope="openid email profile",
            state=attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return str(url)

    async def finish(self, attempt: Attempt, answer: Mapping[str, str], now: float) -> dict[str, Any]:
        """The claims about whoever came back with ``answer``. Raises ``NotSignedIn``, ``ProviderTrouble``."""
        if not hmac.compare_digest(answer.get("state", "").encode(), attempt.state.encode()):
            raise NotSignedIn("the answer is to another question")
        if answer.get("iss", self.config.issuer) != self.config.issuer:
            raise NotSignedIn("the answer is another provider's")
        if "error" in answer or not answer.get("code"):
            raise NotSignedIn(f"the provider refused: {answer.get('error', 'no code')[:100]!r}")
        known = await self._find()
        return await self._claims(await self._id_token(known, attempt, answer["code"]), attempt.nonce, now)

    async def _id_token(self, known: _Known, attempt: Attempt, code: str) -> str:
        """What the provider gives for a code."""
        config = self.config
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": self._back}
        form |= {"code_verifier": attempt.verifier}
        auth = None
        if config.client_secret:  # RFC 6749 2.3.1: each is encoded by itself
            auth = httpx.BasicAuth(quote_plus(config.client_id), quote_plus(config.client_secret))
        else:
            form |= {"client_id": config.client_id}
        try:
            async with httpx.AsyncClient(auth=auth, **self._options()) as client:
                got = await client.post(known.token, data=form)
            if got.status_code in (400, 401):
                raise NotSignedIn(f"the provider refused the code: {got.text[:200]!r}")
            got.raise_for_status()
            return str(got.json().get("id_token", ""))
        except (httpx.HTTPError, ValueError, AttributeError) as trouble:
            raise ProviderTrouble(f"{known.token}: {trouble!r}") from trouble

    async def _claims(self, id_token: str, nonce: str, now: float) -> dict[str, Any]:
        known = await self._find()
        try:
            token = jwt.decode(id_token, known.keys, algorithms=ALGORITHMS)
        except (JoseError, ValueError):
            # Its keys may have changed since.
            known = await self._find(since=time.monotonic() - SOONEST)
            try:
                token = jwt.decode(id_token, known.keys, algorithms=ALGORITHMS)
            except (JoseError, ValueError) as wrong:
                raise NotSignedIn(f"the ID token is not the provider's: {wrong!r}") from wrong
        claims: dict[str, Any] = dict(token.claims)
        wanted: dict[str, Any] = {
            "iss": {"essential": True, "value": self.config.issuer},
            "aud": {"essential": True, "value": self.config.client_id},
            "nonce": {"essential": True, "value": nonce},
            **{name: {"essential": True} for name in ("sub", "exp", "iat")},
        }
        try:
            jwt.JWTClaimsRegistry(now=int(now), leeway=LEEWAY, **wanted).validate(claims)
        except (JoseError, ValueError, TypeError) as wrong:
            raise NotSignedIn(f"the ID token is not for this sign-in: {wrong!r}") from wrong
        several = isinstance(claims["aud"], list) and len(claims["aud"]) > 1
        if claims.get("azp", "" if several else self.config.client_id) != self.config.client_id:
            raise NotSignedIn("the ID token was made for another client")
        return claims

    async def _find(self, since: float = 0.0) -> _Known:
        """What the provider says of itself, not older than an hour, nor than ``since``."""
        oldest = max(since, time.monotonic() - REMEMBERED)
        if self._known is None or self._known.at < oldest:
            try:
                async with httpx.AsyncClient(**self._options()) as client:
                    told = await _json(client, f"{self.config.issuer.rstrip('/')}/.well-known/openid-configuration")
                    if told["issuer"] != self.config.issuer:
                        raise ProviderTrouble(f"{self.config.issuer}: calls itself {told['issuer']!r}")
                    authorization, token = (str(told[f"{name}_endpoint"]) for name in ("authorization", "token"))
                    keys = KeySet.import_key_set(await _json(client, self._safe(str(told["jwks_uri"]))))
            except (httpx.HTTPError, JoseError, ValueError, KeyError, TypeError) as trouble:
                raise ProviderTrouble(f"{self.config.issuer}: {trouble!r}") from trouble
            self._known = _Known(time.monotonic(), self._safe(authorization), self._safe(token), keys)
        return self._known

    def _safe(self, address: str) -> str:
        """An address of the provider; in clear only where it is itself, which is on this machine."""
        if address.startswith("http:") and not self.config.issuer.startswith("http:"):
            raise ProviderTrouble(f"{address} is not https")
        return address

    def _options(self) -> dict[str, Any]:
        authorities = str(self.config.ca_file) if self.config.ca_file else None
        context = ssl.create_default_context(cafile=authorities)
        return {"timeout": PATIENCE, "trust_env": False, "verify": context, "follow_redirects": False}


async def _json(client: httpx.AsyncClient, address: str) -> Any:
    answer = await client.get(address)
    answer.raise_for_status()
    return answer.json()
