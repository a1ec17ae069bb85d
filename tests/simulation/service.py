"""What is outside: the fax service (the sandbox's own core) behind a wire without sockets, and a relay.

Both do, by chance, whatever such services do: refuse, say nothing, say it late, do it and not say so.
"""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx

from mailfax.rules.failure import InDoubt, NotSent, Refused
from mailfax.sandbox.api import Api
from mailfax.sandbox.exchange import Exchange
from mailfax.sandbox.faults import Action
from mailfax.sandbox.journal import Journal
from mailfax.sandbox.life import Folder
from mailfax.sandbox.store import Draft, Fax
from mailfax.sandbox.wire import with_common_headers
from tests.simulation.clockwork import elapsed
from tests.simulation.judge import Taken, header

if TYPE_CHECKING:
    from tests.simulation.process import Process
    from tests.simulation.world import World

#: Every document says which mail it is of.
MARK = re.compile(rb"mail-\d+")
SENDING = {
    Action.DROP_BEFORE: 3, Action.DROP_AFTER: 4, Action.CUT_AFTER: 2, Action.ERROR_BEFORE: 2, Action.ERROR_AFTER: 2,
    Action.GARBLED_AFTER: 2, Action.HIDDEN_AFTER: 4, Action.UNAVAILABLE: 3, Action.THROTTLED: 2,
    Action.UNAUTHORIZED: 1,
}  # fmt: skip
READING = {
    Action.DROP_AFTER: 3, Action.CUT_AFTER: 2, Action.ERROR_BEFORE: 2, Action.GARBLED_AFTER: 2, Action.UNAVAILABLE: 3,
    Action.THROTTLED: 1,
}  # fmt: skip


class SimulatedExchange(Exchange):
    """The sandbox's, with faults by the seed, and without looking into documents."""

    world: World

    async def strike(self, operation: str) -> Action | None:
        chance = self.world.chance
        if not self.world.stormy or chance.random() >= self.world.weather.faults:
            return None
        among = SENDING if operation == "SendFax" else READING
        return chance.choices(list(among), list(among.values()))[0]

    async def counted(self, fax: Fax) -> Fax:
        return replace(fax, pages=0 if fax.code == "11" else 1 + bool(fax.cover)) if fax.pages is None else fax

    async def drawing(self, fax: Fax, kind: str) -> Path | None:
        return self.store.documents / fax.document

    async def accept(self, draft: Draft, document: Path, *, times: int = 1) -> list[str]:
        mark = MARK.search(document.read_bytes())
        await self.settle()
        ids = await super().accept(draft, document, times=times)
        if draft.direction == "Outbound":
            key = (mark[0].decode() if mark else "nobody's", draft.recipient)
            before = [self.store.fax(fax_id) for fax_id in self.world.faxed[key]]
            if any(fax and fax.folder not in (Folder.FAILED, Folder.CANCELLED) for fax in before):
                self.world.twice[key].append("a second fax was taken while the first was under way, or there")
            self.world.faxed[key] += ids
            self.world.note("accepted", *key, *ids)
        return ids


class _Connection:
    """One HTTP exchange. Stands for uvicorn's transport under the application."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.answered = asyncio.Event()
        self.status, self.headers, self.body = 0, [], b""
        self.broken = False  #: no more bytes will come
        self._gone = False

    def write(self, first: bytes) -> None:
        head, _, self.body = first.partition(b"\r\n\r\n")
        lines = head.split(b"\r\n")
        self.status = int(lines[0].split()[1])
        self.headers = [tuple(line.split(b": ", 1)) for line in lines[1:]]

    def close(self) -> None:
        self.broken = True
        self.answered.set()
        self.hang_up()

    abort = close

    def hang_up(self) -> None:
        self._gone = True
        self.incoming.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        if self._gone and self.incoming.empty():
            return {"type": "http.disconnect"}
        return await self.incoming.get()

    async def send(self, message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.status, self.headers = message["status"], list(message["headers"])
            return
        self.body += message.get("body", b"")
        if not message.get("more_body"):
            self.answered.set()

    async def pieces(self) -> AsyncIterator[bytes]:
        if self.body:
            yield self.body
        if self.broken:
            raise httpx.RemoteProtocolError("peer closed connection without sending complete message body")


class Wire(httpx.AsyncBaseTransport):
    """HTTP from one process to the service, without sockets."""

    def __init__(self, process: Process, world: World) -> None:
        self._process, self._world = process, world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        world, process, chance = self._world, self._process, self._world.chance
        await process.gate()
        call = request.url.path.rsplit("/", 1)[-1]
        timeout = float(request.extensions["timeout"]["read"])
        await asyncio.sleep(chance.uniform(0.01, 0.2))
        if world.outage():
            world.note("no connection", call)
            raise httpx.ConnectError("connection refused", request=request)
        connection = _Connection()
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": request.method,
            "scheme": "http", "path": request.url.path, "raw_path": request.url.path.encode(), "root_path": "",
            "query_string": request.url.query, "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 80),
            "headers": [(name.lower(), value) for name, value in request.headers.raw],
            "state": {"transport": connection},
        }  # fmt: skip
        serving = world.spawn(self._serve(scope, connection))
        try:
            if world.stormy and chance.random() < world.weather.faults / 4:  # a slow way up: the lease may not do
                await asyncio.sleep(chance.uniform(0.0, 600.0))
                await process.gate()
            assert isinstance(request.stream, httpx.AsyncByteStream)
            async for piece in request.stream:
                process.living()
                connection.incoming.put_nowait({"type": "http.request", "body": piece, "more_body": True})
                if connection.broken:
                    raise httpx.WriteError("broken pipe", request=request)
            connection.incoming.put_nowait({"type": "http.request", "body": b"", "more_body": False})
            world.note("asked", call, request.url.params.get("recpfax") or request.url.params.get("faxid", ""))
            try:
                async with asyncio.timeout(timeout):
                    await connection.answered.wait()
                    if world.stormy and chance.random() < world.weather.faults / 2:
                        await asyncio.sleep(chance.uniform(0.0, timeout * 1.5))
            except TimeoutError:
                raise httpx.ReadTimeout("timed out", request=request) from None
            await process.gate()
            if connection.broken and not connection.status:
                raise httpx.RemoteProtocolError("server disconnected without sending a response", request=request)
            world.note("answered", call, str(connection.status))
            return httpx.Response(connection.status, headers=connection.headers, content=connection.pieces())
        finally:
            # Whoever dies or gives up hangs up; what was handed over whole is done all the same.
            if not serving.done():
                connection.hang_up()

    async def _serve(self, scope: dict[str, Any], connection: _Connection) -> None:
        chance = self._world.chance
        await asyncio.sleep(chance.uniform(0.01, 0.3))
        application: Any = self._world.application
        await application(scope, connection.receive, connection.send)


class SimulatedRelay:
    """Takes mail, refuses it for a while, is away, or takes it and is not heard."""

    #: Fewer than a notification may have before it is given up.
    MOST_REFUSALS = 2

    def __init__(self, process: Process, world: World) -> None:
        self._process, self._world = process, world

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        world, chance = self._world, self._world.chance
        await self._process.gate()
        message_id = header(content, "Message-ID")
        await asyncio.sleep(chance.uniform(0.01, 0.5))
        if world.relay_away():
            raise NotSent("It can't be reached", diagnostic="away", everybody=True)
        fate = chance.random() / world.weather.relay if world.stormy and world.weather.relay else 9.0
        if fate < 0.2 and world.refusals[message_id] < self.MOST_REFUSALS:
            world.refusals[message_id] += 1
            world.note("refused", message_id, header(content, "X-Fax-Queue-ID"))
            raise Refused("It is refused", diagnostic="smtp; 550 no")
        if fate < 0.4:
            raise NotSent("Not now", diagnostic="smtp; 451 later")
        if 0.4 <= fate < 0.6:
            raise InDoubt("Silence", diagnostic="no answer")
        for recipient in recipients:
            taken = Taken.of(content, recipient, elapsed())
            world.mailbox.append(taken)
            world.note("mail", taken.outcome, taken.about, recipient, message_id)
        await asyncio.sleep(chance.uniform(0.01, 0.5) if fate > 1.2 else chance.uniform(1.0, 200.0))
        await self._process.gate()
        if 0.6 <= fate < 1.0:
            raise InDoubt("The 250 is lost", diagnostic="no answer")

    async def close(self) -> None:
        """Nothing is open between two mails."""

    async def probe(self) -> None:
        await self._process.gate()


@dataclass(frozen=True, slots=True)
class Weather:
    """How bad a seed is. ``faults`` and ``relay``: part of the calls that go wrong; ``deaths``: of the commits."""

    faults: float
    relay: float
    deaths: float
    processes: int
    freezes: int

    @classmethod
    def of(cls, chance: random.Random) -> Weather:
        faults, relay = chance.choice((0.0, 0.03, 0.1, 0.25)), chance.choice((0.0, 0.1, 0.3))
        deaths = chance.choice((0.0, 0.001, 0.004, 0.01))
        return cls(faults, relay, deaths, chance.choice((1, 1, 2)), chance.choice((0, 0, 3, 8)))


def application_of(exchange: SimulatedExchange) -> Any:
    """The sandbox's own application, below ``/api/``."""
    return with_common_headers(Api(exchange, Journal()), exchange.now)
