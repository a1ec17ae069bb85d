"""Connections to the relay, kept open between mails: a thousand mails need a few connections, TLS handshakes, logins.

In: how a connection is opened. Out: one that nobody else has, at rest between two mails. After a mail that was taken
it is kept, for a moment; after anything else it is hung up, since nobody knows in which state it is.

STANDARDS: RFC 5321 4.1.4 (order of commands), 3.8 (a server may end an idle session at any time).
LIMITS: so many are open as mails are handed over at once, or as the server lets in.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
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
        self._used, self._opening, self._given_back = 0, 0, asyncio.Event()
        self._enough, self._enough_until = 0, 0.0  #: so many the server lets in, as it said lately

    @contextlib.asynccontextmanager
    async def one(self) -> AsyncIterator[aiosmtplib.SMTP]:
        """One that was kept and still answers, or a new one. What is raised within means that it is hung up."""
        kept = await self._rested() or await self._new()
        try:
            yield kept.session
        except BaseException:
            await _hang_up(kept.session)
            raise
        else:
            await self._keep(kept)
        finally:
            self._used -= 1
            self._given_back.set()

    async def close(self) -> None:
        """Hang up all that are at rest."""
        while self._idle:
            self._rest_is_over(self._idle[-1])
        await asyncio.gather(*self._ending, return_exceptions=True)

    async def _rested(self) -> _Kept | None:
        while self._idle:
            kept = self._idle.pop()
            if kept.end is not None:
                kept.end.cancel()
            self._used += 1
            rested = False
            try:
                with contextlib.suppress(aiosmtplib.SMTPException, OSError):
                    await kept.session.rset()
                    rested = True
            finally:
                if not rested:  # the server has ended it meanwhile, as it may, or nobody wants it any more
                    kept.session.close()
                    self._used -= 1
            if rested:
                return kept
        return None

    async def _new(self) -> _Kept:
        """One more; where the server lets no more in, the next that is free, and for a while no more at once."""
        while True:
            while self._used + self._opening >= self._most():
                self._given_back.clear()
                await self._given_back.wait()
                if (kept := await self._rested()) is not None:
                    return kept
            self._opening += 1
            try:
                kept = _Kept(await self._open(), time.monotonic())
            except BaseException as failed:
                self._given_back.set()  # nobody may be left to give one back: those who wait try for themselves
                if not self._used or not isinstance(failed.__cause__, aiosmtplib.SMTPResponseException):
                    raise
                self._enough, self._enough_until = self._used, time.monotonic() + USED_SECONDS
            else:
                self._used += 1
                return kept
            finally:
                self._opening -= 1

    def _most(self) -> float:
        return self._enough if time.monotonic() < self._enough_until else math.inf

    async def _keep(self, kept: _Kept) -> None:
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
