"""``mailfax serve``: run the bridge until it is told to stop."""

from __future__ import annotations

import argparse

from mailfax.cli import add_config

HELP = "run the bridge: take mail, send faxes, collect faxes, answer by mail"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("--verbose", action="store_true", help="also write the developer's log")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config
    from mailfax.service import run_until_signalled

    return run_until_signalled(load_config(arguments), verbose=arguments.verbose)
