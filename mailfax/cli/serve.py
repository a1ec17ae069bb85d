"""``mailfax serve``: run the bridge until it is told to stop."""

from __future__ import annotations

import argparse

from mailfax.cli import CannotRun, add_config

HELP = "run the bridge: take mail, send faxes, collect faxes, answer by mail"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "--roles",
        metavar="ROLE,…",
        default="",
        help="do this part of the work alone, of smtp, offramp, onramp, postmaster; other processes that share the "
        "spool do the rest",
    )
    parser.add_argument(
        "--recovered",
        action="store_true",
        help="the spool is an older copy (a backup, a snapshot, a standby): look for its faxes before sending any",
    )
    parser.add_argument(
        "--log",
        choices=("text", "json"),
        default="text",
        help="how the lines of the log are written: words, or one JSON object each (default: text)",
    )
    parser.add_argument(
        "--whole-numbers",
        action="store_true",
        help="write whole fax numbers into the log, not their last four digits",
    )
    parser.add_argument("--verbose", action="store_true", help="also write the developer's log")


def run(arguments: argparse.Namespace) -> int:
    from mailfax import maillog
    from mailfax.cli.settings import load_config
    from mailfax.config import ConfigError
    from mailfax.render.kernel import show_memory
    from mailfax.service import run_until_signalled
    from mailfax.spool import SpoolRefused
    from mailfax.wiring import ROLES

    roles = [role.strip() for role in arguments.roles.split(",")] if arguments.roles else ROLES
    for role in roles:
        if role not in ROLES:
            raise CannotRun(f'"{role}" is not a role; write some of {", ".join(ROLES)}, with commas between them')
    show_memory(shown=False)  # there are passwords in it, and other processes of our user
    config = load_config(arguments)
    maillog.show_whole_numbers(arguments.whole_numbers)
    try:
        return run_until_signalled(
            config, verbose=arguments.verbose, log_form=arguments.log, roles=roles, recovered=arguments.recovered
        )
    except (ConfigError, SpoolRefused) as wrong:
        raise CannotRun(str(wrong)) from None
