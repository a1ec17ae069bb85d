"""``mailfax demo``: bridge, sandbox and Maildirs on this machine, and one round trip to watch."""

from __future__ import annotations

import argparse
from pathlib import Path

HELP = "run bridge, sandbox and mailboxes together on loopback, and send a fax through them"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--once", action="store_true", help="end after the round trip; exit status 0 if all of it happened"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("var/demo"),
        metavar="DIR",
        help="where everything lies (default: %(default)s)",
    )
    parser.add_argument(
        "--smtp", default="127.0.0.1:2525", metavar="HOST:PORT", help="the door (default: %(default)s)"
    )
    parser.add_argument(
        "--sandbox", default="127.0.0.1:8087", metavar="HOST:PORT", help="the sandbox (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    from mailfax.demo import run_demo

    return run_demo(arguments.state, once=arguments.once, smtp=arguments.smtp, sandbox=arguments.sandbox)
