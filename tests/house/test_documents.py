"""Documents name what exists: modules, files, links, and commits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailfax.spool.commits import COMMITS
from tests.house.street import HOUSE, TOP

DOCUMENTS = sorted([*TOP.glob("docs/**/*.md"), *TOP.glob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{target} is not there"


@pytest.mark.parametrize("name", ["architecture", "flow", "standards"])
def test_modules_that_are_named_are_there(name: str) -> None:
    text = (TOP / f"docs/{name}.md").read_text()
    named = re.findall(r"`([\w/]+(?:/|\.py))`", text)
    assert named
    for place in named:
        assert (HOUSE / place).exists() or (TOP / place).exists(), f"{place} is not there"


def test_the_flow_names_every_commit_and_no_other() -> None:
    text = (TOP / "docs/flow.md").read_text()
    assert set(re.findall(r"\*\*([a-z]+(?:-[a-z]+)*)\*\*", text)) == COMMITS
