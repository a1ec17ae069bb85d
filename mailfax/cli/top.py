"""``mailfax top``: what the bridge is doing just now, again and again."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from rich.console import RenderableType

    from mailfax.config import Config
    from mailfax.spool import Spool

HELP = "show what is waiting and under way, and how fast faxes end, until it is stopped with Ctrl-C"
#: Faxes that are shown: those that have not ended, the newest first.
SHOWN = 15


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--every", metavar="SECONDS", type=float, default=2.0, help="look so often (default: %(default)g)"
    )
    parser.add_argument("--once", action="store_true", help="look once; what a pipe gets, too")


def run(arguments: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.live import Live

    from mailfax.cli.settings import load_config, with_spool

    if arguments.every < 0.2:
        raise CannotRun("--every begins at 0.2 seconds")
    config = load_config(arguments, passwords=False)
    console = Console(highlight=False)
    if arguments.once or not console.is_terminal:
        console = Console(highlight=False, width=None if sys.stdout.isatty() else 1000)
        console.print(_drawn(with_spool(config, lambda spool: _look(spool, config)), None))
        return 0

    async def watch(spool: Spool) -> None:
        import asyncio

        before = None
        with Live(console=console, screen=True, auto_refresh=False) as live:
            while True:
                seen = await _look(spool, config)
                live.update(_drawn(seen, before), refresh=True)
                before = before or seen
                await asyncio.sleep(arguments.every)

    with_spool(config, watch)
    return 0


async def _look(spool: Spool, config: Config) -> dict[str, Any]:
    from mailfax.cli import queue
    from mailfax.rules.states import NON_FINAL
    from mailfax.spool import Wanted

    counts, paused = await spool.counts(), await queue.pauses(spool)
    rows = await spool.queue.listing(Wanted(states=tuple(NON_FINAL)), limit=SHOWN)
    return {
        "at": time.monotonic(),
        "faxes": counts.jobs,
        "received": counts.inbound,
        "notifications": counts.letters,
        "accounts": {account.name: paused.get(account.name, "") for account in config.accounts},
        "rows": [queue.fax(row, paused) for row in rows],
    }


def _drawn(seen: Mapping[str, Any], first: Mapping[str, Any] | None) -> RenderableType:
    """``first`` is what was seen when it began: how fast faxes end is told since then."""
    from rich import box
    from rich.console import Group
    from rich.markup import escape
    from rich.table import Table

    from mailfax.cli.times import when

    lines = [f"{when(time.time())}   {_counted('faxes', seen['faxes'])}"]
    lines += [_counted("received faxes", seen["received"]), _counted("notifications", seen["notifications"])]
    if first is not None and (took := seen["at"] - first["at"]) > 0:
        ended = sum(_ended(seen).values()) - sum(_ended(first).values())
        lines.append(f"ended since then: {ended}, {60 * ended / took:.1f} a minute")
    lines += [
        f'[bold]account "{escape(name)}": {escape(why)}[/bold]' for name, why in seen["accounts"].items() if why
    ]
    table = Table("queue ID", "state", "number", "accepted", "sender", "why", box=box.SIMPLE_HEAD, pad_edge=False)
    for column in table.columns[:4]:
        column.no_wrap = True
    for row in seen["rows"]:
        cells = (row["queue_id"], row["state"], row["number"], when(row["accepted_at"]), row["sender"], row["reason"])
        table.add_row(*map(escape, cells))
    return Group(*lines, table if seen["rows"] else "Nothing is waiting or under way.")


def _counted(what: str, counts: Mapping[str, int]) -> str:
    known = ", ".join(f"{number} {state}" for state, number in sorted(counts.items()) if number)
    return f"{what}: {known or 'none'}"


def _ended(seen: Mapping[str, Any]) -> Mapping[str, int]:
    from mailfax.rules.states import JOB

    return {state: number for state, number in seen["faxes"].items() if state in JOB.final}
