"""Many mails over few connections; one that has gone stale costs no mail, and none is kept longer than it should."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from mailfax.config import RelayConfig
from mailfax.relay import Smarthost
from mailfax.relay.sessions import Sessions
from mailfax.rules.failure import NotSent, Refused

pytestmark = pytest.mark.anyio
MAIL = b"From: a@fax.local\r\nSubject: x\r\n\r\ntext\r\n"


@dataclass
class Server:
    """A mail server that counts. ``each`` mails over one connection, then it hangs up; ``says`` instead of 250."""

    port: int = 0
    each: int = 10**9
    offers: str = "8BITMIME"
    says: dict[str, str] = field(default_factory=dict)
    room: int = 10**9
    turned_away: int = 0
    mails: int = 0
    opened: int = 0
    open: int = 0
    heard: list[str] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.opened, self.open, taken = self.opened + 1, self.open + 1, 0
        if self.open > self.room:
            self.turned_away, self.open = self.turned_away + 1, self.open - 1
            writer.write(b"421 4.7.0 too many connections\r\n")
            writer.close()
            return
        writer.write(b"220 server\r\n")
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            while line := (await reader.readline()).decode().strip():
                self.heard.append(line)
                verb = line.split()[0]
                reply = self.says.get(verb, "250 ok")
                if verb == "EHLO":
                    reply = f"250-server\r\n250 {self.offers}"
                if verb == "DATA" and verb not in self.says:
                    writer.write(b"354 go\r\n")
                    await reader.readuntil(b"\r\n.\r\n")
                    self.mails, taken = self.mails + 1, taken + 1
                writer.write(f"{reply}\r\n".encode())
                await writer.drain()
                if verb == "QUIT" or taken == self.each:
                    break
        writer.close()
        self.open -= 1


@contextlib.asynccontextmanager
async def at(server: Server, *, idle: float = 1.0, requiretls: bool = False) -> AsyncIterator[Smarthost]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    config = RelayConfig(host="127.0.0.1", port=listening.sockets[0].getsockname()[1], requiretls=requiretls)
    relay = Smarthost(config, "fax.example.com", command_seconds=5.0, content_seconds=5.0, idle_seconds=idle)
    try:
        yield relay
    finally:
        await relay.close()
        listening.close()


async def gone(server: Server) -> None:
    for _ in range(100):
        if not server.open:
            return
        await asyncio.sleep(0.02)
    raise AssertionError("a connection is still open")


async def test_mails_one_after_the_other_need_one_connection_and_those_at_once_one_each() -> None:
    server = Server()
    async with at(server) as relay:
        for _ in range(30):
            await relay.hand_over("", ["bob@example.com"], MAIL)
        assert (server.mails, server.opened) == (30, 1)
        await asyncio.gather(*(relay.hand_over("", ["bob@example.com"], MAIL) for _ in range(3)))
        for _ in range(20):
            await asyncio.gather(*(relay.hand_over("", ["bob@example.com"], MAIL) for _ in range(3)))
        assert (server.mails, server.opened) == (93, 3)
        await relay.close()
        await gone(server)
    assert server.heard.count("QUIT") == 3


@pytest.mark.parametrize("wait", [0.0, 0.1])
async def test_a_server_that_hangs_up_between_two_mails_costs_none(wait: float) -> None:
    server = Server(each=2)
    async with at(server) as relay:
        for _ in range(7):
            await relay.hand_over("", ["bob@example.com"], MAIL)
            await asyncio.sleep(wait)
    assert (server.mails, server.opened) == (7, 4)


async def test_a_server_that_has_had_enough_of_a_session_gets_the_mail_in_another() -> None:
    server = Server(says={"RSET": "421 4.7.0 too many mails"})
    async with at(server) as relay:
        for _ in range(3):
            await relay.hand_over("", ["bob@example.com"], MAIL)
    assert (server.mails, server.opened) == (3, 3)


@pytest.mark.parametrize(("verb", "reply"), [("RCPT", "550 5.1.1 no such user"), ("DATA", "554 5.6.0 spam")])
async def test_after_a_refusal_nothing_of_it_is_left(verb: str, reply: str) -> None:
    server = Server()
    async with at(server) as relay:
        await relay.hand_over("", ["bob@example.com"], MAIL)
        server.says[verb] = reply
        with pytest.raises(Refused):
            await relay.hand_over("", ["bob@example.com"], MAIL)
        await gone(server)
        del server.says[verb]
        await relay.hand_over("", ["bob@example.com"], MAIL)
    assert (server.mails, server.opened) == (2, 2)


async def test_a_connection_without_work_is_hung_up_soon() -> None:
    server = Server()
    async with at(server, idle=0.1) as relay:
        await relay.hand_over("", ["bob@example.com"], MAIL)
        assert server.open == 1
        await gone(server)
    assert server.heard[-1] == "QUIT"


async def test_a_relay_that_went_away_is_known_as_one_that_can_not_be_reached() -> None:
    server = Server(each=1)
    async with at(server) as relay:
        await relay.hand_over("", ["bob@example.com"], MAIL)
    with pytest.raises(NotSent) as raised:
        await relay.hand_over("", ["bob@example.com"], MAIL)
    assert raised.value.everybody


async def test_a_server_that_lets_few_in_gets_all_mail_over_those() -> None:
    server = Server(room=3)
    async with at(server) as relay:
        await asyncio.gather(*(relay.hand_over("", ["bob@example.com"], MAIL) for _ in range(40)))
        assert server.mails == 40 and server.open == 3
        away = server.turned_away
        await asyncio.gather(*(relay.hand_over("", ["bob@example.com"], MAIL) for _ in range(40)))
        assert (server.mails, server.turned_away) == (80, away), "it is not asked for more soon again"


async def test_a_server_that_lets_nobody_in_is_the_relays_trouble() -> None:
    server = Server(room=0)
    async with at(server) as relay:
        found = await asyncio.gather(
            *(relay.hand_over("", ["bob@example.com"], MAIL) for _ in range(5)), return_exceptions=True
        )
    assert all(isinstance(each, NotSent) and each.everybody for each in found)


async def test_requiretls_is_asked_for_and_mail_waits_where_it_is_not_promised() -> None:
    server = Server(offers="REQUIRETLS")
    async with at(server, requiretls=True) as relay:
        await relay.hand_over("", ["bob@example.com"], MAIL)
        [mail] = [line for line in server.heard if line.startswith("MAIL")]
        assert mail.endswith(" REQUIRETLS")
        server.offers = "8BITMIME"
        await relay.close()
        with pytest.raises(NotSent, match="REQUIRETLS") as raised:
            await relay.hand_over("", ["bob@example.com"], MAIL)
    assert raised.value.everybody and server.mails == 1


async def test_whoever_is_cancelled_while_a_connection_is_asked_leaves_none_in_use() -> None:
    class Silent:
        """Says nothing to RSET."""

        is_connected, closed = True, False

        async def rset(self) -> None:
            await asyncio.Event().wait()

        def close(self) -> None:
            self.closed = True

    session = Silent()

    async def opened() -> Any:
        return session

    sessions = Sessions(opened, idle_seconds=60.0)
    async with sessions.one():
        pass
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05), sessions.one():
            raise AssertionError("it never answered")
    assert session.closed and sessions._used == 0
