"""``mailfax queue``: what waits, what is under way, and why."""

from __future__ import annotations

import argparse
import json
import sys
from typing import Any

from mailfax.cli import add_config

HELP = "list the faxes that have not ended, and the mails still owed"
LONGEST = 10_000


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--all", action="store_true", help="also those that have ended")
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    listing = with_spool(load_config(arguments), lambda spool: _gather(spool, everything=arguments.all))
    if arguments.json:
        json.dump(listing, sys.stdout, indent=2)
        print()
    else:
        _print(listing)
    return 0


async def _gather(spool: Any, *, everything: bool) -> dict[str, list[dict[str, Any]]]:
    from mailfax.rules.states import INBOUND, JOB, LETTER, InboundState, JobState, LetterState

    jobs = await spool.jobs.listing(states=None if everything else set(JobState) - JOB.final, limit=LONGEST)
    faxes = await spool.inbound.listing(
        states=None if everything else set(InboundState) - INBOUND.final, limit=LONGEST
    )
    mails = await spool.outbox.listing(states=None if everything else set(LetterState) - LETTER.final, limit=LONGEST)
    return {
        "faxes": [
            {
                "queue_id": job.queue_id,
                "state": job.state.value,
                "number": job.number,
                "account": job.account,
                "accepted_at": job.accepted_at,
                "next_attempt_at": job.next_attempt_at,
                "attempts": job.attempts,
                "fax_id": job.fax_id,
                "status": job.status.sentence if job.status else "",
            }
            for job in jobs
        ],
        "received": [
            {
                "queue_id": fax.queue_id,
                "state": fax.state.value,
                "account": fax.account,
                "fax_id": fax.fax_id,
                "listed_at": fax.listed_at,
                "next_attempt_at": fax.next_attempt_at,
                "attempts": fax.attempts,
                "problem": fax.problem,
            }
            for fax in faxes
        ],
        "mails": [
            {
                "letter_id": mail.letter_id,
                "state": mail.state.value,
                "outcome": mail.kind,
                "about": mail.about,
                "recipients": list(mail.recipients),
                "decided_at": mail.decided_at,
                "next_attempt_at": mail.next_attempt_at,
                "attempts": mail.attempts,
                "problem": mail.problem,
            }
            for mail in mails
        ],
    }


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
        "listed": "listed_at",
        "next": "next_attempt_at",
    },
    "mails": {
        "about": "about",
        "outcome": "outcome",
        "state": "state",
        "decided": "decided_at",
        "next": "next_attempt_at",
    },
}
TITLES = {"faxes": "Faxes", "received": "Received faxes", "mails": "Mails"}
FINAL = {"delivered", "failed", "cancelled", "unconfirmed", "stored", "vanished", "handed-over", "undeliverable"}


def _print(listing: dict[str, list[dict[str, Any]]]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    console = Console(highlight=False)
    for kind, columns in COLUMNS.items():
        rows = listing[kind]
        if not rows:
            console.print(f"{TITLES[kind]}: none")
            continue
        table = Table(*columns, title=TITLES[kind], title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
        # An ID is never cut or folded: people copy it into the next command.
        table.columns[0].no_wrap = True
        for column in table.columns[1:]:
            column.overflow = "fold"
        for row in rows:
            table.add_row(*(_cell(row, field) for field in columns.values()))
        console.print(table)
        for row in rows:
            if why := row.get("status") or row.get("problem"):
                name = row.get("queue_id") or row["about"] or row["letter_id"]
                console.print(f"{name}: {why}", markup=False, soft_wrap=True)


def _cell(row: dict[str, Any], field: str) -> str:
    from rich.markup import escape

    from mailfax.cli.settings import when

    if field == "next_attempt_at" and row["state"] in FINAL:
        return "-"
    value = row[field]
    return when(value) if field.endswith("_at") else escape(str(value))
