"""All listeners: opened together, closed together, without a thread of their own.

In: the ``[[listener]]`` values and the ``Handler`` behind them. Out: ``Listeners``, with the addresses that were
really bound (port 0 is allowed) and an orderly end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, cast

from mailfax.config import ConfigError, Limits, Listener
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.crowd import Crowd
from mailfax.smtpd.handler import Handler, Pace
from mailfax.smtpd.place import Place
from mailfax.smtpd.prelude import accept_all, needs_prelude
from mailfax.smtpd.session import Session
from mailfax.smtpd.tls import tls_context

#: Connections that wait to be accepted.
_BACKLOG = 512
#: A client that was let in just before may not be counted yet; after so many seconds it is.
ACCEPTED_SECONDS = 0.05
#: A hand-over ends in a commit or a rollback within this long, in seconds: SQLite waits for a lock no longer.
HAND_OVER_SECONDS = 30.0


class _Entrance:
    """One bound socket, and who accepts from it: asyncio, or the prelude."""

    def __init__(self, place: Place, opened: socket.socket, accepting: asyncio.Server | asyncio.Task[None]) -> None:
        self.address: tuple[str, int] = opened.getsockname()[:2]
        self.place = place
        self._socket = opened
        self._accepting = accepting

    @classmethod
    async def open(cls, place: Place, before: _Entrance | None) -> _Entrance:
        """On the socket of the one ``before``, where there is one: no client that waits there is sent away. Raises
        ``OSError``."""
        listener, loop, begin = place.listener, asyncio.get_running_loop(), partial(Session, place)
        if before is not None:
            opened = before._socket.dup()
        else:
            family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
            opened = socket.create_server((listener.host, listener.port), family=family, backlog=_BACKLOG)
        opened.setblocking(False)
        if needs_prelude(listener):
            return cls(place, opened, loop.create_task(accept_all(place, opened, begin)))
        return cls(place, opened, await loop.create_server(begin, sock=opened, backlog=_BACKLOG))

    @property
    def key(self) -> tuple[str, int, str]:
        """What an entrance is kept by: its address; where any port will do, its name, too."""
        return _key(self.place.listener)

    async def close(self) -> None:
        """Let nobody in any more."""
        if isinstance(self._accepting, asyncio.Task):
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._socket.close()
        else:
            self._accepting.close()

    async def wait_closed(self) -> None:
        if not isinstance(self._accepting, asyncio.Task):
            await self._accepting.wait_closed()


def _key(listener: Listener) -> tuple[str, int, str]:
    return listener.host, listener.port, "" if listener.port else listener.name


class Listeners:
    """The open listeners."""

    def __init__(self, entrances: Sequence[_Entrance], crowd: Crowd) -> None:
        self._entrances, self._crowd = tuple(entrances), crowd

    @property
    def addresses(self) -> dict[str, tuple[str, int]]:
        """Listener name -> (host, port)."""
        return {entrance.place.listener.name: entrance.address for entrance in self._entrances}

    async def renew(
        self,
        listeners: Sequence[Listener],
        handler: Handler,
        *,
        hostname: str,
        limits: Limits,
        pace: Pace | None = None,
    ) -> None:
        """Go on with other listeners, another handler, other certificates. Where an address stays, its socket does.

        No session is ended: each goes on as on the listener where it began, by the new rules from its next mail on.
        Raises ``ConfigError``, and all is as it was.
        """
        before = {entrance.key: entrance for entrance in self._entrances}
        places = _places(listeners, handler, self._crowd, hostname=hostname, limits=limits, pace=pace)
        entrances = await _open(places, before)
        old, self._entrances = self._entrances, tuple(entrances)
        for entrance in old:
            await entrance.close()
        await asyncio.sleep(ACCEPTED_SECONDS)
        self._crowd.renew(limits)
        certificates = {place.listener.name: place.tls for place in places}
        for session in cast(Iterable[Conversation], self._crowd.sessions):
            tls = certificates.get(session.place.listener.name, session.place.tls)
            session.place = replace(session.place, handler=handler, hostname=hostname, limits=limits, tls=tls)

    async def drain(self, seconds: float) -> None:
        """Let nobody in, send away who is only connected, and give mails on their way ``seconds`` to arrive.

        A mail that is being handed to the spool has ``HAND_OVER_SECONDS`` besides: its client must hear 250 for what
        is stored, or it sends the same fax again.
        """
        crowd = self._crowd
        crowd.going_down = True
        for entrance in self._entrances:
            await entrance.close()
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
        for entrance in self._entrances:
            await entrance.wait_closed()


async def _ended(tasks: Iterable[asyncio.Task[Any]], seconds: float) -> None:
    """When all of them have ended, or after ``seconds``."""
    if waited_for := tuple(tasks):
        await asyncio.wait(waited_for, timeout=seconds)


async def open_listeners(
    listeners: Sequence[Listener], handler: Handler, *, hostname: str, limits: Limits, pace: Pace | None = None
) -> Listeners:
    """Bind every listener, or none: raises ``ConfigError`` naming the one that can't be opened."""
    crowd = Crowd(limits, asyncio.get_running_loop().time)
    places = _places(listeners, handler, crowd, hostname=hostname, limits=limits, pace=pace)
    return Listeners(await _open(places, {}), crowd)


def _places(
    listeners: Sequence[Listener], handler: Handler, crowd: Crowd, *, hostname: str, limits: Limits, pace: Pace | None
) -> list[Place]:
    """Raises ``ConfigError`` where a certificate can't be used."""
    pace = pace or Pace()
    patient = replace(pace, command=pace.device_command)
    return [
        Place(one, handler, hostname, limits, patient if one.device else pace, tls_context(one), crowd)
        for one in listeners
    ]


async def _open(places: Sequence[Place], before: Mapping[tuple[str, int, str], _Entrance]) -> list[_Entrance]:
    """An entrance for each, or none."""
    entrances: list[_Entrance] = []
    for place in places:
        listener = place.listener
        try:
            entrances.append(await _Entrance.open(place, before.get(_key(listener))))
        except OSError as error:
            for entrance in entrances:
                await entrance.close()
            where = f"{listener.host}:{listener.port}"
            raise ConfigError(
                f'listener "{listener.name}": {where} can\'t be opened: {error.strerror or error}'
            ) from error
    return entrances
