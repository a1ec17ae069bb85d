"""A received fax is posted to a program: one JSON object with all facts and the documents, signed; and the outcome
of a fax that was sent, without documents.

In: a URL and a parcel. Out: nothing once it answered 2xx. The same fax has the same ``webhook-id`` (its queue ID), by
which the program knows a second one: silence leads to another attempt, as with mail.

A site's own services must not be reached through a URL, whatever a name resolves to: the address that is connected to
is the one that was judged, and no redirect is followed.

STANDARDS: Standard Webhooks 1.0 (webhook-id, webhook-timestamp, webhook-signature: HMAC-SHA256 over
"id.timestamp.body"), RFC 9110 15 (status codes, Retry-After in seconds), RFC 6890 (addresses that are not public).
LIMITS: one connection for each fax; the whole body in memory, a third larger than the documents.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import ipaddress
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any
from urllib.parse import urlsplit

import httpcore

from mailfax import __version__
from mailfax.rules.failure import Failure, InDoubt, NotSent, Refused
from mailfax.targets.parcel import Parcel

CONNECT_SECONDS, ANSWER_SECONDS, WHOLE_SECONDS = 15.0, 60.0, 300.0
#: What is read of an answer, in bytes: the beginning, for people.
EXCERPT = 500
#: Not now, says HTTP: worth another attempt (RFC 9110 15.5.9, 15.5.10; RFC 8470 5.2; RFC 6585 4).
_LATER = frozenset({408, 409, 425, 429})


class Webhook:
    """Posts to programs. ``secret`` is "whsec_" and base64, as Standard Webhooks have it."""

    def __init__(
        self,
        *,
        secret: str,
        private: bool,
        now: Callable[[], float] = time.time,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._key = base64.b64decode(secret.removeprefix("whsec_"))
        self._private, self._now, self._tls = private, now, tls

    async def take(self, place: str, parcel: Parcel) -> None:
        """Post it; raises ``NotSent``, ``Refused`` or ``InDoubt``."""
        documents = [
            {**told, "content": base64.b64encode(file.content).decode()}
            for told, file in zip(parcel.facts.get("documents", ()), parcel.files, strict=True)
        ]
        body = json.dumps(parcel.facts | ({"documents": documents} if documents else {})).encode()
        moment = str(int(self._now()))
        headers = [
            ("Content-Type", "application/json"),
            ("User-Agent", f"mailfax/{__version__}"),
            ("webhook-id", parcel.queue_id),
            ("webhook-timestamp", moment),
            ("webhook-signature", f"v1,{self._sign(parcel.queue_id, moment, body)}"),
        ]
        status, answer, retry_after = await self._post(place, headers, body)
        if (failure := _failure(status, answer, retry_after)) is not None:
            raise failure

    async def probe(self, place: str) -> None:
        """See that its name leads to an address that may be connected to; nothing is sent."""
        parts = urlsplit(place)
        await Guarded(self._private).addresses(parts.hostname or "", parts.port or 443)

    def _sign(self, name: str, moment: str, body: bytes) -> str:
        signed = f"{name}.{moment}.".encode() + body
        return base64.b64encode(hmac.digest(self._key, signed, hashlib.sha256)).decode()

    async def _post(self, url: str, headers: list[tuple[str, str]], body: bytes) -> tuple[int, str, float | None]:
        """Status, the beginning of the answer, and how many seconds it asks to wait."""
        guard = Guarded(self._private)
        timeouts = {"connect": CONNECT_SECONDS, "read": ANSWER_SECONDS, "write": ANSWER_SECONDS}
        tls = self._tls or ssl.create_default_context()
        try:
            async with (
                asyncio.timeout(WHOLE_SECONDS),
                httpcore.AsyncConnectionPool(
                    ssl_context=tls, network_backend=guard, max_keepalive_connections=0
                ) as pool,
                pool.stream("POST", url, headers=headers, content=body, extensions={"timeout": timeouts}) as reply,
            ):
                answer = b""
                async for block in reply.aiter_stream():
                    answer += block
                    if len(answer) > EXCERPT:
                        break
                waits = [value for name, value in reply.headers if name.lower() == b"retry-after"]
        except (httpcore.ConnectError, httpcore.ConnectTimeout, httpcore.PoolTimeout) as unreached:
            raise _not_reached(unreached) from unreached
        except (httpcore.NetworkError, httpcore.TimeoutException, httpcore.ProtocolError, TimeoutError) as silence:
            sentence = "The webhook did not say whether it took this"
            raise InDoubt(sentence, diagnostic=f"x-mailfax; {type(silence).__name__}") from silence
        wait = waits[0].decode("ascii", "replace") if waits else ""
        told = " ".join(answer[:EXCERPT].decode("utf-8", "replace").split())
        return reply.status, told, float(wait) if wait.isdecimal() and len(wait) < 8 else None


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects to public addresses alone, or, where ``private`` is said, to any."""

    def __init__(self, private: bool) -> None:
        self._private, self._line = private, httpcore.AnyIOBackend()

    async def addresses(self, host: str, port: int) -> list[str]:
        """Where ``host`` leads, and may; raises ``NotSent`` with a sentence."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, TimeoutError, UnicodeError) as unknown:
            raise NotSent(f"The name {host} can't be resolved", diagnostic="x-mailfax; no address") from unknown
        addresses = list(dict.fromkeys(str(where[0]) for *_, where in found))
        allowed = [each for each in addresses if self._private or is_public(each)]
        if not allowed:
            raise NotSent(
                f"{host} is not a public address ({', '.join(addresses)}); write webhook_private = true to allow it",
                diagnostic="x-mailfax; private address",
            )
        return allowed

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore calls it so
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        last: Exception = httpcore.ConnectError()
        for address in await self.addresses(host, port):
            try:
                return await self._line.connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as failed:
                last = failed
        raise last

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


def is_public(address: str) -> bool:
    """Whether it belongs to the Internet, and not to us, our network or our neighbours (a cloud's metadata)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(ip, "ipv4_mapped", None) or getattr(ip, "sixtofour", None)
    if ip in _NAT64:
        inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.is_global and not ip.is_multicast and (inner is None or is_public(str(inner)))


#: Leads to the IPv4 address in its last 32 bits (RFC 6052 2.1).
_NAT64 = ipaddress.ip_network("64:ff9b::/96")


def _not_reached(error: Exception) -> NotSent:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            sentence = f"The webhook's certificate is not accepted: {cause.verify_message}"
            return NotSent(sentence, diagnostic="x-mailfax; certificate")
        cause = cause.__cause__ or cause.__context__
    return NotSent("The webhook can't be reached", diagnostic=f"x-mailfax; {type(error).__name__}")


def _failure(status: int, answer: str, retry_after: float | None) -> Failure | None:
    """What a status code other than 2xx means."""
    said = f"http; {status} {answer}".strip()[:300]
    if 200 <= status < 300:
        return None
    if status in _LATER or status >= 500:
        return NotSent(f"The webhook does not take this now: {status}", diagnostic=said, retry_after=retry_after)
    if 300 <= status < 400:
        return Refused(f"The webhook redirects ({status}); write the address it leads to", diagnostic=said)
    return Refused(f"The webhook refused this: {status}", diagnostic=said)
