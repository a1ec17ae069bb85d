"""The disk fails at each call that writes: nothing is promised that is not there, and it goes on by itself."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from mailfax.spool import Spool, files
from tests.support.faults import Disk, build
from tests.support.site import ROOT

pytestmark = pytest.mark.anyio

#: Which part of about 190 calls; 1 tries each of them, and takes a minute.
EVERY = int(os.environ.get("EVERY", "13"))


@pytest.mark.needs("gcc")
async def test_each_write_and_flush_of_intake_commit_and_content(tmp_path: Path) -> None:
    folder = tmp_path / "spool"
    folder.mkdir()
    disk = Disk(folder, tmp_path / "control")
    process = subprocess.run(
        [sys.executable, Path(__file__).with_name("failing.py"), folder, tmp_path / "control", str(EVERY)],
        env={**os.environ, "PYTHONPATH": str(ROOT), **disk.environment(build(tmp_path))},
        capture_output=True,
        timeout=100,
    )
    assert process.returncode == -signal.SIGKILL, process.stderr.decode()
    told = json.loads(process.stdout)
    assert not told["wrong"] and not told["repeated"], told
    assert told["calls"] > 100 and {"accept: CommitUnclear", "accept: NotSent"} <= told["ended"].keys(), told
    spool = await Spool.open("sqlite:///spool.db", folder)
    try:
        for queue_id in told["promised"]:
            message, document = await spool.intake.message(queue_id), await spool.documents.get(queue_id)
            assert message and document, queue_id
            assert await spool.content.read(message.content_id) == b"x" * 100_000
            assert await spool.content.read(document.content_id) == b"p" * 100_000
            assert [job.state for job in await spool.jobs.of(queue_id)] == ["submitted"]
        assert (await spool.counts()).jobs == {"submitted": len(told["promised"])}
        assert (await spool.counts()).letters == {"waiting": len(told["promised"])}
    finally:
        await spool.close()


def test_a_folder_whose_name_may_be_lost_is_not_counted_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first flush of the folder above fails: the next content makes its folder anew, and flushes its name."""
    path = files.file_path(tmp_path / "content", "ab" + 30 * "0")
    fails, flushed, really = [True], [], os.fsync

    def fsync(file: int) -> None:
        where = str(Path(f"/proc/self/fd/{file}").readlink())
        if where == str(tmp_path / "content") and fails and fails.pop():
            raise OSError(errno.EIO, "Input/output error")
        flushed.append(where)
        really(file)

    monkeypatch.setattr(files.os, "fsync", fsync)
    with pytest.raises(OSError, match="Input/output"):
        files.NamedFile(path, lambda block: None)
    assert not path.parent.exists()
    file = files.NamedFile(path, lambda block: None)
    file.append(b"x")
    file.finish()
    assert str(tmp_path / "content") in flushed
    assert path.read_bytes() == b"x"
