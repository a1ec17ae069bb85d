"""``mailfax export``: who sent and received what, a line for each fax, for a spreadsheet or a script."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.rules.prices import Prices
    from mailfax.spool import Spool

HELP = "list who sent and received what since a time, as CSV or JSON, a line for each fax"

#: The columns; ``number`` is where a fax went, ``sender`` who sent it: an address, or the caller of a received one.
COLUMNS = (
    *("direction", "queue_id", "accepted_at", "ended_at", "account", "sender", "number", "subject", "pages"),
    *("outcome", "detail", "code", "cost"),
)
#: Spreadsheets take a cell that begins so for a formula, and strangers choose subjects.
FORMULA = ("=", "+", "-", "@", "\t", "\r")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    from mailfax.cli.times import since

    add_config(parser)
    parser.add_argument(
        "--since",
        metavar="TIME",
        type=since,
        default=since("30d"),
        help="accepted since then: 90m, 2h, 3d, 14:02 or a date (default: 30d)",
    )
    parser.add_argument(
        "--until", metavar="TIME", type=since, default=None, help="accepted before then (default: now)"
    )
    parser.add_argument("--sender", metavar="ADDRESS", default="", help="of this sender, or of a whole @domain")
    parser.add_argument("--direction", choices=("sent", "received"), help="only these (default: both)")
    parser.add_argument("--json", action="store_true", help="one JSON array, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool
    from mailfax.rules.prices import Prices

    if arguments.sender and arguments.direction == "received":
        raise CannotRun("--sender: a received fax has no sender's address; leave it out, or --direction")
    config = load_config(arguments, passwords=False)
    return with_spool(config, lambda spool: _export(spool, arguments, Prices(config.prices)))


async def _export(spool: Spool, arguments: argparse.Namespace, prices: Prices) -> int:
    directions = (
        [arguments.direction] if arguments.direction else ["sent"] if arguments.sender else ["sent", "received"]
    )
    until = spool.now() + 1 if arguments.until is None else arguments.until
    write = _json if arguments.json else _csv()
    number = 0
    for direction in directions:
        period = {"since": arguments.since, "until": until, "sender": arguments.sender}
        async for row in spool.queue.export(direction, **period):
            write(_line(direction, row, prices), number)
            number += 1
    if arguments.json:
        print("\n]" if number else "[]")
    return 0


def _csv() -> Any:
    writer = csv.writer(sys.stdout)
    writer.writerow(COLUMNS)

    def write(line: dict[str, Any], number: int) -> None:
        cells = ["" if value is None else str(value) for value in line.values()]
        writer.writerow(["'" + cell if cell.startswith(FORMULA) else cell for cell in cells])

    return write


def _json(line: dict[str, Any], number: int) -> None:
    print(",\n " if number else "[\n ", json.dumps(line), sep="", end="")


def _line(direction: str, row: dict[str, Any], prices: Prices) -> dict[str, Any]:
    from mailfax.rules.facts import iso

    sent = direction == "sent"
    delivered = row["pages_delivered"] if sent else None
    values = (
        direction,
        row["queue_id"],
        iso(row["at"]),
        iso(row["ended_at"] if sent else row["received_at"] or 0.0),
        row["account"],
        row["sender"] if sent else row["caller"],
        row["number"] if sent else "",
        row["subject"] if sent else "",
        row["pages"] if delivered is None else delivered,
        row["state"],
        (row["status_sentence"] if sent else row["problem"]) or "",
        row["code"] if sent else "",
        _cost(row, prices) if sent else None,
    )
    return dict(zip(COLUMNS, values, strict=True))


def _cost(row: dict[str, Any], prices: Prices) -> str | None:
    """Of the pages that arrived; None where nothing did, or no price is known."""
    arrived = row["pages_delivered"]
    if arrived is None and row["state"] == "delivered":
        arrived = row["pages"]
    cost = prices.cost(row["number"], arrived)
    return None if cost is None else str(cost)
