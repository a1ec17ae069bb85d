"""``mailfax probe``: a fax to oneself, from the SMTP client to the mail with the received pages."""

from __future__ import annotations

import argparse
import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from mailfax.cli import CannotRun
from mailfax.cli.send import add_sending, hand_over

if TYPE_CHECKING:
    from mailfax.config import Config
    from mailfax.rules.job import FaxJob, InboundFax
    from mailfax.spool import Spool

HELP = "send a fax to a number of your own, and wait until it has come back as mail; for monitors"
#: How often it looks, in seconds.
LOOKS = 0.5
#: So many of the newest received faxes may one be among.
NEWEST = 100
T = TypeVar("T")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mailfax.cli import add_config

    add_config(parser)
    parser.add_argument("--to", metavar="NUMBER", required=True, help="the fax number of one of your accounts")
    parser.add_argument(
        "--caller", metavar="NUMBER", help="as whom it arrives (default: the user name of the account that sends it)"
    )
    parser.add_argument(
        "--within", metavar="MINUTES", type=float, default=30.0, help="how long it may take (default: %(default)s)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    add_sending(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    began = time.time()
    sent = datetime.fromtimestamp(began, UTC).isoformat(timespec="seconds")
    order = argparse.Namespace(
        **vars(arguments) | {"to": [arguments.to], "files": [], "subject": "mailfax probe", "text": f"Sent {sent}."}
    )
    queue_id = hand_over(config, order)
    steps = with_spool(config, lambda spool: _follow(spool, config, arguments, queue_id, began))
    if arguments.json:
        print(json.dumps({"queue_id": queue_id, "sent_at": sent} | steps))
    else:
        for step, seconds in steps.items():
            print(f"{step.removesuffix('_seconds'):<10} after {seconds:.1f} s")
    return 0


async def _follow(
    spool: Spool, config: Config, arguments: argparse.Namespace, queue_id: str, began: float
) -> dict[str, float]:
    """Seconds to each step; raises ``CannotRun`` with the step at which it ended."""
    steps: dict[str, float] = {}

    async def until(step: str, look: Callable[[], Awaitable[T | None]]) -> T:
        while (seen := await look()) is None:
            if time.time() - began > 60 * arguments.within:
                done = ", ".join(steps).replace("_seconds", "") or "accepted"
                raise CannotRun(f"{queue_id}: not {step} within {arguments.within:g} minutes (until then: {done})")
            await asyncio.sleep(LOOKS)
        steps[f"{step}_seconds"] = round(time.time() - began, 1)
        return seen

    job = await until("delivered", lambda: _delivered(spool, queue_id))
    caller = arguments.caller or next(each.username for each in config.accounts if each.name == job.account)
    fax = await until("received", lambda: _received(spool, caller, config.default_country, began))
    await until("mailed", lambda: _mailed(spool, fax))
    return steps


async def _delivered(spool: Spool, queue_id: str) -> FaxJob | None:
    from mailfax.rules.states import JobState

    jobs = await spool.jobs.of(queue_id)
    if not jobs:
        raise CannotRun(f"{queue_id} is not in the spool of this configuration: which one does the server use?")
    (job,) = jobs
    if job.final and job.state is not JobState.DELIVERED:
        raise CannotRun(f"{job.queue_id}: {job.state.value}: {job.status.sentence if job.status else ''}")
    return job if job.final else None


async def _received(spool: Spool, caller: str, country: str, began: float) -> InboundFax | None:
    """The newest fax of this caller that was seen after the probe began."""
    from mailfax.rules.caller import is_caller
    from mailfax.rules.states import InboundState

    newest: Sequence[InboundFax] = await spool.inbound.listing(limit=NEWEST)
    mine = [fax for fax in newest if fax.listed_at >= began and is_caller(caller, fax.caller, country)]
    return next((fax for fax in mine if fax.state in (InboundState.STORED, InboundState.JUNK)), None)


async def _mailed(spool: Spool, fax: InboundFax) -> bool | None:
    """Whether all that carry it are handed over; a fax of the junk list has none."""
    from mailfax.rules.states import LetterState

    owed = await spool.outbox.listing(about=fax.queue_id)
    lost = [letter for letter in owed if letter.state in (LetterState.UNDELIVERABLE, LetterState.CANCELLED)]
    if lost:
        raise CannotRun(f"{fax.queue_id}: received, and its mail is {lost[0].state.value}: {lost[0].problem}")
    return True if all(letter.state is LetterState.HANDED_OVER for letter in owed) else None
