"""``mailfax hold``: keep faxes that are not handed over yet from being sent, until they are released."""

from __future__ import annotations

import argparse

from mailfax.cli import steer

HELP = "keep faxes that are not handed over yet from being sent, until they are released"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steer.add_arguments(parser, "hold")


def run(arguments: argparse.Namespace) -> int:
    return steer.run(arguments, "hold")
