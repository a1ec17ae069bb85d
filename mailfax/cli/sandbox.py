"""``mailfax sandbox``: a FaxCore of one's own on this machine."""

from __future__ import annotations

import argparse
from pathlib import Path

from mailfax.cli import CannotRun

HELP = "run a local FaxCore to try things on: nothing is really faxed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--address", default="127.0.0.1:8087", metavar="HOST:PORT", help="where to listen (default: %(default)s)"
    )
    parser.add_argument(
        "--state",
        type=Path,
        default=Path("var/sandbox"),
        metavar="DIR",
        help="what it remembers (default: %(default)s)",
    )
    parser.add_argument(
        "--account", action="append", default=[], metavar="NUMBER:PASSWORD", help="an account; may be given again"
    )
    parser.add_argument(
        "--speed", type=float, default=60.0, metavar="N", help="durations pass N times as fast (default: %(default)s)"
    )


def run(arguments: argparse.Namespace) -> int:
    from mailfax.sandbox.server import DEFAULT_ACCOUNTS, SandboxOptions
    from mailfax.sandbox.server import run as run_sandbox

    accounts = []
    for account in arguments.account:
        number, colon, password = account.partition(":")
        if not (number and colon and password):
            raise CannotRun(f"--account {account}: write NUMBER:PASSWORD, for example 5557152222:mypassword")
        accounts.append((number, password))
    try:
        return run_sandbox(
            SandboxOptions(
                address=arguments.address,
                state=arguments.state,
                accounts=tuple(accounts) or DEFAULT_ACCOUNTS,
                speed=arguments.speed,
            )
        )
    except (ValueError, OSError) as wrong:
        raise CannotRun(str(wrong)) from None
