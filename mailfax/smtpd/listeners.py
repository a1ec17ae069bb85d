"""All doors of the house: opened together, closed together, without a thread of their own.

In: the ``[[listener]]`` values and the ``Door`` behind them. Out: ``Listeners``, with the addresses that were really
bound (port 0 is allowed) and an orderly end.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from mailfax.config import ConfigError, Limits, Listener
from mailfax.smtpd.conversation import Place
from mailfax.smtpd.crowd import Crowd
from mailfax.smtpd.door import Door, Pace
from mailfax.smtpd.session import Session


@dataclass(frozen=True)
class Listeners:
    """The open doors. ``addresses``: listener name -> (host, port)."""

    addresses: dict[str, tuple[str, int]]
    _servers: tuple[asyncio.Server, ...]
    _crowd: Crowd

    async def drain(self, seconds: float) -> None:
        """Let nobody in, send away who is only connected, and give mails on their way ``seconds`` to arrive."""
        for server in self._servers:
            server.close()
        crowd = self._crowd
        crowd.going_down = True
        for session in tuple(crowd.sessions):
            session.stop()
        ends = asyncio.get_running_loop().time() + seconds
        if crowd.sessions:
            await asyncio.wait(tuple(crowd.sessions.values()), timeout=seconds)
        for session in tuple(crowd.sessions):
            session.cut()
        # A hand-over ends in a commit or in a rollback; its time is the spool's, and it is short.
        remaining = [*crowd.sessions.values(), *crowd.accepting]
        if remaining:
            await asyncio.wait(remaining, timeout=max(1.0, ends - asyncio.get_running_loop().time()))
        for server in self._servers:
            await server.wait_closed()


async def open_listeners(
    listeners: Sequence[Listener], door: Door, *, hostname: str, limits: Limits, pace: Pace | None = None
) -> Listeners:
    """Bind every listener, or none: raises ``ConfigError`` naming the one that can't be opened."""
    # aiosmtpd tells every client's address and command at level INFO; our log is ``maillog``.
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    loop = asyncio.get_running_loop()
    pace = pace or Pace()
    crowd = Crowd(limits)
    servers: list[asyncio.Server] = []
    addresses: dict[str, tuple[str, int]] = {}
    try:
        for listener in listeners:
            place = Place(listener, door, hostname, limits, pace, _tls_context(listener), crowd)
            implicit = listener.tls == "implicit"
            server = await loop.create_server(
                partial(Session, place),
                listener.host,
                listener.port,
                backlog=512,
                ssl=place.tls if implicit else None,
                ssl_handshake_timeout=pace.handshake if implicit else None,
            )
            servers.append(server)
            host, port = server.sockets[0].getsockname()[:2]
            addresses[listener.name] = (host, port)
    except OSError as error:
        for server in servers:
            server.close()
        raise ConfigError(
            f'listener "{listener.name}": {listener.host}:{listener.port} can\'t be opened: {error.strerror or error}'
        ) from error
    return Listeners(addresses, tuple(servers), crowd)


def _tls_context(listener: Listener) -> ssl.SSLContext | None:
    """TLS 1.2 and later, with the listener's certificate; None where it speaks in clear."""
    if listener.tls == "none":
        return None
    if listener.certificate is None:
        raise ConfigError(f'listener "{listener.name}": tls = "{listener.tls}" needs certificate and key')
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(listener.certificate, listener.key)
    except OSError as error:  # ssl.SSLError is one
        raise ConfigError(
            f'listener "{listener.name}": certificate or key can\'t be used: {error.strerror or error}'
        ) from error
    return context
