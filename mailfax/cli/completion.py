"""``mailfax completion``: what a shell needs to complete verbs, options and file names."""

from __future__ import annotations

import argparse

HELP = "print what bash, zsh or tcsh needs to complete this command"
SHELLS = ("bash", "zsh", "tcsh")
#: What an argument that means a file or a folder is called in the help.
_FILES = ("FILE", "DIR", "FOLDER", "PATH")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "shell", choices=SHELLS, help="for example: mailfax completion bash >/etc/bash_completion.d/mailfax"
    )


def run(arguments: argparse.Namespace) -> int:
    import shtab

    from mailfax.cli import build_parser

    parser = build_parser()
    for each in _all(parser):
        for action in each._actions:
            if action.metavar in _FILES:
                action.complete = shtab.FILE  # type: ignore[attr-defined]
    print(shtab.complete(parser, shell=arguments.shell))
    return 0


def _all(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The parser and those of its verbs."""
    verbs = [
        each for action in parser._actions if isinstance(action.choices, dict) for each in action.choices.values()
    ]
    return [parser, *verbs]
