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


def _print(listing: dict[str, list[dict[str, Any]]]) -> None:
    from rich.console import Console
    from rich.table import Table

    from mailfax.cli.settings import when

    console = Console(highlight=False)
    titles = {"faxes": "Faxes to send", "received": "Received faxes", "mails": "Mails owed"}
    for kind, title in titles.items():
        rows = listing[kind]
        if not rows:
            console.print(f"{title}: none")
            continue
        table = Table(title=title, title_justify="left")
        for column in rows[0]:
            table.add_column(column.replace("_", " "), overflow="fold")
        for row in rows:
            table.add_row(
                *(when(cell) if name.endswith("_at") else _cell(cell) for name, cell in row.items()),
            )
        console.print(table)


def _cell(value: Any) -> str:
    from rich.markup import escape

    return escape(", ".join(value) if isinstance(value, list) else str(value))
