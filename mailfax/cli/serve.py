"""``mailfax serve``: run the bridge until it is told to stop."""

from __future__ import annotations

import argparse

from mailfax.cli import CannotRun, add_config

HELP = "run the bridge: take mail, send faxes, collect faxes, answer by mail"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--verbose", action="store_true", help="also write the developer's log")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config
    from mailfax.config import ConfigError
    from mailfax.render.kernel import show_memory
    from mailfax.service import run_until_signalled
    from mailfax.spool import SpoolRefused

    show_memory(shown=False)  # there are passwords in it, and other processes of our user
    config = load_config(arguments)
    try:
        return run_until_signalled(config, verbose=arguments.verbose)
    except (ConfigError, SpoolRefused) as wrong:
        raise CannotRun(str(wrong)) from None
