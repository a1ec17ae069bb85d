"""``mailfax find``: faxes and notifications that have a text in a number, an ID, an address or the subject."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from mailfax.cli import add_config

HELP = "find faxes by number, sender, subject, Message-ID, fax ID, reference or queue ID"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("text", metavar="TEXT", help="a part of it; a number may be written with blanks and brackets")
    parser.add_argument("--limit", metavar="N", type=int, default=100, help="at most so many (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli import queue
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    listing = with_spool(config, lambda spool: _gather(spool, arguments.text.strip(), arguments.limit))
    if arguments.json:
        json.dump(queue.for_scripts(listing), sys.stdout, indent=2)
        print()
    else:
        queue.print_listing(listing)
    return 0 if any(listing.values()) else 1


async def _gather(spool: Any, text: str, limit: int) -> dict[str, list[dict[str, Any]]]:
    from mailfax.cli import queue
    from mailfax.rules.facts import letter_facts, received_facts

    jobs, faxes, mails = await spool.queue.find(text, limit)
    paused = await queue.pauses(spool)
    return {
        "faxes": [queue.fax(queued, paused) for queued in jobs],
        "received": [received_facts(fax) for fax in faxes],
        "mails": [letter_facts(letter) for letter in mails],
    }
