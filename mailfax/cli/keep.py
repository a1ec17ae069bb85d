"""``mailfax keep``: what must not be deleted, whatever [retention] says: a legal hold."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.spool import Spool

HELP = "keep faxes, or all of a sender, from being deleted until they are released (legal hold); or list what is kept"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "queue_ids",
        metavar="QUEUE-ID",
        nargs="*",
        help="of a message or one of its faxes, a received fax, a notification",
    )
    parser.add_argument(
        "--sender",
        metavar="ADDRESS",
        action="append",
        default=[],
        help="whatever this sender, or a whole @domain, has sent and will send; may be given again",
    )
    parser.add_argument("--release", action="store_true", help="they are deleted in their time again")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    for sender in arguments.sender:
        if "@" not in sender:
            raise CannotRun(f'--sender: "{sender}" is no address; write alice@example.com or @example.com')
    config = load_config(arguments, passwords=False)
    if not (arguments.queue_ids or arguments.sender):
        if arguments.release:
            raise CannotRun("say which: give QUEUE-IDs or --sender; mailfax keep lists what is kept")
        return with_spool(config, _list)
    return with_spool(config, lambda spool: _keep(spool, arguments))


async def _list(spool: Spool) -> int:
    from mailfax.cli.times import when

    kept = await spool.retention.kept()
    for each in kept:
        print(f"{each.what}: kept since {when(each.kept_at)}")
    if not kept:
        print("nothing is kept beyond its time")
    return 0


async def _keep(spool: Spool, arguments: argparse.Namespace) -> int:
    wrong = 0
    senders = ["".join(char.lower() if char.isascii() else char for char in each) for each in arguments.sender]
    for name in [*(name.strip() for name in arguments.queue_ids), *senders]:
        what = name if "@" in name else await whole(spool, name)
        if arguments.release:
            done = await spool.retention.release(what or name)
            print(f"{what or name}: {'is deleted in its time again' if done else 'was not kept'}")
        elif what is None:
            done = False
            print(f"{name}: no message, fax or notification has this queue ID")
        else:
            done = True
            new = await spool.retention.keep(what)
            print(f"{what}: {'kept' if new else 'is kept already'}, until mailfax keep --release")
        wrong += not done
    return 1 if wrong else 0


async def whole(spool: Spool, name: str) -> str | None:
    """What is kept and deleted as one: the message of a fax; else itself. None where there is none."""
    if job := await spool.jobs.get(name):
        return job.message
    found = await spool.intake.message(name) or await spool.outbox.get(name) or await spool.queue.received(name)
    return name if found else None
