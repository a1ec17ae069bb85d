"""Connections to the relay, kept open between mails: a thousand mails need a few connections, TLS handshakes, logins.

In: how a connection is opened. Out: one that nobody else has, at rest between two mails. After a mail that was taken
it is kept, for a moment; after anything else it is hung up, since nobody knows in which state it is.

STANDARDS: RFC 5321 4.1.4 (order of commands), 3.8 (a server may end an idle session at any time).
LIMITS: so many are open as mails are handed over at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import aiosmtplib

#: How long one is kept without a mail; and how long one is used at all, so that a relay may spread us over machines.
IDLE_SECONDS, USED_SECONDS = 2.0, 300.0
QUIT_SECONDS = 5.0


@dataclass(slots=True, eq=False)
class _Kept:
    session: aiosmtplib.SMTP
    opened_at: float
    end: asyncio.TimerHandle | None = None


class Sessions:
    """Those to one relay. ``open`` raises where there is none to be had."""

    def __init__(self, open_one: Callable[[], Awaitable[aiosmtplib.SMTP]], *, idle_seconds: float) -> None:
        self._open, self._idle_seconds = open_one, idle_seconds
        self._idle: list[_Kept] = []
        self._ending: set[asyncio.Task[None]] = set()

    @contextlib.asynccontextmanager
    async def fresh(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """A new one."""
        async with self._using(_Kept(await self._open(), time.monotonic())) as session:
            yield session

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """One that was kept and still answers, or a new one. What is raised within means that it is hung up."""
        while self._idle:
            kept = self._idle.pop()
            if kept.end is not None:
                kept.end.cancel()
            with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                await kept.session.rset()
                break
            kept.session.close()  # the server has ended it meanwhile, as it may
        else:
            kept = _Kept(await self._open(), time.monotonic())
        async with self._using(kept) as session:
            yield session

    async def close(self) -> None:
        """Hang up all that are at rest."""
        while self._idle:
            self._rest_is_over(self._idle[-1])
        await asyncio.gather(*self._ending, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def _using(self, kept: _Kept) -> AsyncIterator[aiosmtplib.SMTP]:
        try:
            yield kept.session
        except BaseException:
            await _hang_up(kept.session)
            raise
        if kept.session.is_connected and time.monotonic() - kept.opened_at < USED_SECONDS:
            kept.end = asyncio.get_running_loop().call_later(self._idle_seconds, self._rest_is_over, kept)
            self._idle.append(kept)
        else:
            await _hang_up(kept.session)

    def _rest_is_over(self, kept: _Kept) -> None:
        if kept in self._idle:
            self._idle.remove(kept)
            if kept.end is not None:
                kept.end.cancel()
            ending = asyncio.create_task(_hang_up(kept.session))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)


async def _hang_up(session: aiosmtplib.SMTP) -> None:
    """What became of the mail is known by now; a failing QUIT changes nothing."""
    with contextlib.suppress(aiosmtplib.SMTPException, OSError):
        await session.quit(timeout=QUIT_SECONDS)
    session.close()
