"""One ``mailfax serve`` in the simulation: the real workers as the service runs them, over the real spool.

It can die: from that moment on nothing of it commits, sends or hears anything. It can freeze, as a machine that
swaps or a process that was stopped: whatever it does next happens later, and its leases run out meanwhile.
"""

from __future__ import annotations

import asyncio
import contextvars
import sqlite3
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, BinaryIO, TypeVar
from zoneinfo import ZoneInfo

import mailfax.wiring
from mailfax.clock import SteadyClock
from mailfax.config import Account, Config
from mailfax.context import Context
from mailfax.faxcore.client import FaxCore
from mailfax.letters import Marks, Site
from mailfax.offramp.recovered import see_to_a_restored_spool
from mailfax.onramp.collect import Collect
from mailfax.render import Rendered
from mailfax.rules.job import Status
from mailfax.rules.queue_id import draw_queue_id
from mailfax.service import Service
from mailfax.spool import Spool
from mailfax.spool.commits import Commit, Values
from mailfax.spool.engine import Bell, Engine, Request, Row
from mailfax.spool.sqlite import SqliteEngine
from mailfax.wiring import ROLES, connect
from tests.simulation.clockwork import elapsed, this_loop, wall
from tests.simulation.service import MARK, SimulatedRelay, Wire

if TYPE_CHECKING:
    from tests.simulation.world import World

T = TypeVar("T")
#: The process whose code runs now.
RUNNING: contextvars.ContextVar[Process | None] = contextvars.ContextVar("RUNNING", default=None)


class _Bells(list[Bell]):
    """Rung in the order of their making, not of their addresses."""

    add = list.append


class SteppedEngine(SqliteEngine):
    """The real engine without its threads: groups of commits become durable a little later, one after the other."""

    def __init__(self, path: Path, clock: Callable[[], float], before: Any, after: Any) -> None:
        process = RUNNING.get()
        assert process is not None
        self.process = process
        process.engine = self
        self._group: list[Request] = []
        super().__init__(path, clock, before, after)

    def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._bells = _Bells()  # type: ignore[assignment]

    def _ask(self, request: Request) -> None:
        self.process.living()
        self._group.append(request)
        if len(self._group) == 1:
            self._loop.call_later(self.process.world.chance.uniform(0.001, 0.02), self.flush)

    async def read(self, *reads: tuple[str, Values]) -> list[list[Row]]:
        await self.process.gate()
        await asyncio.sleep(0)
        self.process.living()
        return self._read(reads)

    def flush(self) -> None:
        """Commit what was asked for; the process may die just before or just after."""
        process = self.process
        if process.dead or self._closed:
            return
        if process.thaws_at > elapsed():
            this_loop().call_at(process.thaws_at, self.flush)
            return
        asked, self._group = self._group, []
        riders = self._take_riders()
        group = [request for request in (*riders, *asked) if not request.future.cancelled()]
        if not group:
            return
        names = tuple(request.commit.name for request in group)
        fate = process.world.fate(names)
        if not fate and process.world.loses(names):
            self._lose_later()
        if fate == "before":
            process.die(f"before {' '.join(names)}")
            return
        try:
            self._commit_group(group)
        except Exception as trouble:
            for request in group:
                request.outcome = trouble
        for request in group:
            process.world.note("commit" if request.good else "no commit", process.name, *_told(request.commit))
        if fate == "after":
            process.die(f"after {' '.join(names)}")
            return
        self._release(group)

    def _lose_later(self) -> None:
        """What is committed from here on is not durable, and the process dies of a loss of power soon."""
        before = sqlite3.connect(":memory:")
        self._reading.backup(before)

        def lose() -> None:
            if not self.process.dead:
                self.process.die("and what was committed last is lost")
                before.backup(self._writing)
            before.close()

        self._loop.call_later(self.process.world.chance.uniform(0.2, 3.0), lose)

    async def close(self) -> None:
        """As a death leaves it: what was not committed is not."""
        self._closed = True
        self._reading.close()
        self._writing.close()


def _told(commit: Commit) -> Iterable[str]:
    """Its name, and what in it names a fax."""
    yield commit.name
    for statement in commit.statements:
        for values in statement.values if isinstance(statement.values, tuple) else (statement.values,):
            for key in ("queue_id", "message", "fax_id", "letter_id", "state", "event_word"):
                if isinstance(value := values.get(key), str) and value:
                    yield f"{key}={value}"


class StandInRenderer:
    """Documents that say which mail they are of, and nothing more."""

    def __init__(self, *, paper: str, limits: Any = None, config: Any = None) -> None:
        self.paper = paper

    async def start(self) -> None: ...

    async def close(self) -> None: ...

    async def render(self, source: Path, *, into: Path, wishes: Any = None) -> Rendered:
        process = RUNNING.get()
        assert process is not None
        mark = MARK.search(source.read_bytes())
        assert mark is not None
        await asyncio.sleep(process.world.chance.uniform(0.05, 2.0))
        document = into / "fax.pdf"
        document.write_bytes(b"%PDF-1.4\n% " + mark[0] + b"\n")
        return Rendered(document, "fax.pdf", 1, "", ("text: page 1",), ())

    async def thumbnail(self, source: Path, *, into: Path) -> bytes:
        process = RUNNING.get()
        assert process is not None
        await asyncio.sleep(process.world.chance.uniform(0.01, 2.0))
        return process.world.chance.choice((b"", b"PNG"))

    async def count_pages(self, source: Path) -> int:
        return 1

    async def examine(self, mail: BinaryIO, *, seconds: float) -> Status | None:
        return None


class Process:
    """One process. ``opened`` starts it; ``die`` ends it at once, and ``buried`` is when nothing is left of it."""

    def __init__(self, world: World, config: Config, name: str) -> None:
        self.world, self._config, self.name = world, config, name
        self.dead = False
        self.died = asyncio.Event()
        self.thaws_at = 0.0
        self.engine: Engine | None = None
        self._tasks: dict[asyncio.Task[Any], None] = {}

    def spawn(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """A task of this process: it dies with it."""
        context = contextvars.copy_context()
        context.run(RUNNING.set, self)
        return this_loop().create_task(work, context=context)

    def adopt(self, task: asyncio.Task[Any]) -> None:
        self._tasks[task] = None
        task.add_done_callback(lambda done: self._tasks.pop(done, None))

    async def opened(self) -> bool:
        """Start it; False where it died meanwhile."""
        opening, dying = self.spawn(self._open()), asyncio.ensure_future(self.died.wait())
        await asyncio.wait({opening, dying}, return_when=asyncio.FIRST_COMPLETED)
        dying.cancel()
        if not self.dead:
            opening.result()
        return not self.dead

    async def _open(self) -> None:
        config, world = self._config, self.world
        spool = self.spool = await Spool.open(config.spool.url, config.source.parent, clock=wall)
        parts = self.parts = await mailfax.wiring.build(config, spool)
        mishaps = world.mishaps
        await see_to_a_restored_spool(parts.context, told=mishaps.to_declare)
        mishaps.to_declare = False
        service = Service(spool, ROLES)
        if mishaps.leaps:
            service._parts = parts
            self.spawn(service._mend_moments())
        stub: Any = SimpleNamespace(retired=parts.retired, disk=parts.disk)
        for name, worker in parts.workers:
            self.spawn(service._work(name, worker, stub, None))
        world.note("started", self.name)

    def context(self) -> Context:
        """What stands for ``Context.of``."""
        config, chance = self._config, self.world.chance

        def marks() -> Marks:
            letter_id = draw_queue_id(wall(), chance.choice)
            return Marks(letter_id, f"<{letter_id}.{chance.getrandbits(32):x}@fax.example.com>", wall())

        site = Site(config.hostname, config.postmaster, config.fax_domains[0], ZoneInfo(config.timezone))
        settle = max(account.settle_seconds for account in config.accounts)
        steady = SteadyClock(wall, elapsed, settle_seconds=settle)
        return Context(self.spool, site, config.limits, marks, steady, elapsed, chance.random, "one-boot")

    def living(self) -> None:
        """The dead do nothing."""
        if self.dead:
            raise asyncio.CancelledError

    async def gate(self) -> None:
        """Whatever touches the world outside passes here."""
        self.living()
        while self.thaws_at > elapsed():
            await asyncio.sleep(self.thaws_at - elapsed())
            self.living()

    def freeze(self, seconds: float) -> None:
        self.thaws_at = elapsed() + seconds
        self.world.note("frozen", self.name, f"{seconds:.0f}")

    def die(self, why: str) -> None:
        if not self.dead:
            self.dead = True
            self.world.note("died", self.name, why)
            self.died.set()

    async def buried(self) -> None:
        while self._tasks:
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.sleep(0)
        if self.engine is not None:
            await self.engine.close()


def task_factory(loop: asyncio.AbstractEventLoop, work: Any, context: contextvars.Context | None = None) -> Any:
    """Every task belongs to the process whose code made it."""
    task: asyncio.Task[Any] = asyncio.Task(work, loop=loop, context=context)
    owner = (context or contextvars.copy_context()).get(RUNNING)
    if owner is not None:
        owner.adopt(task)
    return task


def connect_here(account: Account, monotonic: Any = None) -> FaxCore:
    """The real client, over a wire without sockets."""
    process = RUNNING.get()
    assert process is not None
    client = connect(account, elapsed)
    client._http._transport = Wire(process, process.world)
    client._http._mounts = {}
    return client


def collect_here(*parts: Any, **more: Any) -> Collect:
    process = RUNNING.get()
    assert process is not None
    return Collect(*parts, choose=process.world.chance.choice, **more)


def relay_here(*_: Any, **__: Any) -> SimulatedRelay:
    process = RUNNING.get()
    assert process is not None
    return SimulatedRelay(process, process.world)


class ContextHere:
    """Stands for ``Context`` where the parts are built."""

    @staticmethod
    def of(config: Config, spool: Spool) -> Context:
        process = RUNNING.get()
        assert process is not None
        return process.context()


def signs_here() -> Callable[[str], str]:
    process = RUNNING.get()
    assert process is not None
    return process.world.chance.choice


#: Module and name -> what stands there.
STAND_INS: dict[str, Any] = {
    "mailfax.wiring.Context": ContextHere,
    "mailfax.wiring.Renderer": StandInRenderer,
    "mailfax.wiring.relay_for": relay_here,
    "mailfax.wiring.Targets": relay_here,
    "mailfax.wiring.connect": connect_here,
    "mailfax.wiring.Collect": collect_here,
    "mailfax.spool.spool.SqliteEngine": SteppedEngine,
    "mailfax.offramp.accept.Signs": signs_here,
    "mailfax.service.IDLE_SECONDS": 300.0,
    "mailfax.service.MEND_SECONDS": 120.0,
}
