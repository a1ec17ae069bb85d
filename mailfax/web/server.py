"""The listener for monitors: three addresses, plain HTTP, answers to GET from allowed networks and nothing else.

LIMITS: no TLS and no sign-in; off loopback ``networks`` says who may ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import logging
import socket
from collections.abc import Callable, Iterator
from typing import Any

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from mailfax.config import ConfigError, WebConfig
from mailfax.web.metrics import exposition
from mailfax.web.watched import Snapshot, Watched, look

log = logging.getLogger(__name__)

#: A monitor is told of a spool that does not answer rather than left waiting, in seconds.
LOOK_SECONDS = 5.0
#: What answers under way may take when the service stops, in seconds.
STOP_SECONDS = 1


class Web:
    """An open listener."""

    def __init__(self, server: Server, listening: socket.socket) -> None:
        self._server = server
        self.address: tuple[str, int] = listening.getsockname()[:2]
        self._serving = asyncio.create_task(server.serve(sockets=[listening]), name="web")

    async def close(self) -> None:
        self._server.should_exit = True
        await asyncio.wait([self._serving])


def open_web(config: WebConfig, watched: Callable[[], Watched]) -> Web:
    """Listen. Raises ``ConfigError`` where the address can't be had."""
    listening = listen(config.host, config.port, "[web]")
    return Web(Server(_allowed(_application(watched), config)), listening)


def listen(host: str, port: int, section: str) -> socket.socket:
    """A socket there. Raises ``ConfigError`` that names the section."""
    try:
        return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET)
    except OSError as error:
        raise ConfigError(f"{section} address: {host}:{port} can't be opened: {error.strerror or error}") from error


class Server(uvicorn.Server):
    """uvicorn in somebody else's event loop: signals are the service's. ``settings`` are more of its own."""

    def __init__(self, application: ASGIApp, **settings: Any) -> None:
        super().__init__(
            uvicorn.Config(
                application,
                ws="none",
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                timeout_graceful_shutdown=STOP_SECONDS,
                **settings,
            )
        )

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def _application(watched: Callable[[], Watched]) -> Starlette:
    async def seen() -> Snapshot:
        async with asyncio.timeout(LOOK_SECONDS):
            return await look(watched())

    async def healthz(request: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def readyz(request: Request) -> Response:
        try:
            troubles = (await seen()).troubles()
        except Exception as trouble:
            log.exception("the spool could not be looked at")
            troubles = [f"The spool can't be read: {type(trouble).__name__}."]
        return JSONResponse({"ready": not troubles, "troubles": troubles}, 503 if troubles else 200)

    async def metrics(request: Request) -> Response:
        try:
            return Response(exposition(await seen()), media_type=CONTENT_TYPE_LATEST)
        except Exception:
            log.exception("the spool could not be looked at")
            return PlainTextResponse("The spool can't be read; the log of mailfax says why.\n", 503)

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", metrics)],
    )


def _allowed(application: ASGIApp, config: WebConfig) -> ASGIApp:
    """Only who asks from one of ``networks`` is answered."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        client = ipaddress.ip_address(scope["client"][0])
        client = getattr(client, "ipv4_mapped", None) or client
        if any(client in network for network in config.networks):
            await application(scope, receive, send)
        else:
            await PlainTextResponse("Your address is not in networks of [web].\n", 403)(scope, receive, send)

    return answer
