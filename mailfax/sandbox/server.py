"""The sandbox as a server: listens on loopback, serves ``/api/`` and ``/_sandbox/``, and stops when told.

``serve`` is for a process that has an event loop of its own (it sets no signal handlers and no logging);
``run`` is the whole process of ``mailfax sandbox``.

LIMITS  Plain HTTP, HTTP/1.1, loopback addresses only (gap A42).
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from mailfax.sandbox import wire
from mailfax.sandbox.api import Api
from mailfax.sandbox.control import GREATEST_SPEED, SMALLEST_SPEED, Control, is_loopback
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.journal import Journal
from mailfax.sandbox.replies import error_page
from mailfax.sandbox.store import StateInUse

DEFAULT_ACCOUNTS = (("5557152222", "mypassword"), ("5557153333", "mypassword"))
STOP_SECONDS = 1

log = logging.getLogger(__name__)


class Unserviceable(Exception):
    """The sandbox can't start with these options; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SandboxOptions:
    """``address`` is host:port, port 0 takes a free one; ``accounts`` are user names with passwords, none means the
    two default ones; ``speed`` is by how much durations are shortened."""

    address: str
    state: Path
    accounts: tuple[tuple[str, str], ...] = DEFAULT_ACCOUNTS
    speed: float = 60.0


async def serve(options: SandboxOptions, *, started: Callable[[str], None] | None = None) -> None:
    """Serve until cancelled. ``started`` is called with the base URL once connections are taken.

    Raises Unserviceable for options that can't work, StateInUse when another sandbox has the folder.
    """
    accounts = _checked(options)
    listening = _listen(options.address)
    with contextlib.closing(listening):
        exchange = Exchange(options.state, accounts, options.speed)
        await exchange.open()
        try:
            host, port = listening.getsockname()[:2]
            base_url = f"http://{f'[{host}]' if ':' in host else host}:{port}/api/"
            server = _Server(_application(exchange), (lambda: started(base_url)) if started else (lambda: None))
            await _until_cancelled(server, listening)
        finally:
            await exchange.close()


def run(options: SandboxOptions) -> int:
    """The process of ``mailfax sandbox``: serve until SIGINT or SIGTERM. Returns the exit status."""

    def say(base_url: str) -> None:
        print(f"FaxCore sandbox: {base_url}")
        for username, password in options.accounts or DEFAULT_ACCOUNTS:
            print(f"  account {username} with password {password}")
        print(f"  see what it holds at {base_url.removesuffix('api/')}_sandbox/", flush=True)

    async def serve_until_signalled() -> None:
        serving = asyncio.create_task(serve(options, started=say))
        for number in (signal.SIGINT, signal.SIGTERM):
            asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
        with contextlib.suppress(asyncio.CancelledError):
            await serving

    try:
        asyncio.run(serve_until_signalled())
    except (Unserviceable, StateInUse) as problem:
        print(f"mailfax sandbox: {problem}", file=sys.stderr)
        return 1
    return 0


class _Server(uvicorn.Server):
    """uvicorn without its signal handlers, saying when it listens."""

    def __init__(self, application: ASGIApp, listening: Callable[[], None]) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                http=wire.DroppableProtocol,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                date_header=False,  # the Date header follows the sandbox's own clock
                server_header=False,
                proxy_headers=False,  # the peer must be the peer: the control space depends on it
                timeout_graceful_shutdown=STOP_SECONDS,
            )
        )
        self._listening = listening
        self._stopping = asyncio.Event()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening()

    async def main_loop(self) -> None:
        """Wait; uvicorn would wake ten times a second for a Date header that is not used here."""
        await self._stopping.wait()

    def stop(self) -> None:
        self.should_exit = True
        self._stopping.set()


async def _until_cancelled(server: _Server, listening: socket.socket) -> None:
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        await asyncio.shield(serving)
    finally:
        server.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


def _application(exchange: Exchange) -> ASGIApp:
    journal = Journal()
    api = Api(exchange, journal)
    control = Starlette(routes=Control(exchange, journal).routes(), exception_handlers={404: _lost, 405: _lost})

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        in_control = (scope["path"] + "/").startswith("/_sandbox/")
        try:
            await (control if in_control else api)(scope, receive, send)
        except asyncio.CancelledError:
            # Stopping: a reply that was not given in time is lost, never a 500 that the service did not mean.
            with contextlib.suppress(wire.Dropped):
                raise await wire.drop(Request(scope, receive)) from None
        except Exception:
            # What went wrong is for the log alone; the one who asked gets the page of any ASP.NET application.
            log.exception("a request could not be answered")
            await wire.send_reply(error_page(500), Request(scope, receive), send)

    return wire.with_common_headers(application, exchange.now)


async def _lost(request: Request, problem: Exception) -> Response:
    status = getattr(problem, "status_code", 404)
    reply = error_page(status)
    return Response(reply.body, status, headers={"Content-Type": reply.content_type})


def _checked(options: SandboxOptions) -> dict[str, str]:
    """The accounts as a table of passwords."""
    accounts = options.accounts or DEFAULT_ACCOUNTS
    for username, password in accounts:
        if not username or ":" in username or not password:
            raise Unserviceable("An account is USER:PASSWORD; the user may not be empty or hold a colon.")
    if len(dict(accounts)) != len(accounts):
        raise Unserviceable("Two accounts have the same user name; give each a name of its own.")
    if not SMALLEST_SPEED <= options.speed <= GREATEST_SPEED:
        raise Unserviceable(f"The speed must be from {SMALLEST_SPEED:g} to {GREATEST_SPEED:.0f}.")
    return dict(accounts)


def _listen(address: str) -> socket.socket:
    host, colon, port = address.rpartition(":")
    host = host.strip("[]")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise Unserviceable(f"The address '{address}' must be host:port, such as 127.0.0.1:8087.")
    if not is_loopback(host):
        raise Unserviceable(f"The address '{address}' is not this machine alone; use 127.0.0.1:{port}.")
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listening = socket.create_server((host, int(port)), family=family)
    except OSError as problem:
        reason = (
            "is in use already" if problem.errno == errno.EADDRINUSE else f"can't be listened on ({problem.strerror})"
        )
        raise Unserviceable(f"The address '{address}' {reason}; name another one.") from problem
    # Inherited by every connection. asyncio sets it only on sockets made with proto=IPPROTO_TCP; without it a reply,
    # written as head and body, waits for the client's delayed ACK (44 ms a call when measured).
    listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listening
