"""What an engine of the spool is: it stores commits, answers reads, and rings when there is news.

In: ``Commit`` values and named reads. Out: results, or what went wrong. Two engines keep this promise, ``sqlite.py``
and ``postgresql.py``; what is asked for while a group is being committed becomes the next group: one transaction for
all, and where one of them fails, a savepoint for each.
"""

from __future__ import annotations

import asyncio
import collections
import contextlib
import weakref
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from mailfax.spool.commits import Commit, Hits, Outdated, Statement, Taken, Values

Row = Any  #: sqlite3.Row or asyncpg.Record: columns by name and by place
Hook = Callable[[tuple[str, ...]], None]

#: How many commits share one transaction at most: bounds how long the first of them waits for the others.
GROUP: Final = 256

#: So long what rides along waits for others, in seconds: other processes should know it, too.
RIDE_SECONDS: Final = 2.0

DISK_FULL: Final = "disk full"


class SpoolRefused(Exception):
    """The spool can't be opened. The text says which one, why, and what to do."""


class NotCommitted(Exception):
    """Surely nothing was stored; ``full`` where the disk is."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"The spool could not store this: {reason}.")
        self.reason = reason
        self.full = reason == DISK_FULL


class CommitUnclear(Exception):
    """The disk or the connection failed while committing: it may or may not be stored, and nothing may be promised on
    it."""


#: After these, whatever was prepared for a commit may be thrown away.
SURELY_NOT: Final = (Outdated, Taken, NotCommitted)


@dataclass(frozen=True, slots=True)
class Result:
    """What one statement of a commit did: rows it returned, and how many it hit."""

    rows: Sequence[Row]
    hits: int


@dataclass(slots=True)
class Request:
    """A commit that somebody waits for."""

    commit: Commit
    future: asyncio.Future[Sequence[Result]]
    outcome: Sequence[Result] | BaseException = field(default_factory=list)

    @property
    def good(self) -> bool:
        return not isinstance(self.outcome, BaseException)


class Bell:
    """Rings when one of ``news`` was committed, names of commits or of statements in them; with None at every commit.
    Each waiting worker has its own."""

    def __init__(self, news: Iterable[str] | None) -> None:
        self.news = None if news is None else frozenset(news)
        self._rung = asyncio.Event()

    def ring(self) -> None:
        self._rung.set()

    async def wait(self, timeout: float) -> None:  # noqa: ASYNC109 - running out of time is no error here
        """Until it rang since the last wait, or ``timeout`` seconds."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                await self._rung.wait()
        self._rung.clear()


class Engine(ABC):
    """Belongs to the event loop in which it was opened."""

    #: Whether bells ring for what other processes commit, too; else they have to be looked for.
    hears_others = False

    def __init__(self, clock: Callable[[], float], before_commit: Hook | None, after_commit: Hook | None) -> None:
        self.clock = clock
        self.epoch = 0
        self._before, self._after = before_commit, after_commit
        self._riders: collections.deque[Request] = collections.deque()
        self._bells: weakref.WeakSet[Bell] = weakref.WeakSet()
        self._closed = False

    @abstractmethod
    async def read(self, *reads: tuple[str, Values]) -> list[list[Row]]:
        """The rows of each (statement name, values), all from one moment; they show every commit that returned
        before. Raises ``NotCommitted`` where the spool can't be reached."""

    async def weaknesses(self) -> list[str]:
        """What makes this spool less durable than it should be, in a clause each."""
        return []

    async def give_back(self) -> None:
        """Give space of deleted rows back to the file system. Nothing to do for a PostgreSQL server: its autovacuum
        makes it free for new rows, later and by itself."""
        return

    @abstractmethod
    async def close(self) -> None:
        """Finish what was asked for, then let go of the spool. What comes later is ``NotCommitted``."""

    @abstractmethod
    def _ask(self, request: Request) -> None:
        """Hand a request to whoever commits."""

    async def commit(self, commit: Commit) -> Sequence[Result]:
        """Durable when it returns: one result per statement.

        Raises what the commit's guard says (``Outdated``), a ``Taken``, ``NotCommitted`` or ``CommitUnclear``. A
        caller that is cancelled meanwhile does not know whether it was stored.
        """
        if self._closed:
            raise NotCommitted("the spool is closed")
        request = Request(commit, asyncio.get_running_loop().create_future())
        self._ask(request)
        return await request.future

    def ride(self, commit: Commit) -> asyncio.Future[Sequence[Result]]:
        """Have it committed before whatever is asked for next, in its group: it costs no fsync of its own, unless
        nothing is asked for within ``RIDE_SECONDS``.

        For what may be lost in a crash. Where the disk fails it rides again, with whatever comes. The future ends as
        ``commit`` would otherwise; nobody has to wait for it.
        """
        loop = asyncio.get_running_loop()
        rider = Request(commit, loop.create_future())
        self._riders.append(rider)
        timer = loop.call_later(RIDE_SECONDS, self._depart, commit)
        rider.future.add_done_callback(lambda ridden: timer.cancel())
        return rider.future

    def _depart(self, commit: Commit) -> None:
        """Nobody came by. Whoever commits is woken by a request that was given up, and takes along what rides."""
        if not self._closed:
            nobody = asyncio.get_running_loop().create_future()
            nobody.cancel()
            self._ask(Request(commit, nobody))

    def _take_riders(self) -> list[Request]:
        return [self._riders.popleft() for _ in range(len(self._riders))]

    def _put_back(self, riders: Sequence[Request], group: Sequence[Request]) -> list[Request]:
        """Riders that the spool could not take ride again; the requests of ``group`` that have an answer."""
        again = [rider for rider in riders if isinstance(rider.outcome, NotCommitted | CommitUnclear)]
        self._riders.extendleft(reversed(again))
        return [request for request in group if all(request is not rider for rider in again)]

    def bell(self, news: Iterable[str] | None = None) -> Bell:
        """One that rings for ``news``, names of commits or of statements in them; with None at every commit."""
        bell = Bell(news)
        self._bells.add(bell)
        return bell

    def _ring(self, news: Iterable[str] | None) -> None:
        """Ring the bells for ``news``; with None all of them: some may have been missed."""
        for bell in tuple(self._bells):
            if bell.news is None or news is None or not bell.news.isdisjoint(news):
                bell.ring()

    def _release(self, group: Sequence[Request]) -> None:
        """In the event loop: let the callers go on, then ring."""
        for request in group:
            if request.future.cancelled():
                continue
            if isinstance(request.outcome, BaseException):
                request.future.set_exception(request.outcome)
            else:
                request.future.set_result(request.outcome)
        if news := news_of(group):
            self._ring(news)


def news_of(group: Sequence[Request]) -> set[str]:
    """The names of what was committed, and of the statements in it."""
    good = [request.commit for request in group if request.good]
    return {name for commit in good for name in (commit.name, *(each.name for each in commit.statements))}


def checked(statement: Statement, result: Result) -> Result:
    """The result, or what the statement says of a miss."""
    hits = result.hits
    if (statement.hits is Hits.ONE and hits != 1) or (statement.hits is Hits.SOME and hits < 1):
        raise statement.miss(f"{statement.name} hit {hits} rows, not {statement.hits.value}")
    return result
