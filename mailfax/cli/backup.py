"""``mailfax backup``: the whole spool in one file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Config

HELP = "write the whole spool to one file, while mailfax runs or not"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "file", metavar="FILE", type=Path, help="it must not be there yet; only its owner can read it"
    )
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config
    from mailfax.spool import SpoolRefused
    from mailfax.spool.backup import back_up

    try:
        size = back_up(file_of_spool(load_config(arguments, passwords=False)), arguments.file.absolute())
    except SpoolRefused as refused:
        raise CannotRun(str(refused)) from None
    print(f"{arguments.file}: {size / 1e6:.1f} MB")
    return 0


def file_of_spool(config: Config) -> Path:
    """The file of the spool of a configuration; ``CannotRun`` where it is in a PostgreSQL database."""
    from mailfax.spool.connection import spool_path
    from mailfax.spool.spool import is_postgresql

    if is_postgresql(config.spool.url):
        raise CannotRun(
            "the spool is in a PostgreSQL database: back it up with pg_dump or pg_basebackup; after a restore, start "
            "it with mailfax serve --recovered"
        )
    return spool_path(config.spool.url, config.source.parent)
