"""Other processes open the same spool while a service runs: what was promised stays durable."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from collections.abc import Sequence
from pathlib import Path

import pytest

from mailfax.spool import NotCommitted, SpoolRefused
from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.engine import Result
from mailfax.spool.spool import FIRST_TRIES, _first

ROOT = Path(__file__).resolve().parents[2]

VISITOR = """
    import asyncio, sys
    from pathlib import Path
    from mailfax.spool import Spool

    async def visit():
        spool = await Spool.open("sqlite:///spool.db", Path(sys.argv[1]))
        print(sum((await spool.counts()).inbound.values()), flush=True)
        await spool.close()

    asyncio.run(visit())
"""

RESIDENT = """
    import asyncio, os, signal, sys
    from pathlib import Path
    from mailfax.rules.job import InboundFax
    from mailfax.rules.states import InboundState
    from mailfax.spool import Spool

    async def live():
        spool = await Spool.open("sqlite:///spool.db", Path(sys.argv[1]))
        for number in range(3):
            fax = InboundFax("main", str(number), InboundState.LISTED, 1.0, 1.0, queue_id=f"K00000000{number}")
            await spool.inbound.listed("main", [fax])
            print(number, flush=True)
            sys.stdin.readline()
        os.kill(os.getpid(), signal.SIGKILL)

    asyncio.run(live())
"""


def run(code: str, folder: Path) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code), str(folder)]


@pytest.fixture
def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def test_a_command_beside_a_running_service_takes_nothing_away(tmp_path: Path, environment: dict[str, str]) -> None:
    """``mailfax queue`` opens and closes the spool. Were the service's locks gone, SQLite would take the visitor for
    the last user and remove the log that the service goes on writing to: what is committed then dies with it."""
    resident = subprocess.Popen(
        run(RESIDENT, tmp_path), env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert resident.stdin is not None and resident.stdout is not None
    seen = []
    for _ in range(3):
        resident.stdout.readline()
        log = (tmp_path / "spool.db-wal").stat().st_ino
        seen.append(int(subprocess.check_output(run(VISITOR, tmp_path), env=environment, text=True)))
        assert (tmp_path / "spool.db-wal").stat().st_ino == log
        resident.stdin.write("\n")
        resident.stdin.flush()
    assert resident.wait(30) == -9
    assert seen == [1, 2, 3], "each visitor sees what was committed before it came"
    assert int(subprocess.check_output(run(VISITOR, tmp_path), env=environment, text=True)) == 3
    resident.stdin.close()
    resident.stdout.close()


class Locked:
    """An engine that another process holds up for the first ``times``."""

    def __init__(self, times: int) -> None:
        self.times = times

    async def commit(self, commit: Commit) -> Sequence[Result]:
        if self.times:
            self.times -= 1
            raise NotCommitted("locked by another process")
        return ()


@pytest.mark.anyio
async def test_a_process_that_is_held_up_as_it_starts_waits() -> None:
    """Another one may stand still in the middle of a commit."""
    commit = Commit("process-started", (Statement("process_end", {}, Hits.ONE),))
    assert await _first(Locked(FIRST_TRIES - 1), commit) == ()  # type: ignore[arg-type]
    with pytest.raises(SpoolRefused, match="locked by another process"):
        await _first(Locked(FIRST_TRIES), commit)  # type: ignore[arg-type]
