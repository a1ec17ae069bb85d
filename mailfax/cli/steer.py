"""What hold, release, cancel, requeue and resend share: which faxes are meant, and what is said about each.

Exit status: 0 where all of them are as was asked for, 1 where one is not; a line for each says why.
"""

from __future__ import annotations

import argparse
import asyncio
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Config
    from mailfax.spool import Spool, Wanted

#: Mails that are sent again by one command.
MOST_MAILS = 10_000
#: Faxes read at a time.
PAGE = 500
#: How long a running service is given to end what was cancelled, in seconds.
PATIENCE = 6.0


def add_arguments(parser: argparse.ArgumentParser, verb: str) -> None:
    from mailfax.cli.times import since

    add_config(parser)
    parser.add_argument(
        "queue_ids", metavar="QUEUE-ID", nargs="*", help="of a message (all its faxes), a fax, a notification"
    )
    parser.add_argument("--sender", metavar="ADDRESS", default="", help="faxes of this sender, or of a whole @domain")
    parser.add_argument("--to", metavar="NUMBER", default="", help="faxes to this number, or to numbers that end so")
    parser.add_argument("--account", metavar="NAME", default="", help="faxes of this account")
    ended = verb == "resend"
    default = since("1d") if ended else 0.0
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=since,
        default=default,
        help="accepted since then: 90m, 2h, 3d, 14:02 or a date" + (" (default: 1d)" if ended else ""),
    )
    every = "all that failed or were cancelled, and notifications that nobody took" if ended else "all that can be"
    parser.add_argument("--all", action="store_true", help=every)
    if ended:
        again = "also faxes that were delivered, or may have been sent; they ring twice"
        parser.add_argument("--even-if-sent", action="store_true", help=again)


def run(arguments: argparse.Namespace, verb: str) -> int:
    from mailfax.cli.settings import load_config, with_spool

    filtered = arguments.all or arguments.sender or arguments.to or arguments.account
    if bool(arguments.queue_ids) == bool(filtered):
        raise CannotRun("say which: give QUEUE-IDs, or --sender, --to, --account, or --all")
    config = load_config(arguments, passwords=False)
    return with_spool(config, lambda spool: _steer(spool, config, arguments, verb))


async def _steer(spool: Spool, config: Config, arguments: argparse.Namespace, verb: str) -> int:
    from mailfax.offramp.steering import Steering

    steering = Steering(
        spool,
        expire_seconds=config.limits.expire_seconds,
        even_if_sent=getattr(arguments, "even_if_sent", False),
    )
    names = [name.strip() for name in arguments.queue_ids] or await _chosen(spool, arguments, verb)
    if not names:
        print("no fax is meant by this")
        return 0
    wrong = 0
    cancelled = []
    for name in names:
        for meant, told in await steering.any(verb, name):
            print(f"{meant}: {told.sentence}")
            wrong += not told.done
            if told.done and verb == "cancel":
                cancelled.append(meant)
    if not await _ended(spool, cancelled):
        print("their senders hear of it, and mailfax queue stops listing them, as soon as mailfax runs")
    return 1 if wrong else 0


async def _chosen(spool: Spool, arguments: argparse.Namespace, verb: str) -> list[str]:
    """The queue IDs of what the filters mean, oldest first: faxes, and notifications that nobody took."""
    from mailfax.offramp.steering import MEANT
    from mailfax.rules.states import LetterState
    from mailfax.spool import Wanted

    wanted = Wanted(MEANT[verb], arguments.account, arguments.sender, arguments.to, arguments.since)
    names = [name async for name in _pages(spool, wanted)]
    if verb == "resend" and not (arguments.account or arguments.sender or arguments.to):
        lost = await spool.outbox.listing(states=[LetterState.UNDELIVERABLE], limit=MOST_MAILS)
        names += [letter.letter_id for letter in lost if letter.decided_at >= arguments.since]
    return names[::-1]


async def _pages(spool: Spool, wanted: Wanted) -> Any:
    offset = 0
    while page := await spool.queue.listing(wanted, limit=PAGE, offset=offset):
        for queued in page:
            yield queued.job.queue_id
        offset += len(page)


async def _ended(spool: Spool, names: list[str]) -> bool:
    """Whether the service has ended all of them: it writes the answers to their senders."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + PATIENCE
    for name in names:
        while (job := await spool.jobs.get(name)) is not None and not job.final:
            if loop.time() > deadline:
                return False
            await asyncio.sleep(0.2)
    return True
