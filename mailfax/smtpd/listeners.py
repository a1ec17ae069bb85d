"""All doors of the house: opened together, closed together, without a thread of their own.

In: the ``[[listener]]`` values and the ``Door`` behind them. Out: ``Listeners``, with the addresses that were really
bound (port 0 is allowed) and an orderly end.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from mailfax.config import ConfigError, Limits, Listener
from mailfax.smtpd.conversation import Conversation
from mailfax.smtpd.crowd import Crowd
from mailfax.smtpd.door import Door, Pace
from mailfax.smtpd.place import Place
from mailfax.smtpd.prelude import accept_all, needs_prelude
from mailfax.smtpd.session import Session
from mailfax.smtpd.tls import tls_context

#: Connections that wait to be accepted.
_BACKLOG = 512
#: A hand-over ends in a commit or a rollback within this long, in seconds: SQLite waits for a lock no longer.
HAND_OVER_SECONDS = 30.0


class _Entrance:
    """One bound socket, and who accepts from it: asyncio, or the prelude."""

    def __init__(self, door: socket.socket, accepting: asyncio.Server | asyncio.Task[None]) -> None:
        self.address: tuple[str, int] = door.getsockname()[:2]
        self._door = door
        self._accepting = accepting

    @classmethod
    async def open(cls, place: Place, begin: Callable[[], Conversation]) -> _Entrance:
        """Raises ``OSError``."""
        listener, loop = place.listener, asyncio.get_running_loop()
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        door = socket.create_server((listener.host, listener.port), family=family, backlog=_BACKLOG)
        door.setblocking(False)
        if needs_prelude(listener):
            return cls(door, loop.create_task(accept_all(place, door, begin)))
        return cls(door, await loop.create_server(begin, sock=door, backlog=_BACKLOG))

    async def close(self) -> None:
        """Let nobody in any more."""
        if isinstance(self._accepting, asyncio.Task):
            self._accepting.cancel()
            await asyncio.wait([self._accepting])
            self._door.close()
        else:
            self._accepting.close()

    async def wait_closed(self) -> None:
        if not isinstance(self._accepting, asyncio.Task):
            await self._accepting.wait_closed()


@dataclass(frozen=True)
class Listeners:
    """The open doors. ``addresses``: listener name -> (host, port)."""

    addresses: dict[str, tuple[str, int]]
    _entrances: tuple[_Entrance, ...]
    _crowd: Crowd

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
    listeners: Sequence[Listener], door: Door, *, hostname: str, limits: Limits, pace: Pace | None = None
) -> Listeners:
    """Bind every listener, or none: raises ``ConfigError`` naming the one that can't be opened."""
    pace = pace or Pace()
    crowd = Crowd(limits, asyncio.get_running_loop().time)
    entrances: list[_Entrance] = []
    addresses: dict[str, tuple[str, int]] = {}
    places = [
        Place(
            listener,
            door,
            hostname,
            limits,
            replace(pace, command=pace.device_command) if listener.device else pace,
            tls_context(listener),
            crowd,
        )
        for listener in listeners
    ]
    for place in places:
        listener = place.listener
        try:
            entrances.append(await _Entrance.open(place, partial(Session, place)))
        except OSError as error:
            for entrance in entrances:
                await entrance.close()
            where = f"{listener.host}:{listener.port}"
            raise ConfigError(
                f'listener "{listener.name}": {where} can\'t be opened: {error.strerror or error}'
            ) from error
        addresses[listener.name] = entrances[-1].address
    return Listeners(addresses, tuple(entrances), crowd)
