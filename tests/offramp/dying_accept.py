"""A process that takes mails over and dies at one moment: ``dying_accept.py FOLDER before|after COMMIT``, by SIGKILL.

It prints what its handler would have said; what it printed before it died was answered.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from mailfax.clock import SteadyClock
from mailfax.config import Limits
from mailfax.context import Context
from mailfax.letters import Marks, Site
from mailfax.offramp.accept import Accept
from mailfax.offramp.resent import Answer
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.status import Refusal
from mailfax.spool import Spool

FOLDER, MOMENT, COMMIT = Path(sys.argv[1]), sys.argv[2], sys.argv[3]


def die(names: tuple[str, ...]) -> None:
    if COMMIT in names:
        os.kill(os.getpid(), signal.SIGKILL)


async def main() -> None:
    spool = await Spool.open("sqlite:///spool.db", FOLDER, **{f"{MOMENT}_commit": die})  # type: ignore[arg-type]
    numbers = iter(range(100))
    context = Context(
        spool,
        Site("fax.example.com", "postmaster@example.com", "fax.local"),
        Limits(faxes_per_day=2),
        lambda: Marks(f"L{spool.epoch}{next(numbers)}", "<1@fax.example.com>", time.time()),
        SteadyClock(spool.now),
    )
    accept = Accept(context)

    async def mail(number: str) -> Answer | Refusal:
        content = spool.content.begin()
        content.prefix(b"Received: from here\r\n", b"Subject: x\r\n")
        content.write(b"\r\n" + b"x" * 100_000)
        recipient = Recipient(f"{number}@fax.local", FaxNumber(number, number))
        envelope = Envelope("a@example.com", (recipient,), Client("l", "192.0.2.1"), Grant("main"))
        answer = await accept(envelope, content, b"Subject: x\r\n")
        print(answer.queue_id if isinstance(answer, Answer) else answer.reply, flush=True)
        return answer

    def concluded(answer: Answer | Refusal, heard: bool) -> None:
        if isinstance(answer, Answer):
            answer.concluded(heard=heard)

    concluded(await mail("15551230001"), False)  # rides with the next
    await mail("15551230001")  # the same again
    concluded(await mail("15551230002"), True)  # rides with the next
    await mail("15551230003")  # more than the site may send
    await spool.close()


asyncio.run(main())
