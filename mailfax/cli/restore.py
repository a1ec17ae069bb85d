"""``mailfax restore``: make a backup the spool of a bridge that is stopped."""

from __future__ import annotations

import argparse
from pathlib import Path

from mailfax.cli import CannotRun, add_config
from mailfax.cli.backup import file_of_spool

HELP = "make a file of mailfax backup the spool of a bridge that is stopped"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", metavar="FILE", type=Path, help="written by mailfax backup")
    parser.add_argument("--replace", action="store_true", help="instead of the spool that is there, which is kept")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.owner import give_to_owner
    from mailfax.cli.settings import load_config
    from mailfax.spool import SpoolRefused
    from mailfax.spool.backup import restore

    path = file_of_spool(load_config(arguments, passwords=False))
    try:
        kept = restore(arguments.file, path, replace=arguments.replace)
    except SpoolRefused as refused:
        raise CannotRun(str(refused)) from None
    give_to_owner(path, contents=True)
    if kept:
        print(f"the spool that was there is kept as {kept}")
    print(f"{path}: restored. Start mailfax: it looks for each fax at FaxCore before it sends it.")
    print("Notifications wait: look at mailfax queue, then let them go with mailfax release --outbox.")
    return 0
