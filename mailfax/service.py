"""The service: opens the spool and the listeners, starts the workers, reloads, and stops all of it in order.

What there is to run is built by ``wiring``. ``run`` serves until it is cancelled or told to stop;
``run_until_signalled`` is what ``mailfax serve`` does. SIGHUP reads the configuration again: workers end their round
and new ones go on, sessions go on by the new rules from their next mail on. Stopping is graceful: no new session, no
new work; sessions in DATA have ``DRAIN_SECONDS``, POSTs under way as long as their lease. Asked a second time, it
stops at once: what is cut off then is found in the spool at the next start.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import signal
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailfax import __version__
from mailfax.config import Config, ConfigError, load
from mailfax.context import Worker
from mailfax.log_lines import configure_logging
from mailfax.offramp.left_out import set_aside
from mailfax.offramp.prepare import MARGIN
from mailfax.offramp.recovered import see_to_a_restored_spool
from mailfax.offramp.submit import LEASE_FACTOR
from mailfax.pages import Pages, open_pages
from mailfax.smtpd import Listeners, open_listeners
from mailfax.spool import Spool, open_spool
from mailfax.systemd import Systemd
from mailfax.web import Web, open_web
from mailfax.wiring import ROLES, Parts, build, watched
from mailfax.working_folder import working_folder

log = logging.getLogger("mailfax")

#: How long sessions in DATA and workers may take to end after a stop was asked for, in seconds; a POST has longer.
DRAIN_SECONDS = 8.0
#: So long an idle worker waits for its news or its next moment; the latter where the news of others are heard.
IDLE_SECONDS, LISTENING_SECONDS = 2.0, 5.0
#: It never looks more often than this, whatever the moment that it named.
SHORTEST_SECONDS = 0.02
#: A worker whose round failed unexpectedly waits this long, so that a bug does not spin.
FAILED_SECONDS = 5.0
#: So long, in seconds, what a session has asked of the configuration before (a password, DNS) may still take.
SESSION_SECONDS = 60.0
#: How often content files without a row are looked for, in seconds.
SWEEP_SECONDS = 3600.0
#: How often the files of certificates are looked at, in seconds: whoever renews them need not tell us.
CERTIFICATE_SECONDS = 60.0
#: How often moments that a wrong clock wrote are looked for, in seconds.
MEND_SECONDS = 20.0


@dataclass(frozen=True)
class CommitHooks:
    """Called in the spool's writer thread with the names of commits, before and after they are durable."""

    before: Callable[[Sequence[str]], None] | None = None
    after: Callable[[Sequence[str]], None] | None = None


class Service:
    """A running bridge: ``start`` builds it, ``run`` works until ``stop`` was called."""

    def __init__(self, spool: Spool, roles: Collection[str]) -> None:
        self.spool = spool
        self._roles = roles
        self.listeners: Listeners | None = None
        self.web: Web | None = None
        self.pages: Pages | None = None
        self._parts: Parts
        self._all: list[Parts] = []  #: those that are not closed
        self._certificates: dict[Path, int] = {}  #: what ``_written`` said of those in use
        self._changing = asyncio.Lock()
        self._stopping = asyncio.Event()
        self._hurried = asyncio.Event()

    @property
    def config(self) -> Config:
        """The one in force."""
        return self._parts.config

    @classmethod
    async def start(
        cls, config: Config, hooks: CommitHooks | None = None, roles: Collection[str] = ROLES, recovered: bool = False
    ) -> Service:
        """Build every room and open the listeners. ``hooks`` are the spool's: tests watch commits with them.
        ``roles``: what of the work this process does, of ``wiring.ROLES``. ``recovered``: the spool is an older copy.
        """
        hooks = hooks or CommitHooks()
        spool = await open_spool(config, serves=True, before_commit=hooks.before, after_commit=hooks.after)
        service = cls(spool, roles)
        try:
            service._parts = parts = await build(config, spool, roles=roles)
            await see_to_a_restored_spool(parts.context, told=recovered)
            service._all.append(parts)
            service._certificates = await asyncio.to_thread(_written, config)
            service.listeners = await open_listeners(
                parts.listeners, parts.handler, hostname=config.hostname, limits=config.limits
            )
            if config.web is not None:
                service.web = open_web(config.web, lambda: watched(service._parts))
            if config.pages is not None:
                service.pages = open_pages(config.pages, lambda: service._parts.bridge)
            await set_aside(parts.context, parts.fax_accounts, parts.handler.policy)
        except BaseException:
            await service._close()
            raise
        return service

    async def reload(self) -> bool:
        """Read the configuration again and go on with it, without ending a session; False: the old one stays."""
        problem = ""
        try:
            config = await asyncio.to_thread(load, self.config.source, os.environ)
            for key in ("spool", "web", "pages"):
                if getattr(config, key) != getattr(self.config, key):
                    raise ConfigError(f"[{key}] was changed, which needs a restart of mailfax")
            await self._go_on_with(config)
            log.info("the configuration was reloaded: %s", config.source)
        except (ConfigError, OSError) as wrong:
            problem = str(wrong).replace("\n", "; ")
            log.error("the configuration was not reloaded, and the old one stays in force: %s", problem)
        await self.spool.processes.reloaded(problem)
        return not problem

    async def renew_certificates(self) -> bool:
        """Read the files of certificates again, and nothing else; False: the old ones stay in use."""
        try:
            await self._go_on_with()
        except (ConfigError, OSError) as wrong:
            log.error("the certificates were changed, and the old ones stay in use: %s", wrong)
            return False
        log.info("the certificates were changed; the new ones are in use")
        return True

    async def _go_on_with(self, config: Config | None = None) -> None:
        """One after the other; without a configuration, the one in force. ``ConfigError``: all is as it was."""
        assert self.listeners is not None
        async with self._changing:
            config, before = config or self.config, self._parts
            parts = await build(config, self.spool, before, self._roles)
            self._all.append(parts)
            try:
                if self.pages is not None:
                    self.pages.renew_certificate()
                await self.listeners.renew(
                    parts.listeners, parts.handler, hostname=config.hostname, limits=config.limits
                )
            except BaseException:
                await self._close_rooms(parts)
                raise
            self._parts = parts
            before.retired.set()
            try:
                await set_aside(parts.context, parts.fax_accounts, parts.handler.policy)
            except Exception as trouble:
                parts.disk.failed(trouble)
                log.exception("what was taken out of the configuration was not looked for")
            self._carry_all(parts, before.tasks)
            parts.tasks.append(asyncio.create_task(self._close_later(before), name="reload"))

    async def _close_later(self, before: Parts) -> None:
        """When its workers have ended, and what sessions have begun with it has, too."""
        await asyncio.wait([task for task in before.tasks if task is not asyncio.current_task()])
        await self._pause(SESSION_SECONDS)
        await self._close_rooms(before)

    def stop(self) -> None:
        """Begin nothing new; ``run`` returns when what is under way has ended. Said again: at once."""
        if self._stopping.is_set():
            self._hurried.set()
        self._stopping.set()
        self._parts.retired.set()

    async def run(self) -> None:
        """Carry until ``stop``; then drain and close."""
        assert self.listeners is not None
        others = [
            asyncio.create_task(self._sweep(), name="sweep"),
            asyncio.create_task(self._mend_moments(), name="moments"),
            asyncio.create_task(self._watch_certificates(), name="certificates"),
        ]
        self._carry_all(self._parts, ())
        try:
            await self._stopping.wait()
            log.info("stopping; what is under way is finished first")
            await self._drain(self.listeners, [*others, *self._tasks()])
        finally:
            for task in (tasks := [*others, *self._tasks()]):
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._close()

    def _tasks(self) -> list[asyncio.Task[None]]:
        return [task for parts in self._all for task in parts.tasks]

    async def _drain(self, listeners: Listeners, tasks: list[asyncio.Task[None]]) -> None:
        """Wait for what is under way. A POST that is cut off leaves its fax in doubt: those have their full time."""
        posting = [task for task in tasks if task.get_name() == "submit"]
        timeouts = [account.timeout_seconds for parts in self._all for account in parts.config.accounts]
        drained = asyncio.gather(
            listeners.drain(DRAIN_SECONDS),
            asyncio.wait(tasks, timeout=DRAIN_SECONDS),
            asyncio.wait(posting, timeout=max(DRAIN_SECONDS, LEASE_FACTOR * max(timeouts))),
        )
        await _first(drained, self._hurried.wait())

    def _carry_all(self, parts: Parts, before: Sequence[asyncio.Task[None]]) -> None:
        """Start its workers; each begins when one of its name ``before`` has ended."""
        earlier = list(before)
        for name, worker in parts.workers:
            after = next((task for task in earlier if task.get_name() == name), None)
            if after is not None:
                earlier.remove(after)
            parts.tasks.append(asyncio.create_task(self._work(name, worker, parts, after), name=name))

    async def _work(self, name: str, worker: Worker, parts: Parts, after: asyncio.Task[None] | None) -> None:
        """Round after round; an idle worker waits for its news or its next moment, a failed one a little longer."""
        if after is not None:
            await asyncio.wait([after])
        bell = self.spool.bell(worker.news)
        while not parts.retired.is_set():
            try:
                busy = await worker.round()
            except Exception as trouble:
                parts.disk.failed(trouble)
                # Whatever it held stays leased in the spool and is taken up again: nothing is lost by going on.
                log.exception("%s failed; it goes on in %.0f seconds", name, FAILED_SECONDS)
                await _first(asyncio.sleep(FAILED_SECONDS), parts.retired.wait())
                continue
            if not busy:
                longest = LISTENING_SECONDS if self.spool.hears_others else IDLE_SECONDS
                wait = min(longest, worker.next_at - self.spool.now())
                await _first(bell.wait(max(wait, SHORTEST_SECONDS)), parts.retired.wait())

    async def _sweep(self) -> None:
        while not self._stopping.is_set():
            try:
                await self.spool.sweep(self.config.retention)
            except Exception:
                log.exception("sweeping failed")
            await self._pause(SWEEP_SECONDS)

    async def _mend_moments(self) -> None:
        while not self._stopping.is_set():
            timeouts = max(account.timeout_seconds for account in self.config.accounts)
            longest = max(LEASE_FACTOR * timeouts, self.config.limits.render_seconds + MARGIN)
            try:
                if mended := await self.spool.mend_moments(longest):
                    log.warning(
                        "the clock was wrong: %d things that waited for a moment far ahead are due now", mended
                    )
            except Exception:
                log.exception("looking for moments far ahead failed")
            await self._pause(MEND_SECONDS)

    async def _watch_certificates(self) -> None:
        while not self._stopping.is_set():
            await self._pause(CERTIFICATE_SECONDS)
            try:
                found = await asyncio.to_thread(_written, self.config)
                if found != self._certificates and not self._stopping.is_set() and await self.renew_certificates():
                    self._certificates = found
            except Exception:
                log.exception("looking at the certificates failed")

    async def _pause(self, seconds: float) -> None:
        """Wait, but no longer than until a stop is asked for."""
        await _first(asyncio.sleep(seconds), self._stopping.wait())

    async def _close(self) -> None:
        if self.listeners is not None:
            await self.listeners.drain(0.0)
        if self.pages is not None:
            await self.pages.close()
        if self.web is not None:
            await self.web.close()
        for parts in tuple(self._all):
            await self._close_rooms(parts)
        await self.spool.close()

    async def _close_rooms(self, parts: Parts) -> None:
        """The renderer goes with the last that uses it."""
        self._all.remove(parts)
        await parts.exits.aclose()
        if all(other.renderer is not parts.renderer for other in self._all):
            await parts.renderer.close()


def _written(config: Config) -> dict[Path, int]:
    """When each file of a certificate or key was written, in nanoseconds; without those that are not there."""
    files = {file for each in config.listeners for file in (each.certificate, each.key) if file}
    if config.pages is not None:
        files |= {file for file in (config.pages.certificate, config.pages.key) if file}
    return {file: file.stat().st_mtime_ns for file in files if file.is_file()}


async def _first(*waiting: Awaitable[object]) -> None:
    """Wait until one of them has ended; the others are cancelled."""
    futures = [asyncio.ensure_future(each) for each in waiting]
    try:
        await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for future in futures:
            future.cancel()
        await asyncio.gather(*futures, return_exceptions=True)


def run_until_signalled(
    config: Config,
    *,
    verbose: bool = False,
    log_form: str = "text",
    hooks: CommitHooks | None = None,
    roles: Collection[str] = ROLES,
    recovered: bool = False,
) -> int:
    """What ``mailfax serve`` does: serve until SIGTERM or SIGINT; the exit status. The others as for ``start``."""
    configure_logging(verbose=verbose, form=log_form)
    with working_folder(), asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(_serve(config, hooks, roles, recovered))


async def _serve(config: Config, hooks: CommitHooks | None, roles: Collection[str], recovered: bool) -> int:
    loop = asyncio.get_running_loop()
    systemd, asked = Systemd(os.environ), asyncio.Event()
    started: list[Service] = []
    too_early = asyncio.Event()

    def stop() -> None:
        systemd.stopping()
        too_early.set()
        for service in started:
            service.stop()

    loop.add_signal_handler(signal.SIGHUP, asked.set)
    for signum in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(signum, stop)
    service = await Service.start(config, hooks, roles, recovered)
    started.append(service)
    if too_early.is_set():
        service.stop()
    _tell_addresses(service)
    log.info("mailfax %s is ready", __version__)
    systemd.ready()
    gc.freeze()  # what was built stays: looking through it again and again took 1.3 % of a mail's time
    beside = [loop.create_task(_reload_when(asked, service, systemd)), loop.create_task(systemd.go_on_saying_so())]
    await service.run()
    for task in beside:
        task.cancel()
    log.info("mailfax has stopped")
    return 0


async def _reload_when(asked: asyncio.Event, service: Service, systemd: Systemd) -> None:
    """SIGHUP, one after the other."""
    while True:
        await asked.wait()
        asked.clear()
        systemd.reloading()
        try:
            if await service.reload():
                _tell_addresses(service)
        except Exception:
            log.exception("the configuration was not reloaded, and the old one stays in force")
        systemd.ready()


def _tell_addresses(service: Service) -> None:
    assert service.listeners is not None
    for name, (host, port) in service.listeners.addresses.items():
        log.info("listening: %s on %s port %d", name, host, port)
    if service.web is not None:
        log.info("listening: for monitors on %s port %d", *service.web.address)
    if service.pages is not None:
        log.info("listening: pages on %s port %d", *service.pages.address)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop where it exists (it is measured to be faster in SMTP), else asyncio's own."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
