"""Whatever dies at whatever moment: what was answered is there; what was not is there whole, or not at all."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import mailfax
from mailfax.rules.failure import NotSent
from mailfax.rules.states import JobState
from mailfax.spool import NotCommitted, Spool

if TYPE_CHECKING:
    from tests.spool.conftest import Database

pytestmark = pytest.mark.anyio
SOURCES = str(Path(mailfax.__file__).parent.parent)


def die(url: str, folder: Path, moment: str, commit: str) -> None:
    script = Path(__file__).with_name("dying.py")
    done = subprocess.run(
        [sys.executable, script, url, folder, moment, commit],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        timeout=60,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


MOMENTS = [
    ("sealed", "accept", None),
    ("before", "accept", None),
    ("after", "accept", JobState.ACCEPTED),
    ("before", "rendering", JobState.ACCEPTED),
    ("after", "rendering", JobState.ACCEPTED),
    ("before", "document-ready", JobState.ACCEPTED),
    ("after", "document-ready", JobState.READY),
    ("before", "claim", JobState.READY),
    ("after", "claim", JobState.SUBMITTING),
    ("before", "id-given", JobState.SUBMITTING),
    ("after", "id-given", JobState.SUBMITTED),
]
#: PostgreSQL undoes what has no COMMIT by itself: a few of them show that.
A_FEW = [("before", "accept"), ("after", "accept"), ("before", "document-ready"), ("after", "claim")]


@pytest.mark.parametrize(
    ("engine", "moment", "commit", "state"),
    [
        *(("sqlite", *one) for one in MOMENTS),
        *(pytest.param("postgresql", *one, marks=pytest.mark.needs("pg_ctl")) for one in MOMENTS if one[:2] in A_FEW),
    ],
    indirect=["engine"],
)
async def test_killed(
    moment: str, commit: str, state: JobState | None, spool_url: str, tmp_path: Path, database: Database
) -> None:
    await asyncio.to_thread(die, spool_url, tmp_path, moment, commit)
    spool = await Spool.open(spool_url, tmp_path)
    try:
        assert spool.epoch == 2
        job = await spool.jobs.get("B000000001-1")
        assert (job and job.state) == state
        message = await spool.intake.message("B000000001")
        if message:
            assert await spool.content.read(message.content_id) == b"x" * 100_000
        document = await spool.documents.get("B000000001")
        if document and commit == "rendering":
            assert document.attempts == (moment == "after")
        if state in (JobState.READY, JobState.SUBMITTING, JobState.SUBMITTED):
            assert document
            assert await spool.content.read(document.content_id) == b"p" * 100_000
        submitted = state is JobState.SUBMITTED
        assert (await spool.ledger.find("main", "4711") is not None) == submitted
        assert (await spool.counts()).letters == ({"waiting": 1} if submitted else {})
        rows = {None: 0, JobState.ACCEPTED: 1}.get(state, 2)
        assert await database.large() >= rows
        await database.age_large()
        await spool.sweep()
        assert await database.large() == rows
    finally:
        await spool.close()


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 2 MB, where we may mount one."""
    folder = tmp_path / "small"
    folder.mkdir()
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", folder], capture_output=True
        ).returncode
    )
    if not mounted:
        pytest.skip("needs the right to mount a tmpfs")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


async def test_a_full_disk_refuses_and_recovers_without_a_restart(small_disk: Path) -> None:
    from tests.spool.conftest import Clock, Mails

    spool = await Spool.open("sqlite:///spool.db", small_disk)
    mails = Mails(Clock())
    accepted = 0
    with pytest.raises(NotSent) as caught:
        for _ in range(100):
            await mails.accept(spool, body=b"x" * 60_000)
            accepted += 1
    assert caught.value.diagnostic == "x-mailfax; disk full"
    content = spool.content.begin()
    with pytest.raises(OSError, match="No space left"):
        for _ in range(100):
            content.write(b"x" * 60_000)
    with pytest.raises(NotCommitted):
        for _ in range(100):
            await spool.outbox.owe([mails.letter(content=b"x" * 60_000)])
    assert (await spool.counts()).jobs == {"accepted": accepted}
    await asyncio.to_thread(subprocess.run, ["mount", "-o", "remount,size=8m", small_disk], check=True)
    assert await mails.accept(spool, body=b"x" * 60_000)
    await spool.close()
