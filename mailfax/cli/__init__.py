"""The ``mailfax`` command: one file per verb, each with ``HELP``, ``add_arguments`` and ``run``.

A verb's module imports what it needs inside ``run``, so that ``--help`` answers at once (under 0.3 s).
Exit status: 0 done, 1 it did not work (a sentence on stderr says why), 2 the command line was wrong.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from collections.abc import Sequence
from types import ModuleType

from mailfax import __version__

VERBS = (
    "serve",
    "demo",
    "sandbox",
    "reload",
    "check",
    "explain",
    "preview",
    "passwd",
    "token",
    "migrate",
    "backup",
    "restore",
    "queue",
    "top",
    "find",
    "show",
    "trace",
    "send",
    "probe",
    "hold",
    "release",
    "cancel",
    "requeue",
    "resend",
    "export",
    "keep",
    "purge",
    "verify",
    "completion",
)


class CannotRun(Exception):
    """A verb can't do its work; the text is the sentence for stderr."""


def verb_module(verb: str) -> ModuleType:
    """The module of a verb."""
    return importlib.import_module(f"mailfax.cli.{verb}")


def build_parser() -> argparse.ArgumentParser:
    """The whole command line; the reference in ``docs/reference/cli.md`` is drawn from it."""
    parser = argparse.ArgumentParser(
        prog="mailfax", description="A bridge between e-mail and the FaxCore fax service.", allow_abbrev=False
    )
    parser.add_argument("--version", action="version", version=f"mailfax {__version__}")
    verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for verb in VERBS:
        module = verb_module(verb)
        module.add_arguments(verbs.add_parser(verb, help=module.HELP, description=module.HELP, allow_abbrev=False))
    return parser


def add_config(parser: argparse.ArgumentParser) -> None:
    """The option that names the configuration: the same for every verb that reads it."""
    parser.add_argument(
        "--config",
        metavar="FILE",
        default=None,
        help="the configuration (default: $MAILFAX_CONFIG, else ./mailfax.toml, else /etc/mailfax/mailfax.toml)",
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run one verb; the exit status."""
    arguments = build_parser().parse_args(argv)
    try:
        status: int = verb_module(arguments.verb).run(arguments)
    except CannotRun as wrong:
        print(f"mailfax {arguments.verb}: {wrong}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        # The reader of a pipe (head, less) has seen enough.
        sys.stderr.close()
        return 0
    return status
