"""``mailfax queue``: what waits, what is under way, and why."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import Any

from mailfax.cli import CannotRun, add_config

HELP = "list the faxes that have not ended, and why; received faxes and notifications that are not settled"
#: Lines of one page, for people.
PAGE = 100
#: Read at a time, for scripts.
CHUNK = 1000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mailfax.cli.times import since

    add_config(parser)
    parser.add_argument("--all", action="store_true", help="also those that have ended")
    parser.add_argument(
        "--since", metavar="TIME", type=since, default=0.0, help="accepted since: 90m, 2h, 14:02, a date"
    )
    parser.add_argument("--sender", metavar="ADDRESS", default="", help="of this sender, or of a whole @domain")
    parser.add_argument("--to", metavar="NUMBER", default="", help="to this number, or to numbers that end so")
    parser.add_argument("--state", metavar="STATE", action="append", help="in this state; may be given again")
    parser.add_argument("--account", metavar="NAME", default="", help="of this account")
    parser.add_argument("--limit", metavar="N", type=int, help=f"faxes of a page (default: {PAGE}; with --json all)")
    parser.add_argument("--page", metavar="N", type=int, default=1, help="which page (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool
    from mailfax.cli.times import when

    if arguments.page < 1 or (arguments.limit is not None and arguments.limit < 1):
        raise CannotRun("--page and --limit begin at 1")
    config = load_config(arguments, passwords=False)
    listing, more, waits, junk = with_spool(config, lambda spool: _gather(spool, arguments))
    if arguments.json:
        json.dump(for_scripts(listing), sys.stdout, indent=2)
        print()
        return 0
    print_listing(listing)
    if junk and not arguments.all:
        print(f"Junk: {junk} received {'fax' if junk == 1 else 'faxes'}; mailfax queue --all lists them.")
    if waits:
        print(f"Restored from an older copy, known since {when(waits)}.", end=" ")
        print("Notifications wait for mailfax release --outbox.")
    if more:
        print(f"There are more: give --page {arguments.page + 1}.")
    return 0


async def _gather(
    spool: Any, arguments: argparse.Namespace
) -> tuple[dict[str, list[dict[str, Any]]], bool, float, int]:
    """What was asked for, whether there is another page of any list, since when notifications wait for a person, how
    many received faxes are junk."""
    from mailfax.rules.facts import letter_facts, received_facts
    from mailfax.rules.states import INBOUND, LETTER, InboundState, LetterState
    from mailfax.spool import Wanted

    everything = arguments.all
    wanted = Wanted(_states(arguments), arguments.account, arguments.sender, arguments.to, arguments.since)
    # Filters are about faxes that are sent: with one, nothing else is meant.
    filtered = bool(arguments.state or arguments.account or arguments.sender or arguments.to or arguments.since)
    inbound = () if filtered else None if everything else set(InboundState) - INBOUND.final
    letters = () if filtered else None if everything else set(LetterState) - LETTER.final
    asked = (arguments.limit or (None if arguments.json else PAGE), arguments.page)
    paused = await pauses(spool)
    jobs, more_jobs = await _page(lambda **page: spool.queue.listing(wanted, **page), *asked)
    faxes, more_faxes = await _page(lambda **page: spool.inbound.listing(states=inbound, **page), *asked)
    mails, more_mails = await _page(lambda **page: spool.outbox.listing(states=letters, **page), *asked)
    listing = {
        "faxes": [fax(queued, paused) for queued in jobs],
        "received": [received_facts(each) for each in faxes],
        "mails": [letter_facts(letter) for letter in mails],
    }
    junk = (await spool.counts()).inbound.get("junk", 0)
    return listing, more_jobs or more_faxes or more_mails, await spool.recovery.waits_since(), junk


def _states(arguments: argparse.Namespace) -> Any:
    from mailfax.rules.states import JOB, JobState

    if arguments.state:
        try:
            return tuple(JobState(word) for word in arguments.state)
        except ValueError as wrong:
            raise CannotRun(f"--state: {wrong}; write one of {', '.join(JobState)}") from None
    return None if arguments.all else tuple(set(JobState) - JOB.final)


async def _page(read: Any, limit: int | None, page: int) -> tuple[list[Any], bool]:
    """One page of a list, and whether another follows; without a limit all of it."""
    if limit is not None:
        rows = await read(limit=limit + 1, offset=(page - 1) * limit)
        return rows[:limit], len(rows) > limit
    found: list[Any] = []
    while rows := await read(limit=CHUNK, offset=len(found)):
        found += rows
    return found, False


async def pauses(spool: Any) -> dict[str, str]:
    """Paused accounts: why their faxes wait."""
    from mailfax.cli.times import when

    return {
        state.name: f"account {state.name} paused since {when(state.paused_at)}: {state.paused_reason}"
        for state in await spool.accounts.listing()
        if state.paused
    }


def fax(queued: Any, paused: dict[str, str]) -> dict[str, Any]:
    from mailfax.rules.facts import fax_facts

    return fax_facts(
        queued.job,
        sender=queued.sender,
        subject=queued.subject,
        document=queued.document,
        detail=queued.detail,
        paused=paused.get(queued.job.account, ""),
        now=time.time(),
    )


def for_scripts(listing: dict[str, list[dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    """The same with its moments in ISO 8601."""
    from mailfax.rules.facts import for_programs

    return {kind: [for_programs(row) for row in rows] for kind, rows in listing.items()}


#: What people see of each list: column, and the field it shows. A time is told without its date if it is today's.
COLUMNS = {
    "faxes": {
        "queue ID": "queue_id",
        "state": "state",
        "number": "number",
        "accepted": "accepted_at",
        "next": "next_attempt_at",
    },
    "received": {
        "queue ID": "queue_id",
        "state": "state",
        "account": "account",
        "caller": "caller",
        "listed": "listed_at",
        "next": "next_attempt_at",
    },
    "mails": {
        "ID": "letter_id",
        "outcome": "outcome",
        "for": "recipients",
        "state": "state",
        "decided": "decided_at",
        "next": "next_attempt_at",
    },
}
TITLES = {"faxes": "Faxes", "received": "Received faxes", "mails": "Notifications"}


def print_listing(listing: dict[str, list[dict[str, Any]]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    # Into a pipe everything goes whole; on a narrow terminal addresses give way, never a number or an ID.
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 1000)
    for kind, columns in COLUMNS.items():
        rows = listing[kind]
        if not rows:
            console.print(f"{TITLES[kind]}: none")
            continue
        table = Table(*columns, title=TITLES[kind], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        for column, field in zip(table.columns, columns.values(), strict=True):
            column.no_wrap, column.overflow = field != "recipients", "fold"
        for row in rows:
            table.add_row(*(_cell(row, field) for field in columns.values()))
        console.print(table)
        for row in rows:
            name = row.get("queue_id") or row["letter_id"]
            what = f'{row["sender"] or "<>"} "{row["subject"]}": ' if kind == "faxes" else ""
            if why := row.get("reason") or row.get("problem"):
                console.print(f"{name}: {what}{why}", markup=False, soft_wrap=True)


def _cell(row: dict[str, Any], field: str) -> str:
    from rich.markup import escape

    from mailfax.cli.times import when

    value = row[field]
    if field.endswith("_at"):
        return when(value)
    return escape(", ".join(value) if isinstance(value, list) else str(value))
