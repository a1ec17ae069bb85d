"""Killed at any moment of taking mails over: what is sent again afterwards is faxed once, and told once."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import mailfax
from mailfax.spool import Spool
from mailfax.spool.usage import SITE

pytestmark = pytest.mark.anyio
SOURCES = str(Path(mailfax.__file__).parent.parent)


def serve(folder: Path, moment: str, commit: str) -> list[str]:
    """What the process said; it must have been killed, but for "never"."""
    done = subprocess.run(
        [sys.executable, Path(__file__).with_name("dying_accept.py"), folder, moment, commit],
        env={**os.environ, "PYTHONPATH": SOURCES},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == (0 if commit == "never" else -signal.SIGKILL), done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("moment", ["before", "after"])
@pytest.mark.parametrize(
    ("commit", "said", "faxes"),
    # What was said before the death, and how many faxes there are in all once everything was sent again.
    [("accept", 0, 2), ("same-as", 1, 2), ("heard", 3, 2), ("ceiling-reached", 3, 2)],
)
async def test_killed(commit: str, said: int, faxes: int, moment: str, tmp_path: Path) -> None:
    answers = await asyncio.to_thread(serve, tmp_path, moment, commit)
    assert len(answers) == said
    again = await asyncio.to_thread(serve, tmp_path, "before", "never")
    assert again[0] == again[1], "the same mail, not heard"
    if answers:
        assert again[0] == answers[0]
    assert again[3].startswith("451 4.7.1")
    spool = await Spool.open("sqlite:///spool.db", tmp_path)
    try:
        assert (await spool.counts()).jobs == {"accepted": faxes}
        assert await spool.usage.of(SITE) == (faxes, 0)
        assert (await spool.counts()).letters == {"waiting": 1}, "one alarm"
        files = list(spool.content.large.folder.glob("*/*"))
        for path in files:
            os.utime(path, (0, 0))
        assert len(files) - await spool.sweep() == faxes, "a refused or known mail leaves nothing that counts"
    finally:
        await spool.close()
