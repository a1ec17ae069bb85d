"""An event loop on a virtual clock: when nothing is left to do now, the next timer is due at once.

No threads, no sockets, no waiting: work for executors runs in the loop, in the order in which it was asked for. The
same program with the same chance does the same things at the same moments.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, tzinfo
from typing import Any

#: What the wall clock shows when the loop's clock shows 0: seconds since 1970.
BEGINNING = 1_790_000_000.0


class Stuck(Exception):
    """Everybody waits, and there is no timer."""


class _Idle(selectors.SelectSelector):
    """Never waits: moves the clock by what it was to wait."""

    moment = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck("nothing is due, and nothing ever will be")
        self.moment += max(timeout, 0.0)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """``time()`` is the virtual clock, in seconds from 0."""

    leapt = 0.0  #: by how many seconds the wall clock of the site is off

    def __init__(self) -> None:
        self._idle = _Idle()
        super().__init__(self._idle)
        # Sums of floats: a timer may seem due a little later than the clock was moved to.
        self._clock_resolution = 1e-6

    def time(self) -> float:
        return self._idle.moment

    def wall(self) -> float:
        """The wall clock of the site."""
        return BEGINNING + self._idle.moment + self.leapt

    def run_in_executor(self, executor: Any, func: Callable[..., Any], *args: Any) -> asyncio.Future[Any]:  # type: ignore[override]
        """Runs in the loop a little later."""
        future = self.create_future()

        def run() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except StopIteration as ended:  # no future takes it
                future.set_exception(RuntimeError(str(ended)))
            except Exception as trouble:
                future.set_exception(trouble)

        self.call_soon(run)
        return future


def this_loop() -> VirtualLoop:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, VirtualLoop)
    return loop


def wall() -> float:
    return this_loop().wall()


def elapsed() -> float:
    return this_loop().time()


class Time:
    """Stands for the module ``time`` where code asks it for the moment."""

    time, monotonic = staticmethod(wall), staticmethod(elapsed)


class TimeThere:
    """The same at the fax service, whose clock is another's."""

    monotonic = staticmethod(elapsed)

    @staticmethod
    def time() -> float:
        return BEGINNING + elapsed()


class Datetime(datetime):
    """Stands for ``datetime`` where code asks it for the moment."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Datetime:
        return cls.fromtimestamp(wall(), tz or UTC)


#: Module -> name -> what stands there, wherever mailfax and its sandbox ask for the moment by themselves.
MOMENTS: Mapping[str, Any] = {
    "mailfax.offramp.resent.time": Time,
    "mailfax.sandbox.exchange.time": TimeThere,
    "mailfax.faxcore.client.datetime": Datetime,
}
