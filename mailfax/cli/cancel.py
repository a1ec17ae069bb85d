"""``mailfax cancel``: cancel faxes that FaxCore does not have yet, and give up notifications."""

from __future__ import annotations

import argparse

from mailfax.cli import steer

HELP = "cancel faxes that FaxCore does not have yet, and give up notifications that are not handed over"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steer.add_arguments(parser, "cancel")


def run(arguments: argparse.Namespace) -> int:
    return steer.run(arguments, "cancel")
