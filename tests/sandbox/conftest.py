"""A sandbox on a free port for each test, and a client that knows the reference and nothing of mailfax."""

from __future__ import annotations

import asyncio
import contextlib
import re
import ssl
import threading
from collections.abc import AsyncIterator, Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import httpx
import pytest

from mailfax.sandbox.server import SandboxOptions, serve

ME, OTHER = "5557152222", "5557153333"
PASSWORD = "mypassword"
NO_TLS = ssl.create_default_context()  # made once: httpx would load all certificates for each client
ORDINARY = "15552010001"
ONE_LINE = {"recpfax": ORDINARY, "filename": "a.txt", "subject": "Invoice 12"}


def magic(code: str) -> str:
    return f"120255501{code}"


class Caller:
    """One account's view of a sandbox."""

    def __init__(self, base_url: str, username: str = ME, password: str = PASSWORD) -> None:
        self.base_url = base_url
        self.http = httpx.AsyncClient(
            base_url=base_url, auth=(username, password), trust_env=False, timeout=20, verify=NO_TLS
        )
        self.control_http = httpx.AsyncClient(
            base_url=base_url.removesuffix("api/") + "_sandbox/", trust_env=False, verify=NO_TLS
        )

    async def get(self, operation: str, headers: Mapping[str, str] | None = None, **given: str) -> httpx.Response:
        return await self.http.get(operation, params=given, headers=headers)

    async def send(self, body: bytes = b"Hello", **given: str) -> httpx.Response:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return await self.http.post("SendFax", params={**ONE_LINE, **given}, content=body, headers=headers)

    async def sent(self, body: bytes = b"Hello", **given: str) -> str:
        """The id of a fax that was accepted."""
        found = re.search("<Results>([0-9a-f-]+)</Results>", (await self.send(body, **given)).text)
        assert found
        return found[1]

    async def listed(self, folder: str, **given: str) -> list[str]:
        return re.findall("<FaxId>(.*?)</FaxId>", (await self.get("GetFaxList", folder=folder, **given)).text)

    async def details(self, id: str) -> dict[str, str]:
        """Element names and texts; empty elements are empty texts."""
        text = (await self.get("GetFaxDetails", faxid=id)).text
        found = re.findall(r"^      <(\w+)(?: />|>(.*)</\w+>)\r$", text, re.MULTILINE)
        return dict(found)

    async def status(self, id: str) -> str:
        found = re.search("<Results>(.*)</Results>", (await self.get("FaxStatus", faxid=id)).text)
        return found[1] if found else ""

    async def control(self, method: str, path: str, **json: Any) -> Any:
        response = await self.control_http.request(method, path, json=None if method == "GET" else json)
        assert response.is_success, response.text
        return response.json()

    async def quirk(self, **values: Any) -> None:
        await self.control("POST", "quirks", **values)

    async def advance(self, seconds: float) -> None:
        await self.control("POST", "clock", advance_seconds=seconds)

    async def faxes(self) -> list[dict[str, Any]]:
        """All faxes, oldest first, also those that the service does not show yet."""
        found: list[dict[str, Any]] = await self.control("GET", "faxes")
        return found[::-1]

    async def last_request(self) -> dict[str, Any]:
        found: dict[str, Any] = (await self.control("GET", "requests"))[-1]
        return found

    async def aclose(self) -> None:
        await self.http.aclose()
        await self.control_http.aclose()


@contextlib.asynccontextmanager
async def running(state: Path, *, speed: float = 1.0) -> AsyncIterator[str]:
    """A sandbox in this process; its base URL. At speed 1 a fax moves only when the clock is advanced."""
    base_url: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    options = SandboxOptions("127.0.0.1:0", state, speed=speed)
    serving = asyncio.create_task(serve(options, started=base_url.set_result))
    await asyncio.wait({serving, base_url}, return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        await serving
    try:
        yield await base_url
    finally:
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving


@pytest.fixture(scope="session")
def shared_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One sandbox for many tests, in a thread of its own; ``box`` resets it before each."""
    base_url: Future[str] = Future()
    stopping = threading.Event()

    async def until_stopped() -> None:
        async with running(tmp_path_factory.mktemp("sandbox") / "state") as url:
            base_url.set_result(url)
            await asyncio.to_thread(stopping.wait)

    thread = threading.Thread(target=asyncio.run, args=(until_stopped(),))
    thread.start()
    yield base_url.result(timeout=20)
    stopping.set()
    thread.join()


@pytest.fixture
async def box(shared_url: str) -> AsyncIterator[Caller]:
    caller = Caller(shared_url)
    await caller.control("POST", "reset")
    yield caller
    await caller.aclose()


@pytest.fixture
async def other(box: Caller) -> AsyncIterator[Caller]:
    caller = Caller(box.base_url, OTHER)
    yield caller
    await caller.aclose()
