"""``mailfax migrate``: move a spool from its SQLite file into a PostgreSQL database."""

from __future__ import annotations

import argparse
import asyncio
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.spool.server import Server

HELP = "move the spool of a bridge that was stopped from its SQLite file into an empty PostgreSQL database"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("source", metavar="SQLITE-URL", help="for example sqlite:////var/lib/mailfax/spool.db")
    parser.add_argument(
        "target", metavar="POSTGRESQL-URL", help="for example postgresql://mailfax@db.example.com/mailfax"
    )
    parser.add_argument("--ca-file", metavar="FILE", type=Path, help="authorities to trust, as ca_file in [spool]")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.spool import SpoolRefused
    from mailfax.spool.moving import MOVED, move

    base = _base(arguments)
    if not arguments.source.startswith("sqlite:"):
        raise CannotRun(
            f'"{arguments.source}" is no spool in a file; write it like sqlite:////var/lib/mailfax/spool.db'
        )
    target = _target(arguments, base)
    try:
        with _Bars() as bars:
            lost = asyncio.run(move(arguments.source, base, target, bars.told, time.time()))
    except SpoolRefused as refused:
        raise CannotRun(str(refused)) from None
    for sentence in lost:
        print(f"lost: {sentence}")
    print(f"everything is in {target.name} now; the file that it was in has {MOVED} at the end of its name")
    print(f'write url = "{arguments.target}" in [spool], and start mailfax')
    return 0


def _base(arguments: argparse.Namespace) -> Path:
    """The folder that relative paths are meant in, and where ``.env`` is."""
    from mailfax.cli.settings import find_config

    try:
        return find_config(arguments).parent
    except CannotRun:
        return Path()


def _target(arguments: argparse.Namespace, base: Path) -> Server:
    from mailfax.config import ConfigError
    from mailfax.config.kinds import Unfit
    from mailfax.config.places import spool_url
    from mailfax.config.tables import read_dotenv
    from mailfax.spool.server import Server

    try:
        url = spool_url(arguments.target)
        secrets = {**read_dotenv(base / ".env"), **os.environ}
    except (Unfit, ConfigError) as wrong:
        raise CannotRun(str(wrong)) from None
    if not url.startswith("postgres"):
        raise CannotRun(f'"{url}" is no database; write it like postgresql://mailfax@db.example.com/mailfax')
    return Server(url, secrets.get("MAILFAX_SPOOL_PASSWORD", ""), arguments.ca_file)


class _Bars:
    """A bar for each table, or a line where nobody watches."""

    def __init__(self) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        columns = (TextColumn("{task.description:>10}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns)
        self._bars: dict[str, Any] = {}

    def __enter__(self) -> _Bars:
        self._progress.start()
        return self

    def __exit__(self, *trouble: object) -> None:
        self._progress.stop()

    def told(self, step: Any) -> None:
        """Move on the bar of what is told of."""
        if step.what not in self._bars:
            self._bars[step.what] = self._progress.add_task(step.what, total=step.of)
        self._progress.update(self._bars[step.what], completed=step.done)
