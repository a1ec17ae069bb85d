"""``mailfax resend``: send faxes once more, also received ones, and notifications that could not be delivered."""

from __future__ import annotations

import argparse

from mailfax.cli import steer

HELP = "send ended faxes once more, received ones to their readers, and notifications that could not be delivered"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    steer.add_arguments(parser, "resend")


def run(arguments: argparse.Namespace) -> int:
    return steer.run(arguments, "resend")
