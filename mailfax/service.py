"""The service: builds every room from the configuration, starts the carriers, and stops them in order.

The only module that knows everybody. ``run`` serves until it is cancelled or told to stop; ``run_until_signalled`` is
what ``mailfax serve`` does. Stopping is graceful: no new session, no new work; sessions in DATA have
``DRAIN_SECONDS``, POSTs under way as long as their lease. Asked a second time, it stops at once: what
is cut off then is found in the spool at the next start.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from mailfax import __version__
from mailfax.config import Account, Config, ConfigError
from mailfax.context import Context
from mailfax.faxcore.client import FaxCore
from mailfax.offramp.accept import Accept
from mailfax.offramp.deadlines import Deadlines
from mailfax.offramp.desk import Desk
from mailfax.offramp.ending import Ending
from mailfax.offramp.prepare import MARGIN, Prepare, PrepareSlow
from mailfax.offramp.preview import Preview
from mailfax.offramp.reconcile import Reconcile
from mailfax.offramp.sending import Compose
from mailfax.offramp.submit import LEASE_FACTOR, Submit
from mailfax.offramp.track import Track
from mailfax.onramp.collect import Collect
from mailfax.passwords import Passwords
from mailfax.postmaster.delays import Delays
from mailfax.postmaster.deliver import Deliver
from mailfax.postmaster.disk import DiskAlarm
from mailfax.proof import Prover
from mailfax.relay import relay_for
from mailfax.render import Renderer
from mailfax.rules.job import Status
from mailfax.rules.paper import paper_for
from mailfax.rules.policy import Policy
from mailfax.smtpd import Door, Listeners, open_listeners
from mailfax.spool import Spool
from mailfax.working_folder import working_folder

log = logging.getLogger("mailfax")

#: How long sessions in DATA and carriers may take to end after a stop was asked for, in seconds; a POST has longer.
DRAIN_SECONDS = 8.0
#: A carrier that found nothing looks again after this long, or as soon as something is committed.
IDLE_SECONDS = 2.0
#: A carrier whose round failed unexpectedly waits this long, so that a bug does not spin.
FAILED_SECONDS = 5.0
#: How many carriers of a kind work beside each other: a slow POST must not stop the next fax.
SUBMITTERS, DELIVERERS = 4, 2
#: Documents are made by as many as there are processors, and by one in each lane at least.
SLOW_PREPARERS = max(1, (os.cpu_count() or 1) // 2)
QUICK_PREPARERS = max(1, (os.cpu_count() or 1) - SLOW_PREPARERS)
#: What a client waits, at the most, for a mail to be examined that may be one that can't be faxed.
EXAMINE_SECONDS = 1.0
#: How often content files without a row are looked for, in seconds.
SWEEP_SECONDS = 3600.0
#: How often moments that a wrong clock wrote are looked for, in seconds.
MEND_SECONDS = 20.0


@dataclass(frozen=True)
class CommitHooks:
    """Called in the spool's writer thread with the names of commits, before and after they are durable."""

    before: Callable[[Sequence[str]], None] | None = None
    after: Callable[[Sequence[str]], None] | None = None


class Carrier(Protocol):
    """Moves work between rooms: one piece or one pass a round."""

    async def round(self) -> bool:
        """Do some work; whether there was any."""


class Service:
    """A running bridge: ``start`` builds it, ``run`` works until ``stop`` was called."""

    def __init__(self, config: Config, spool: Spool) -> None:
        self.config, self.spool = config, spool
        self.listeners: Listeners | None = None
        self._carriers: list[tuple[str, Carrier]] = []
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()
        self._exits = AsyncExitStack()
        self._disk: DiskAlarm

    @classmethod
    async def start(cls, config: Config, hooks: CommitHooks | None = None) -> Service:
        """Build every room and open the listeners. ``hooks`` are the spool's: tests watch commits with them."""
        hooks = hooks or CommitHooks()
        spool = await Spool.open(
            config.spool_url, config.source.parent, before_commit=hooks.before, after_commit=hooks.after
        )
        service = cls(config, spool)
        try:
            await service._build()
        except BaseException:
            await service._close()
            raise
        return service

    async def _build(self) -> None:
        config, spool = self.config, self.spool
        context = Context.of(config, spool)

        renderer = Renderer(paper=paper_for(config.default_country), limits=config.limits, config=config.render)
        await renderer.start()
        self._exits.push_async_callback(renderer.close)
        desk = Desk(context, config.accounts, connect=connect)
        self._exits.push_async_callback(desk.close)

        ending = Ending(context, desk)
        compose = Compose(spool, desk, renderer)
        submit = Submit(context, desk, ending, compose)
        relay = relay_for(config.relay, config.hostname)
        deliver = Deliver(context, relay)
        self._disk = DiskAlarm(context, relay)
        devices = [listener.name for listener in config.listeners if listener.device]
        prepare = Prepare(context, desk, ending, renderer, devices=devices, disk_failed=self._disk.failed)
        self._carriers = [
            *[("prepare", prepare)] * QUICK_PREPARERS,
            *[("prepare", PrepareSlow(prepare))] * SLOW_PREPARERS,
            *[("submit", submit)] * SUBMITTERS,
            *[("deliver", deliver)] * DELIVERERS,
            ("preview", Preview(context, desk, ending, compose)),
            ("desk", desk),
            ("disk", self._disk),
            ("deadlines", Deadlines(context, desk, ending)),
            ("delays", Delays(context, is_sandbox=desk.is_sandbox)),
        ]
        for account in config.accounts:
            name, client = account.name, desk.client(account.name)
            collect = Collect(context, client, account, renderer, trouble=desk.trouble)
            # Each account on its own: one that answers slowly keeps no other waiting.
            self._carriers += [
                (f"collect {name}", collect),
                (f"track {name}", Track(context, desk, ending, name)),
                (f"reconcile {name}", Reconcile(context, desk, ending, name)),
            ]
        accept = Accept(context, examine=functools.partial(examine, renderer))
        passwords, prover = Passwords.of(config), Prover(config)
        self._exits.callback(passwords.close)
        self._exits.callback(prover.close)
        door = Door(
            begin=spool.content.begin,
            room=spool.content.room,
            accept=accept,
            policy=Policy.of(config),
            now=spool.now,
            authenticate=passwords.authenticate,
            prove=prover.prove,
        )
        self.listeners = await open_listeners(config.listeners, door, hostname=config.hostname, limits=config.limits)

    def stop(self) -> None:
        """Begin nothing new; ``run`` returns when what is under way has ended. Said again: at once."""
        if self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()

    async def run(self) -> None:
        """Carry until ``stop``; then drain and close."""
        assert self.listeners is not None
        tasks = [asyncio.create_task(self._carry(name, carrier), name=name) for name, carrier in self._carriers]
        tasks.append(asyncio.create_task(self._sweep(), name="sweep"))
        tasks.append(asyncio.create_task(self._mend_moments(), name="moments"))
        try:
            await self._stopping.wait()
            log.info("stopping; what is under way is finished first")
            await self._drain(self.listeners, tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close()

    async def _drain(self, listeners: Listeners, tasks: list[asyncio.Task[None]]) -> None:
        """Wait for what is under way. A POST that is cut off leaves its fax in doubt: those have their full time."""
        posting = [task for task in tasks if task.get_name() == "submit"]
        longest = LEASE_FACTOR * max(account.timeout_seconds for account in self.config.accounts)
        drained = asyncio.gather(
            listeners.drain(DRAIN_SECONDS),
            asyncio.wait(tasks, timeout=DRAIN_SECONDS),
            asyncio.wait(posting, timeout=max(DRAIN_SECONDS, longest)),
        )
        await _first(drained, self._hurried.wait())

    async def _carry(self, name: str, carrier: Carrier) -> None:
        """Round after round; an idle carrier waits for a commit or a moment, a failed one a little longer."""
        bell = self.spool.bell()
        while not self._stopping.is_set():
            try:
                busy = await carrier.round()
            except Exception as trouble:
                self._disk.failed(trouble)
                # Whatever it held stays leased in the spool and is taken up again: nothing is lost by going on.
                log.exception("%s failed; it goes on in %.0f seconds", name, FAILED_SECONDS)
                await self._pause(FAILED_SECONDS)
                continue
            if not busy:
                await self._until_stopping(bell.wait(IDLE_SECONDS))

    async def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.spool.sweep()
            except Exception:
                log.exception("sweeping failed")
            await self._pause(SWEEP_SECONDS)

    async def _mend_moments(self) -> None:
        timeouts = max(account.timeout_seconds for account in self.config.accounts)
        longest = max(LEASE_FACTOR * timeouts, self.config.limits.render_seconds + MARGIN)
        while not self._stopping.is_set():
            try:
                if mended := await self.spool.mend_moments(longest):
                    log.warning(
                        "the clock was wrong: %d things that waited for a moment far ahead are due now", mended
                    )
            except Exception:
                log.exception("looking for moments far ahead failed")
            await self._pause(MEND_SECONDS)

    async def _pause(self, seconds: float) -> None:
        await self._until_stopping(asyncio.sleep(seconds))

    async def _until_stopping(self, waiting: Awaitable[object]) -> None:
        """Wait for ``waiting``, but no longer than until a stop is asked for."""
        await _first(waiting, self._stopping.wait())

    async def _close(self) -> None:
        if self.listeners is not None:
            await self.listeners.drain(0.0)
        await self._exits.aclose()
        await self.spool.close()


async def _first(*waiting: Awaitable[object]) -> None:
    """Wait until one of them has ended; the others are cancelled."""
    futures = [asyncio.ensure_future(each) for each in waiting]
    try:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()
        await asyncio.gather(*futures, return_exceptions=True)


async def examine(renderer: Renderer, mail: BinaryIO) -> Status | None:
    """Why a mail can't be faxed, if a cell says so within a second: its client waits for the answer."""
    with tempfile.TemporaryFile() as copy:
        mail.seek(0)
        await asyncio.to_thread(shutil.copyfileobj, mail, copy)
        copy.seek(0)
        return await renderer.examine(copy, seconds=EXAMINE_SECONDS)


def connect(account: Account, monotonic: Callable[[], float] = time.monotonic) -> FaxCore:
    """The client of an account."""
    try:
        return FaxCore(
            base_url=account.base_url,
            username=account.username,
            password=account.password,
            ca_file=account.ca_file,
            read_timeout=account.timeout_seconds,
            server_timezone=account.server_timezone,
            content_type=account.content_type,
            monotonic=monotonic,
        )
    except ValueError as wrong:
        raise ConfigError(f"[[account]] {account.name}: {wrong}") from wrong


class _Discreet(logging.Formatter):
    """Tells where an exception came from and its kind, not its text: that may hold a subject, a number, a name."""

    def formatException(self, ei: Any) -> str:
        kind, _, trace = ei
        return "".join([*traceback.format_tb(trace), kind.__name__ if kind else "no exception"])


def configure_logging(*, verbose: bool) -> None:
    """One line per event on stderr. Other people's libraries speak from WARNING on: httpx and aiosmtpd write whole
    URLs, addresses and commands at INFO, and those carry numbers and subjects."""
    handler = logging.StreamHandler(sys.stderr)
    # journald adds the time itself (sd_notify's JOURNAL_STREAM tells that it reads us).
    stamp = "" if os.environ.get("JOURNAL_STREAM") else "%(asctime)s "
    formatter = logging.Formatter if verbose else _Discreet
    handler.setFormatter(formatter(f"{stamp}%(levelname)s %(message)s"))
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    logging.getLogger("mailfax").setLevel(logging.DEBUG if verbose else logging.INFO)


def run_until_signalled(config: Config, *, verbose: bool = False, hooks: CommitHooks | None = None) -> int:
    """What ``mailfax serve`` does: serve until SIGTERM or SIGINT; the exit status. ``hooks`` as for ``start``."""
    configure_logging(verbose=verbose)
    with working_folder(), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(config, hooks))


async def _serve(config: Config, hooks: CommitHooks | None) -> int:
    service = await Service.start(config, hooks)
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, service.stop)
    assert service.listeners is not None
    for name, (host, port) in service.listeners.addresses.items():
        log.info("listening: %s on %s port %d", name, host, port)
    log.info("mailfax %s is ready", __version__)
    await service.run()
    log.info("mailfax has stopped")
    return 0


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists (it is measured to be faster at the door), else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
