"""The server survives being killed, embeds, stops, and refuses what can't work."""

from __future__ import annotations

import asyncio
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

import mailfax.sandbox
from mailfax.sandbox.server import SandboxOptions, Unserviceable, serve
from mailfax.sandbox.store import StateInUse
from tests.sandbox.conftest import Caller, magic, running

pytestmark = pytest.mark.anyio

PROCESS = """
import sys
from pathlib import Path
from mailfax.sandbox.server import SandboxOptions, run
sys.exit(run(SandboxOptions("127.0.0.1:0", Path(sys.argv[1]), speed=1)))
"""


class Process:
    """A sandbox in a process of its own, as ``mailfax sandbox`` runs it."""

    def __init__(self, state: Path) -> None:
        root = Path(mailfax.sandbox.__file__).parents[2]
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROCESS, str(state)],
            env={"PYTHONPATH": str(root)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout
        self.base_url = self.process.stdout.readline().split()[-1]

    def end(self, number: int) -> tuple[int, str]:
        """The exit status and what it said on standard error."""
        self.process.send_signal(number)
        _, errors = self.process.communicate(timeout=20)
        return self.process.returncode, errors


async def test_a_fax_answered_with_an_id_is_there_after_kill_9(tmp_path: Path) -> None:
    """Invariant: every id that was heard is listed after any kill; no document is left without a fax."""
    heard: set[str] = set()
    for kill in range(3):
        sandbox = await asyncio.to_thread(Process, tmp_path)
        caller = Caller(sandbox.base_url)

        async def send_on(caller: Caller = caller, kill: int = kill) -> None:
            number = 0
            while True:
                number += 1
                heard.add(await caller.sent(b"x" * 50_000, subject=f"{kill}-{number}", recpfax=magic("06")))

        senders = [asyncio.create_task(send_on()) for _ in range(4)]
        enough = len(heard) + 20
        while len(heard) < enough:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(sandbox.end, signal.SIGKILL)
        await asyncio.gather(*senders, return_exceptions=True)
        await caller.aclose()
    async with running(tmp_path) as base_url:
        caller = Caller(base_url)
        assert heard <= set(await caller.listed("Outbox"))
        documents = {path.name for path in (tmp_path / "documents").iterdir()}
        assert len(documents) == len(await caller.faxes())
        await caller.aclose()


async def test_faxes_clock_quirks_and_rules_go_on_after_a_restart(tmp_path: Path) -> None:
    async with running(tmp_path) as base_url:
        caller = Caller(base_url)
        id = await caller.sent()
        await caller.advance(20)
        await caller.quirk(novel_words=True)
        await caller.control("POST", "faults", operation="DeleteFax", action="error_before", count=3)
        assert await caller.status(id) == "Underway"
        await caller.aclose()
    async with running(tmp_path, speed=2) as base_url:
        caller = Caller(base_url)
        assert await caller.status(id) == "Underway"
        await caller.advance(15)
        assert await caller.status(id) == "Concluded"
        clock = await caller.control("GET", "clock")
        assert (clock["ahead_seconds"], clock["speed"]) == (35, 2)
        assert (await caller.control("GET", "faults"))[0]["count"] == 3
        await caller.aclose()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops_it_quietly(tmp_path: Path, number: int) -> None:
    sandbox = await asyncio.to_thread(Process, tmp_path)
    assert await asyncio.to_thread(sandbox.end, number) == (0, "")


async def test_it_says_where_it_is_and_who_may_log_in(tmp_path: Path) -> None:
    sandbox = await asyncio.to_thread(Process, tmp_path)
    assert sandbox.process.stdout
    told = [sandbox.process.stdout.readline() for _ in range(3)]
    await asyncio.to_thread(sandbox.end, signal.SIGTERM)
    assert [line.strip() for line in told[:2]] == [
        "account 5557152222 with password mypassword",
        "account 5557153333 with password mypassword",
    ]
    assert told[2].strip().endswith("/_sandbox/")


async def test_cancelling_stops_it_while_a_reply_is_still_due(tmp_path: Path) -> None:
    async with running(tmp_path) as base_url:
        caller = Caller(base_url)
        waiting = asyncio.create_task(caller.send(recpfax=magic("24")))
        while not await caller.faxes():
            await asyncio.sleep(0.01)
    await asyncio.gather(waiting, return_exceptions=True)
    assert waiting.exception() is not None
    await caller.aclose()


async def test_a_second_sandbox_is_kept_out_of_the_folder(tmp_path: Path) -> None:
    async with running(tmp_path):
        with pytest.raises(StateInUse, match="stop the other sandbox"):
            async with running(tmp_path):
                pass


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("0.0.0.0:0", "not this machine alone"),
        (":0", "not this machine alone"),
        ("192.0.2.1:8087", "not this machine alone"),
        ("sandbox.example.com:8087", "not this machine alone"),
        ("127.0.0.1", "must be host:port"),
        ("127.0.0.1:http", "must be host:port"),
        ("127.0.0.1:70000", "must be host:port"),
    ],
)
async def test_an_address_that_others_could_reach_is_refused(tmp_path: Path, address: str, said: str) -> None:
    with pytest.raises(Unserviceable, match=said):
        await serve(SandboxOptions(address, tmp_path))


async def test_an_address_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(Unserviceable, match="in use already"):
        await serve(SandboxOptions(f"127.0.0.1:{taken.getsockname()[1]}", tmp_path))


@pytest.mark.parametrize(
    ("accounts", "speed", "said"),
    [
        ((("", "x"),), 60.0, "USER:PASSWORD"),
        ((("a:b", "x"),), 60.0, "USER:PASSWORD"),
        ((("a", ""),), 60.0, "USER:PASSWORD"),
        ((("a", "x"), ("a", "y")), 60.0, "same user name"),
        ((("a", "x"),), 0.0, "speed"),
        ((("a", "x"),), float("nan"), "speed"),
        ((("a", "x"),), float("inf"), "speed"),
    ],
)
async def test_options_that_can_not_work_are_refused(
    tmp_path: Path, accounts: tuple[tuple[str, str], ...], speed: float, said: str
) -> None:
    with pytest.raises(Unserviceable, match=said):
        await serve(SandboxOptions("127.0.0.1:0", tmp_path, accounts, speed))


async def test_it_imports_nothing_else_of_mailfax_and_nothing_heavy_before_it_draws() -> None:
    code = (
        "import sys, mailfax.sandbox.server;"
        "ours = [name for name in sys.modules if name.startswith('mailfax.')];"
        "print(*(name for name in ours if not name.startswith('mailfax.sandbox')));"
        "print(*({'PIL', 'pypdfium2', 'plutoprint', 'img2pdf', 'jinja2'} & set(sys.modules)))"
    )
    root = Path(mailfax.sandbox.__file__).parents[2]
    told = await asyncio.to_thread(
        subprocess.check_output, [sys.executable, "-c", code], text=True, env={"PYTHONPATH": str(root)}
    )
    assert told.split() == []
