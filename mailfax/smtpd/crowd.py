"""Who is connected: counted over all listeners, so that neither one client nor many take everything.

In: sessions that come and go. Out: whether one may stay.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import TYPE_CHECKING

from mailfax.config import Limits
from mailfax.rules.status import Cause

if TYPE_CHECKING:
    from mailfax.smtpd.conversation import Conversation


class Crowd:
    """All open sessions. ``accepting`` are hand-overs to the spool: they end even if the client leaves."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._by_client: Counter[str] = Counter()
        self.sessions: dict[Conversation, asyncio.Task[None]] = {}
        self.accepting: set[asyncio.Task[str]] = set()
        self.going_down = False

    def enter(self, session: Conversation, ip: str, task: asyncio.Task[None]) -> Cause | None:
        """Count the session in; the cause why it must leave at once, if any. ``leave`` follows in either case."""
        self.sessions[session] = task
        self._by_client[ip] += 1
        if self.going_down:
            return Cause.SHUTDOWN
        if len(self.sessions) > self._limits.connections:
            return Cause.TOO_MANY_CONNECTIONS
        if self._by_client[ip] > self._limits.connections_per_client:
            return Cause.TOO_MANY_CONNECTIONS
        return None

    def leave(self, session: Conversation, ip: str) -> None:
        del self.sessions[session]
        self._by_client[ip] -= 1
        if not self._by_client[ip]:
            del self._by_client[ip]
