"""A process whose disk fails at each call of intake, commit and content in turn: ``failing.py FOLDER CONTROL EVERY``
(1: each call; 7: each seventh).

Each life is one mail: accepted, its document stored, claimed, submitted with a letter owed. In each life another call
fails, once or until somebody looks; then the disk is well, and the step must succeed without a restart. Prints what
was promised and what was wrong, as JSON, and dies by SIGKILL.
"""

from __future__ import annotations

import asyncio
import errno
import itertools
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from mailfax.rules.failure import NotSent
from mailfax.rules.job import FaxJob, Letter, Message
from mailfax.rules.states import JobEvent, JobState
from mailfax.spool import CommitUnclear, NotCommitted, Spool, connection
from tests.support.faults import Disk

FOLDER, CONTROL, EVERY = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
#: What a step may end with where the disk fails. A file that can't be written is the caller's to tell of.
TOLD = (NotSent, NotCommitted, CommitUnclear, OSError)


class Lives:
    def __init__(self, spool: Spool, disk: Disk) -> None:
        self._spool, self._disk = spool, disk
        self._numbers = itertools.count(1)
        self.promised: list[str] = []
        self.wrong: list[str] = []
        self.ended: dict[str, int] = {}
        self._for_ever = False
        self._where = ""

    async def one(self, error: int, nth: int, *, for_ever: bool) -> bool:
        """Whether any call failed."""
        number, disk, spool = next(self._numbers), self._disk, self._spool
        queue_id = f"B{number:09d}"
        self._where, self._for_ever = f"{errno.errorcode[error]} at call {nth}, for ever: {for_ever}", for_ever
        disk.fail(error, nth, for_ever=for_ever)

        async def accept() -> Message:
            content = spool.content.begin()
            content.write(b"x" * 100_000)
            now = spool.now()
            message = Message(
                queue_id, now, "a@example.com", "", "", "192.0.2.1", "l", "", "main", "", "", "", True, "", "x", "", 0
            )
            job = FaxJob(
                f"{queue_id}-1", queue_id, "main", "1@fax.local", "15551234567", "", None, "", f"{number:06d}",
                JobState.ACCEPTED, now, now + 86_400, now,
            )  # fmt: skip
            return await spool.intake.accept(message, [job], content)

        await self._step("accept", accept)
        document = await self._step("rendering", lambda: spool.documents.claim(60))
        made = replace(document[1], pages=1)
        await self._step("document-ready", lambda: spool.documents.ready(made, made, b"p" * 100_000))
        claimed = await self._step("claim", lambda: spool.jobs.claim(["main"], 60))
        job = claimed.job
        given = job.after(JobEvent.ID_GIVEN, fax_id=queue_id, submitted_at=spool.now(), track_at=spool.now() + 3600)
        letter = Letter(
            f"L{number}", "delivered", job.queue_id, "", ("a@example.com",), f"<{number}@x>", b"y" * 70_000
        )
        await self._step("id-given", lambda: spool.jobs.advance(job, given, JobEvent.ID_GIVEN, letters=[letter]))
        disk.well()
        self.promised.append(queue_id)
        return disk.struck > 0

    async def _step(self, name: str, step: Callable[[], Awaitable[Any]]) -> Any:
        """Its value; once more while the disk still fails, then once it is well."""
        for attempt in range(3):
            if attempt == 2 or (attempt == 1 and not self._for_ever):
                self._disk.well()
            before = self._disk.struck
            try:
                value = await step()
            except TOLD as told:
                kind = f"{name}: {type(told).__name__}"
                self.ended[kind] = self.ended.get(kind, 0) + 1
                if self._disk.struck == before:
                    self.wrong.append(f"{self._where}: {name} failed on a good disk: {told!r}")
                continue
            if self._disk.unflushed:
                self.wrong.append(f"{self._where}: {name} returned before all of it was flushed")
            return value
        raise AssertionError(f"{self._where}: {name} does not work without a restart: {self.wrong}")


async def main() -> None:
    connection.CHECKPOINT_PAGES = 50  # now and then a commit writes the log back, too
    spool = await Spool.open("sqlite:///spool.db", FOLDER)
    disk = Disk(FOLDER, CONTROL)
    lives = Lives(spool, disk)
    calls = disk.calls
    await lives.one(errno.EIO, 10**6, for_ever=False)
    calls = disk.calls - calls
    for place, (error, for_ever) in enumerate(itertools.product((errno.ENOSPC, errno.EIO), (False, True))):
        nth = 1 + place * EVERY // 4
        while await lives.one(error, nth, for_ever=for_ever):
            nth += EVERY
    told = {"calls": calls, "promised": lives.promised, "wrong": lives.wrong, "ended": lives.ended}
    print(json.dumps(told | {"repeated": disk.repeated}), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


asyncio.run(main())
