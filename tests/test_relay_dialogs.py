"""Every file in tests/dialogs/relay is one oddity of some mail server that we hand our mail to, word for word.

``S: `` is a line the server says (CRLF is added), ``S\\ `` says exactly the bytes of a Python bytes literal, ``C: ``
is what we must say ("…" stands for anything), ``C: <mail>`` our mail with its end mark.
The server can also do things: ``S: <closed>``, ``S: <reset>``, ``S: <tls>`` (handshake), ``S: <silence>``.

The head says how we are set up (``# tls: starttls``, ``# username: fax``, ``# sender: …``, ``# certificate: …``)
and what must come of it: ``# outcome: taken | not sent | refused | impossible | in doubt``,
with ``# diagnostic: …`` for the words we keep.
"""

from __future__ import annotations

import ast
import asyncio
import contextlib
import re
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import trustme

from mailfax.config import RelayConfig
from mailfax.relay import Smarthost
from mailfax.rules.failure import Failure, Impossible, InDoubt, NotSent, Refused

pytestmark = pytest.mark.anyio
DIALOGS = sorted((Path(__file__).parent / "dialogs" / "relay").glob("*.dialog"))
OUTCOMES: dict[str, type[Failure] | None] = {
    "taken": None,
    "not sent": NotSent,
    "refused": Refused,
    "impossible": Impossible,
    "in doubt": InDoubt,
}
#: Lines that begin with dots, and one that ends as no line may: it must not hide the end of the mail from anybody.
MAIL = b"From: postmaster@fax.local\r\nSubject: Fax failed\r\n\r\n.one\r\n..two\r\n.\n.\r\nthree\r\n"
STUFFED = MAIL.replace(b".\n", b".\r\n").replace(b"\r\n.", b"\r\n..") + b".\r\n"


@dataclass
class Script:
    """A server that plays one dialog; ``heard`` is what we said where the dialog wanted to hear something."""

    rows: list[str]
    tls: ssl.SSLContext
    heard: list[tuple[str, str]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            for row in self.rows:
                try:
                    if row.startswith("C: "):
                        self.heard.append((row[3:], await self._hear(reader, row[3:])))
                    else:
                        await self._act(reader, writer, row)
                except (ConnectionError, ssl.SSLError, asyncio.IncompleteReadError) as trouble:
                    if row.startswith("C: "):
                        self.heard.append((row, f"<{type(trouble).__name__}>"))
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()
            self.ended.set()

    async def _hear(self, reader: asyncio.StreamReader, wanted: str) -> str:
        """A line that we said, or "<mail>" where a whole mail was wanted and is the one we were given."""
        if wanted == "<mail>":
            return "<mail>" if await reader.readuntil(b"\r\n.\r\n") == STUFFED else "<another mail>"
        line = await reader.readline()
        return line.decode("utf-8").removesuffix("\r\n") if line else "<closed>"

    async def _act(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, row: str) -> None:
        match row:
            case "S: <closed>":
                writer.close()
            case "S: <reset>":
                writer.transport.abort()
            case "S: <tls>":
                await writer.start_tls(self.tls)
            case "S: <silence>":
                await reader.read()
            case _:
                said = ast.literal_eval(f'b"{row[3:]}"') if row[1] == "\\" else row[3:].encode() + b"\r\n"
                writer.write(said)
                await writer.drain()


@contextlib.asynccontextmanager
async def playing(script: Script, implicit: bool) -> AsyncIterator[int]:
    server = await asyncio.start_server(script.play, "127.0.0.1", 0, ssl=script.tls if implicit else None)
    async with server:
        yield server.sockets[0].getsockname()[1]
        await asyncio.wait_for(script.ended.wait(), 20)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_dialog(path: Path, authority: trustme.CA, tmp_path: Path) -> None:
    head, _, body = path.read_text("utf-8").partition("\n\n")
    settings = dict(re.findall(r"^# ([a-z ]+): (.+)$", head, re.MULTILINE))
    rows = [row for row in body.splitlines() if row and not row.startswith("#")]
    assert all(row.startswith(("C: ", "S: ", "S\\ ")) for row in rows), rows
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert(settings.get("certificate", "127.0.0.1")).configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    script = Script(rows, context)
    tls = settings.get("tls", "none")
    username = settings.get("username", "")
    async with playing(script, tls == "implicit") as port:
        config = RelayConfig(
            "127.0.0.1", port, tls=tls, username=username, password="secret" if username else "",
            ca_file=tmp_path / "ca.pem",
        )  # fmt: skip
        smarthost = Smarthost(config, "fax.example.com", command_seconds=1.0, content_seconds=1.0)
        failure = await hand_over(smarthost, settings)
    for wanted, said in script.heard:
        assert re.fullmatch(".*".join(map(re.escape, wanted.split("…"))), said), f"said {said}, expected {wanted}"
    expected = OUTCOMES[settings["outcome"]]
    assert type(failure) is (expected or type(None)), failure
    assert settings.get("diagnostic", "") in (failure.diagnostic if failure else "")
    assert "secret" not in f"{failure}{failure.diagnostic if failure else ''}"


async def hand_over(smarthost: Smarthost, settings: dict[str, str]) -> Failure | None:
    try:
        await smarthost.hand_over(settings.get("sender", ""), ["bob@example.com"], MAIL)
    except Failure as failure:
        return failure
    return None


def test_there_are_dialogs() -> None:
    assert len(DIALOGS) >= 24
    assert {*OUTCOMES} == {
        re.search(r"^# outcome: (.+)$", path.read_text("utf-8"), re.MULTILINE)[1] for path in DIALOGS
    }
