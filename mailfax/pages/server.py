"""The listener of the pages: TLS where there is a certificate, and who the client is where a proxy stands in front.

LIMITS: HTTP/1.1; so many answers at a time as ``AT_A_TIME`` says.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Callable

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from mailfax.config import ConfigError, Network, PagesConfig
from mailfax.config.places import is_loopback
from mailfax.pages.application import application
from mailfax.pages.bridge import Bridge
from mailfax.pages.drafts import Drafts
from mailfax.pages.pictures import Pictures
from mailfax.pages.viewings import Viewings
from mailfax.pages.visit import Shared
from mailfax.web.server import Server, listen

#: More answers under way than this are refused with 503.
AT_A_TIME = 300


class Pages:
    """An open listener."""

    def __init__(self, config: PagesConfig, server: Server, listening: socket.socket, shared: Shared) -> None:
        self._server, self._config, self._shared = server, config, shared
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._serving = asyncio.create_task(server.serve(sockets=[listening]), name="pages")

    def renew_certificate(self) -> None:
        """Read the certificate again: for connections from now on. Raises ``ConfigError``; the old one stays."""
        context = self._server.config.ssl
        if context is not None:
            _load(context, self._config)

    async def close(self) -> None:
        self._shared.stopping.set()
        self._shared.drafts.close()
        self._server.should_exit = True
        await asyncio.wait([self._serving])


def open_pages(config: PagesConfig, bridge: Callable[[], Bridge]) -> Pages:
    """Listen. Raises ``ConfigError`` where the address or the certificate can't be had."""
    tls = {"ssl_certfile": str(config.certificate), "ssl_keyfile": str(config.key)} if config.certificate else {}
    shared = Shared(Drafts(), Pictures(), Viewings(), asyncio.Event())
    server = Server(_behind(application(config, bridge, shared), config), limit_concurrency=AT_A_TIME, **tls)
    if tls:
        server.config.load()
        assert server.config.ssl is not None
        server.config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return Pages(config, server, listen(config.host, config.port, "[pages]"), shared)


def _load(context: ssl.SSLContext, config: PagesConfig) -> None:
    try:
        context.load_cert_chain(str(config.certificate), str(config.key))
    except (ssl.SSLError, OSError) as wrong:
        raise ConfigError(f"[pages] certificate: {wrong}") from None


def _behind(wrapped: ASGIApp, config: PagesConfig) -> ASGIApp:
    """The client's true address; and only proxies may connect where TLS is theirs alone."""
    only_proxies = bool(config.proxies) and not config.certificate and not is_loopback(config.host)

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        ip = scope["client"][0] if scope.get("client") else ""
        if _is_in(config.proxies, ip):
            # The last address is what the proxy itself saw: whatever stands before it, the client may have written.
            said = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
            last = said[-1].decode("latin-1").rpartition(",")[2].strip() if said else ""
            if _address(last):
                scope = {**scope, "client": (last, 0)}
        elif only_proxies:
            await PlainTextResponse("Your address is not in proxies of [pages].\n", 403)(scope, receive, send)
            return
        await wrapped(scope, receive, send)

    return answer


def _address(ip: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(ip)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def _is_in(networks: tuple[Network, ...], ip: str) -> bool:
    address = _address(ip)
    return address is not None and any(address in network for network in networks)
