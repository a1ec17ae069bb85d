"""``mailfax requeue``: try waiting faxes, notifications and received faxes again now."""

from __future__ import annotations

import argparse

from mailfax.cli import steer

HELP = "try waiting faxes, notifications and received faxes again now"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steer.add_arguments(parser, "requeue")


def run(arguments: argparse.Namespace) -> int:
    return steer.run(arguments, "requeue")
