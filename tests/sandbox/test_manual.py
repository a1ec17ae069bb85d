"""The manual lists exactly what the code does."""

from __future__ import annotations

import re
from pathlib import Path

from mailfax.sandbox.faults import Action
from mailfax.sandbox.life import MAGIC
from mailfax.sandbox.quirks import Quirks, described

MANUAL = (Path(__file__).parents[2] / "docs" / "reference" / "sandbox.md").read_text(encoding="utf-8")


def test_the_manual_has_every_magic_number_and_no_other() -> None:
    told = dict(re.findall(r"^\| 555-01\*\*(\d\d)\*\* \| (.*) \|$", MANUAL, re.MULTILINE))
    assert told == {code: magic.sentence for code, magic in MAGIC.items() if code}


def test_the_manual_has_every_quirk_with_its_gap() -> None:
    told = re.findall(r"^\| `(\w+)` \| \S+ \| (.*?)(?: \([^()]*\))? \| (\S+) \|$", MANUAL, re.MULTILINE)
    assert told == [(name, each["sentence"], each["gap"]) for name, each in described(Quirks()).items()]


def test_the_manual_has_every_action() -> None:
    assert set(re.findall(r"^\| `(\w+)` \| [^|]* \|$", MANUAL, re.MULTILINE)) == set(Action)
