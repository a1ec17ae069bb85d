"""``mailfax purge``: delete now what [retention] would delete later, or the content of what a person names."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Config
    from mailfax.spool import Spool

HELP = "delete now what is older than [retention] says; or, of messages and faxes that have ended, the content"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "queue_ids",
        metavar="QUEUE-ID",
        nargs="*",
        help="of a message or one of its faxes (all of them lose their content), a received fax, a notification",
    )
    parser.add_argument("--yes", action="store_true", help="do not ask")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    named = [name.strip() for name in arguments.queue_ids]
    meant = f"The content of {', '.join(named)}" if named else "What is older than [retention] says"
    if not arguments.yes:
        if not sys.stdin.isatty():
            raise CannotRun("nothing was deleted: it can't be taken back; give --yes")
        if input(f"{meant} is deleted for good. Go on? [y/N] ").strip().lower() not in ("y", "yes"):
            print("nothing was deleted")
            return 1
    return with_spool(config, lambda spool: _named(spool, named) if named else _old(spool, config))


async def _old(spool: Spool, config: Config) -> int:
    deleted = await spool.retention.apply(config.retention, by_person=True)
    print(f"deleted: content of {deleted.contents}, records of {deleted.records}")
    return 0


async def _named(spool: Spool, names: list[str]) -> int:
    wrong = 0
    for name in names:
        done, sentence = await _one(spool, name)
        print(f"{name}: {sentence}")
        wrong += not done
    return 1 if wrong else 0


async def _one(spool: Spool, name: str) -> tuple[bool, str]:
    """Whether its content is gone now, and a sentence."""
    job = await spool.jobs.get(name)
    if message := await spool.intake.message(job.message if job else name):
        jobs = await spool.jobs.of(message.queue_id)
        if waiting := [each for each in jobs if not each.final]:
            return False, f"{waiting[0].queue_id} has not ended ({waiting[0].state.value}); nothing was deleted"
        abouts = (message.queue_id, *(each.queue_id for each in jobs))
        return await _deleted(spool, "message", message.queue_id, message.content_id, abouts)
    if fax := await spool.queue.received(name):
        return await _deleted(spool, "inbound", name, fax.content_id, (name,))
    if letter := await spool.outbox.get(name):
        return await _deleted(spool, "letter", name, letter.content_id, ())
    return False, "no message, fax or notification has this queue ID"


async def _deleted(
    spool: Spool, table: str, queue_id: str, content_id: str, abouts: tuple[str, ...]
) -> tuple[bool, str]:
    """Delete one content, and those of the notifications about it that have been handed over."""
    if content_id and not await spool.retention.purge(table, [queue_id]):
        return False, "is kept (mailfax keep), or has not ended; nothing was deleted"
    letters = [letter.letter_id for about in abouts for letter in await spool.outbox.listing(about=about)]
    if letters:
        await spool.retention.purge("letter", letters)
    left = [letter for about in abouts for letter in await spool.outbox.listing(about=about) if letter.content_id]
    told = "its content is deleted" if content_id else "its content was deleted before"
    return True, told + (f"; {len(left)} notifications are not handed over yet, and keep theirs" if left else "")
