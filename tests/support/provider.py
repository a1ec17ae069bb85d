"""A provider of OpenID Connect on loopback: it signs everybody in as whom a test says, and checks its client.

What it answers can be bent by ``Provider.bend``: each bent answer is an attack, or a clock that is wrong. PKCE is
checked with authlib's own function for servers.
"""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from authlib.oauth2.rfc7636 import create_s256_code_challenge
from joserfc import jwt
from joserfc.jwk import KeySet, RSAKey

CLIENT, SECRET = "mailfax", "a secret of the client"


class Provider(ThreadingHTTPServer):
    """``who`` are the claims of the next sign-in."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.issuer = f"http://127.0.0.1:{self.server_address[1]}/realm"
        self.key = RSAKey.generate_key(2048, {"kid": "1", "use": "sig", "alg": "RS256"})
        self.who: dict[str, Any] = {"email": "anna@example.com", "email_verified": True}
        self.bend: Callable[[dict[str, Any]], dict[str, Any]] = dict
        self.header: dict[str, str] = {}
        self.signs_with: RSAKey | None = None
        self.codes: dict[str, dict[str, str]] = {}

    def again(self) -> None:
        """As in the beginning."""
        self.who = {"email": "anna@example.com", "email_verified": True}
        self.bend, self.header, self.signs_with = dict, {}, None

    def id_token(self, nonce: str) -> str:
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT, "sub": "4711", "iat": now, "exp": now + 300, "nonce": nonce}
        key = self.signs_with or self.key
        return jwt.encode({"alg": "RS256", "kid": "1", **self.header}, self.bend({**claims, **self.who}), key)


class _Handler(BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        asked = {name: values[0] for name, values in parse_qs(parts.query).items()}
        here = self.server.issuer
        match parts.path:
            case "/realm/.well-known/openid-configuration":
                places = {"authorization_endpoint": "auth", "token_endpoint": "token", "jwks_uri": "keys"}
                self._json(200, {"issuer": here} | {name: f"{here}/{place}" for name, place in places.items()})
            case "/realm/keys":
                self._json(200, KeySet([self.server.key]).as_dict(private=False))
            case "/realm/auth":
                assert asked["client_id"] == CLIENT and asked["response_type"] == "code"
                assert asked["code_challenge_method"] == "S256" and "openid" in asked["scope"]
                code = secrets.token_urlsafe()
                self.server.codes[code] = asked
                self.send_response(302)
                answer = urlencode({"code": code, "state": asked["state"], "iss": here})
                self.send_header("Location", f"{asked['redirect_uri']}?{answer}")
                self.send_header("Content-Length", "0")
                self.end_headers()
            case _:
                self._json(404, {})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        said = {name: values[0] for name, values in parse_qs(body).items()}
        login = base64.b64decode(self.headers.get("Authorization", "").removeprefix("Basic ")).decode()
        asked = self.server.codes.pop(said["code"], None)  # once
        if login.replace("+", " ").replace("%20", " ") != f"{CLIENT}:{SECRET}":
            return self._json(401, {"error": "invalid_client"})
        good = asked is not None and create_s256_code_challenge(said["code_verifier"]) == asked["code_challenge"]
        if asked is None or not good or said["redirect_uri"] != asked["redirect_uri"]:
            return self._json(400, {"error": "invalid_grant"})
        token = self.server.id_token(asked["nonce"])
        return self._json(200, {"access_token": "x", "token_type": "Bearer", "id_token": token})

    def _json(self, status: int, told: Any) -> None:
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *words: Any) -> None:
        """Nothing."""


@contextmanager
def provider() -> Iterator[Provider]:
    """One that answers."""
    running = Provider()
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    try:
        yield running
    finally:
        running.shutdown()
        thread.join()
        running.server_close()
