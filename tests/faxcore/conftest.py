"""Little servers that answer as they are told, well or badly, each on a port of its own."""

from __future__ import annotations

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from typing import Any

import pytest

from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.values import CoverFields, FaxUpload

USERNAME, PASSWORD = "5557152222", "mypassword"

Answer = Callable[["Heard", asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Heard:
    """One request as it stood on the wire."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Server:
    """``heard`` holds the requests, ``connections`` counts the calls that were opened."""

    port: int = 0
    scheme: str = "http"
    connections: int = 0
    heard: list[Heard] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}/api/"


def reply(body: bytes | str = b"", status: str = "200 OK", **headers: str) -> bytes:
    """A whole HTTP answer."""
    octets = body.encode() if isinstance(body, str) else body
    fields = {"Content-Type": "text/xml; charset=utf-8", "Content-Length": str(len(octets))}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + octets


def says(octets: bytes) -> Answer:
    """Reads the whole request, and answers these octets."""

    async def answer(heard: Heard, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heard.body = await reader.readexactly(int(heard.headers.get("content-length", "0")))
        writer.write(octets)
        await writer.drain()

    return answer


def results(call: str, text: str) -> str:
    """An answer exactly as the vendor reference prints it."""
    return (
        '<?xml version="1.0" encoding="utf-8"?>\r\n<ApiResponse>\r\n'
        f"  <{call}>\r\n    <Results>{text}</Results>\r\n  </{call}>\r\n</ApiResponse>\r\n"
    )


async def _read_head(reader: asyncio.StreamReader) -> Heard:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    first, *lines = head.rstrip().split("\r\n")
    method, target, _ = first.split(" ", 2)
    return Heard(method, target, {n.lower(): v.strip() for n, _, v in (line.partition(":") for line in lines)})


@pytest.fixture
async def serve() -> AsyncIterator[Callable[..., Awaitable[Server]]]:
    """``await serve(answer)`` starts a server that gives this answer to every request."""
    async with AsyncExitStack() as stack:

        async def start(answer: Answer, *, tls: ssl.SSLContext | None = None) -> Server:
            told = Server(scheme="https" if tls else "http")

            async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
                told.connections += 1
                try:
                    heard = await _read_head(reader)
                    told.heard.append(heard)
                    await answer(heard, reader, writer)
                except (OSError, asyncio.IncompleteReadError):
                    pass  # the client broke off, which is what some tests are about
                finally:
                    writer.close()

            server = await asyncio.start_server(meet, "127.0.0.1", 0, ssl=tls)
            stack.push_async_callback(server.wait_closed)
            stack.callback(server.close)
            told.port = server.sockets[0].getsockname()[1]
            return told

        yield start


@pytest.fixture
async def client() -> AsyncIterator[Callable[..., FaxCore]]:
    """``client(server)`` is a FaxCore for it."""
    async with AsyncExitStack() as stack:

        def build(server: Server | str, **settings: Any) -> FaxCore:
            url = server if isinstance(server, str) else server.url
            settings = {"read_timeout": 5.0, "username": USERNAME, "password": PASSWORD} | settings
            core = FaxCore(base_url=url, **settings)
            stack.push_async_callback(core.aclose)
            return core

        yield build


@pytest.fixture
def login() -> str:
    """The Authorization header of the test account."""
    return "Basic " + base64.b64encode(f"{USERNAME}:{PASSWORD}".encode()).decode()


@pytest.fixture
def wire() -> Any:
    """The words for making answers, since test modules can't import from one another."""

    class Wire:
        pass

    words = Wire()
    words.__dict__.update(reply=reply, says=says, results=results)
    return words


DOCUMENT = b"%PDF-1.4\n" + bytes(range(256)) * 8


@pytest.fixture
def send() -> Callable[..., Awaitable[str]]:
    """``await send(core)`` hands over a small document, or the ``document`` given."""

    async def hand_over(
        core: FaxCore,
        *,
        document: bytes = DOCUMENT,
        cover: CoverFields | None = None,
        number: str = "15551234567",
        may_finish: Callable[[], bool] = lambda: True,
        length: int | None = None,
    ) -> str:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(document), 50_000):
                yield document[start : start + 50_000]

        upload = FaxUpload(number, cover or CoverFields(), "fax.pdf", len(document) if length is None else length)
        return await core.send_fax(upload, chunks(), may_finish=may_finish)

    return hand_over
