"""``mailfax release``: let held faxes go, or the notifications of a restored spool."""

from __future__ import annotations

import argparse

from mailfax.cli import steer

HELP = "let held faxes go; with --outbox, the notifications of a spool that was restored from a copy"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steer.add_arguments(parser, "release")
    parser.add_argument(
        "--outbox", action="store_true", help="the notifications that wait since the spool was restored"
    )


def run(arguments: argparse.Namespace) -> int:
    return _outbox(arguments) if arguments.outbox else steer.run(arguments, "release")


def _outbox(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    released = with_spool(load_config(arguments, passwords=False), lambda spool: spool.recovery.release())
    print("the notifications go out as soon as mailfax runs" if released else "no notification waits for this")
    return 0 if released else 1
