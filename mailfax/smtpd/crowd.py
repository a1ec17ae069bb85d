"""Who is connected and who tries too much: counted over all listeners, so that nobody takes everything.

In: sessions that come and go, mails begun, logins that failed. Out: whether one may go on, and after how long. An
IPv6 client is its /64: whoever has one address there has them all (RFC 6177 2).

LIMITS: ``REMEMBERED`` client addresses in each memory; the one not heard of for longest is forgotten first.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections import Counter
from collections.abc import Callable
from typing import Any, Protocol

from mailfax.config import Limits
from mailfax.rules.status import Cause

REMEMBERED = 10_000
#: A few wrong passwords are typing errors; one of them is forgiven in each minute.
_FREE_FAILURES, _FORGIVEN_PER_SECOND, _MOST_FAILURES = 3, 1 / 60, 20.0
#: Seconds that a password is not looked at after so many failures too many. The longest bounds what a bad client
#: does to an office behind the same address: its people wait, and are never locked out.
_DELAYS = (0.0, 1.0, 2.0, 4.0, 8.0)


def client_key(ip: str) -> str:
    """Under which name a client is counted."""
    if ":" not in ip:
        return ip
    return str(ipaddress.ip_network((ip, 64), strict=False).network_address)


class Pails:
    """One leaking pail for each key: what is poured in runs out at ``leak`` a second. Empty ones need no memory."""

    def __init__(self, leak: float, time: Callable[[], float]) -> None:
        self.leak = leak
        self._time = time
        self._pails: dict[str, tuple[float, float]] = {}

    def __len__(self) -> int:
        return len(self._pails)

    def level(self, key: str) -> float:
        level, since = self._pails.get(key, (0.0, 0.0))
        return max(0.0, level - (self._time() - since) * self.leak)

    def pour(self, key: str, *, most: float = float("inf")) -> None:
        """Add one, up to ``most``."""
        level = min(self.level(key) + 1, most)
        self._pails.pop(key, None)  # the youngest stands last
        if len(self._pails) >= REMEMBERED:
            del self._pails[next(iter(self._pails))]
        self._pails[key] = (level, self._time())


class Failures:
    """Wrong passwords, by whom they came from: the more, the longer the next one waits."""

    def __init__(self, time: Callable[[], float]) -> None:
        self._pails = Pails(_FORGIVEN_PER_SECOND, time)

    def delay(self, *keys: str) -> float:
        """Seconds to wait before a password of these is looked at: 0 without failures, then growing."""
        too_many = max(self._pails.level(key) for key in keys) - _FREE_FAILURES
        return _DELAYS[max(0, min(len(_DELAYS) - 1, int(too_many) + 1))] if too_many > 0 else 0.0

    def failed(self, *keys: str) -> None:
        """One was wrong."""
        for key in keys:
            self._pails.pour(key, most=_MOST_FAILURES)


class Member(Protocol):
    """A connection, as it is counted and sent away."""

    handing_over: bool  #: a mail to the spool: nobody knows yet whether it is 250

    def stop(self) -> None:
        """The service goes down: a client that we wait for is told now, others after their reply."""

    def cut(self) -> None:
        """The time to finish is over."""


class Crowd:
    """All open connections, those before their first word included. ``time`` is monotonic, in seconds.

    ``accepting`` are hand-overs to the spool: they end even if the client leaves.
    """

    def __init__(self, limits: Limits, time: Callable[[], float]) -> None:
        self._limits = limits
        self._by_client: Counter[str] = Counter()
        self._counted_as: dict[Member, str] = {}
        self._mails = Pails(limits.messages_per_minute / 60, time)
        self._failures = Failures(time)
        self.sessions: dict[Member, asyncio.Task[None]] = {}
        self.accepting: set[asyncio.Task[Any]] = set()
        self.going_down = False

    def renew(self, limits: Limits) -> None:
        """Other limits from now on; who is there is still counted."""
        self._limits = limits
        self._mails.leak = limits.messages_per_minute / 60

    def enter(self, session: Member, task: asyncio.Task[None]) -> Cause | None:
        """Count a connection in; the cause why it must leave at once, if any. ``leave`` follows in either case."""
        self.sessions[session] = task
        if self.going_down:
            return Cause.SHUTDOWN
        return Cause.TOO_MANY_CONNECTIONS if len(self.sessions) > self._limits.connections else None

    def count_as(self, session: Member, ip: str) -> Cause | None:
        """The client's address is known, or (XCLIENT) another one now; the cause why it must leave, if any."""
        self._uncount(session)
        key = self._counted_as[session] = client_key(ip)
        self._by_client[key] += 1
        return Cause.TOO_MANY_CONNECTIONS if self._by_client[key] > self._limits.connections_per_client else None

    def leave(self, session: Member) -> None:
        del self.sessions[session]
        self._uncount(session)

    def _uncount(self, session: Member) -> None:
        key = self._counted_as.pop(session, None)
        if key is not None:
            self._by_client[key] -= 1
            if not self._by_client[key]:
                del self._by_client[key]

    def may_begin(self, ip: str) -> bool:
        """Whether a client at ``ip`` may begin one more mail now; if so, it is counted."""
        most, key = self._limits.messages_per_minute, client_key(ip)
        if not most:
            return True
        if self._mails.level(key) > most - 1:
            return False
        self._mails.pour(key)
        return True

    def login_delay(self, ip: str) -> float:
        """Seconds to wait before a password from ``ip`` is looked at: 0 without failures, then growing."""
        return self._failures.delay(client_key(ip))

    def login_failed(self, ip: str) -> None:
        """A wrong user or password came from ``ip``."""
        self._failures.failed(client_key(ip))
