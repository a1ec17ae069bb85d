"""All doors of the house: opened together, closed together, without a thread of their own.

In: the ``[[listener]]`` values and the ``Door`` behind them. Out: ``Listeners``, with the addresses that were really
bound (port 0 is allowed) and an orderly end.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from mailfax.config import ConfigError, Limits, Listener
from mailfax.smtpd.conversation import Place
from mailfax.smtpd.crowd import Crowd
from mailfax.smtpd.door import Door, Pace
from mailfax.smtpd.session import Session

#: A hand-over ends in a commit or a rollback within this long, in seconds: SQLite waits for a lock no longer.
HAND_OVER_SECONDS = 30.0


@dataclass(frozen=True)
class Listeners:
    """The open doors. ``addresses``: listener name -> (host, port)."""

    addresses: dict[str, tuple[str, int]]
    _servers: tuple[asyncio.Server, ...]
    _crowd: Crowd

    async def drain(self, seconds: float) -> None:
        """Let nobody in, send away who is only connected, and give mails on their way ``seconds`` to arrive.

        A mail that is being handed to the spool has ``HAND_OVER_SECONDS`` besides: its client must hear 250 for what
        is stored, or it sends the same fax again.
        """
        for server in self._servers:
            server.close()
        crowd = self._crowd
        crowd.going_down = True
        for session in tuple(crowd.sessions):
            session.stop()
        await _ended(crowd.sessions.values(), seconds)
        handing_over = [task for session, task in crowd.sessions.items() if session.handing_over]
        for session in tuple(crowd.sessions):
            if not session.handing_over:
                session.cut()
        await _ended([*handing_over, *crowd.accepting], HAND_OVER_SECONDS)
        for session in tuple(crowd.sessions):
            session.cut()
        await _ended(crowd.sessions.values(), 1.0)
        for server in self._servers:
            await server.wait_closed()


async def _ended(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    """When all of them have ended, or after ``seconds``."""
    if waited_for := tuple(tasks):
        await asyncio.wait(waited_for, timeout=seconds)


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
