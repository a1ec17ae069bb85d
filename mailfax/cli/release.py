"""``mailfax release``: let held faxes go."""

from __future__ import annotations

import argparse

from mailfax.cli import steer

HELP = "let held faxes go"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steer.add_arguments(parser, "release")


def run(arguments: argparse.Namespace) -> int:
    return steer.run(arguments, "release")
