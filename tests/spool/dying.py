"""A process that dies at one moment of the spool: ``dying.py URL FOLDER before|after|sealed COMMIT``, by SIGKILL."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

from mailfax.rules.job import FaxJob, Letter, Message
from mailfax.rules.states import JobEvent, JobState
from mailfax.spool import Spool

URL, FOLDER, MOMENT, COMMIT = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]


def die(names: tuple[str, ...]) -> None:
    if COMMIT in names:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    hooks = {} if MOMENT == "sealed" else {f"{MOMENT}_commit": die}
    spool = await Spool.open(URL, FOLDER, **hooks)  # type: ignore[arg-type]
    now = spool.now()
    message = Message(
        "B000000001", now, "a@example.com", "", "", "192.0.2.1", "l", "", "main", "", "", "", True, "", "x", "", 0
    )
    job = FaxJob(
        "B000000001-1", "B000000001", "main", "1@fax.local", "15551234567", "", None, "", "7K3Q2M",
        JobState.ACCEPTED, now, now + 86_400, now,
    )  # fmt: skip
    content = spool.content.begin()
    content.write(b"x" * 100_000)
    if MOMENT == "sealed":
        content.seal()
        os.kill(os.getpid(), signal.SIGKILL)
    await spool.intake.accept(message, [job], content)
    found = await spool.documents.claim(1)
    assert found
    await spool.documents.ready(found[1], replace(found[1], pages=1), b"p" * 100_000)
    claimed = await spool.jobs.claim(["main"], 1)
    assert claimed
    given = claimed.job.after(JobEvent.ID_GIVEN, fax_id="4711")
    letter = Letter("L1", "delivered", job.queue_id, "", ("a@example.com",), "<1@example.com>", b"x")
    await spool.jobs.advance(claimed.job, given, JobEvent.ID_GIVEN, letters=[letter])


asyncio.run(main())
