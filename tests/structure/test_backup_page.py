"""The page on backups names commands and options that exist, and what the commands really say."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from mailfax.cli import build_parser

PAGE = Path(__file__).parents[2] / "docs/howto/backup-and-restore.md"
COMMANDS = [
    line for block in re.findall(r"```sh\n(.*?)```", PAGE.read_text(), re.DOTALL) for line in block.splitlines()
]


@pytest.mark.parametrize("line", COMMANDS)
def test_each_command_is_one(line: str) -> None:
    program, *words = shlex.split(line)
    assert program == "mailfax"
    build_parser().parse_args(words)


def test_all_of_them_are_there() -> None:
    assert {line.split()[1] for line in COMMANDS} == {"backup", "restore", "queue", "release", "serve"}
