"""``mailfax verify``: whether a line of the history was altered, removed or inserted, and its newest seal."""

from __future__ import annotations

import argparse
import json
import re
import sys
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.spool import Spool

HELP = "prove that no line of the history was altered, removed or inserted; print its newest seal"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--from",
        dest="kept",
        metavar="SEAL",
        default="",
        help="a seal that an earlier verify or the log printed, and that you kept elsewhere: it must be in the chain",
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    if arguments.kept and not re.fullmatch(r"[1-9]\d{0,17}:[0-9a-f]{64}", arguments.kept, re.ASCII):
        raise CannotRun(f'--from: "{arguments.kept}" is no seal; give what mailfax verify printed, as 17:0a1b…')
    config = load_config(arguments, passwords=False)
    return with_spool(config, lambda spool: _verify(spool, arguments))


async def _verify(spool: Spool, arguments: argparse.Namespace) -> int:
    from mailfax.cli.times import when
    from mailfax.rules.facts import iso

    verdict = await spool.seals.verify(arguments.kept)
    newest = verdict.newest
    if arguments.json:
        told = {
            "whole": not verdict.problems,
            "problems": verdict.problems,
            "lines": verdict.lines,
            "deleted": verdict.deleted,
            "soonest_deleted_seconds": verdict.soonest if verdict.deleted else None,
            "unsealed": verdict.unsealed,
            "seals": newest.number,
            "newest_seal": newest.name if newest.number else None,
            "sealed_at": iso(newest.made_at) if newest.number else None,
        }
        json.dump(told, sys.stdout, indent=2)
        print()
        return 1 if verdict.problems else 0
    for problem in verdict.problems:
        print(problem)
    print(
        f"{verdict.lines} lines under {newest.number} seals: "
        + ("none altered, removed or inserted" if not verdict.problems else "NOT as they were sealed")
    )
    if verdict.deleted:
        print(
            f"{verdict.deleted} lines were deleted by [retention], the first of them {verdict.soonest / 86_400:.1f} "
            "days after it was sealed"
        )
    if verdict.unsealed:
        print(f"{verdict.unsealed} lines have no seal yet")
    if newest.number:
        print(f"newest seal, of {when(newest.made_at)}; keep it elsewhere: {newest.name}")
    return 1 if verdict.problems else 0
