"""Documents name what exists: modules, files, links, and commits."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mailfax.cli import VERBS
from mailfax.spool.commits import COMMITS
from tests.structure.packages import PACKAGE, TOP

DOCUMENTS = sorted([*TOP.glob("docs/**/*.md"), *TOP.glob("*.md")])


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", path.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (path.parent / target).exists(), f"{target} is not there"


def test_commands_that_are_told_are_there() -> None:
    for path in [each for each in DOCUMENTS if each.name != "CHANGELOG.md"]:
        for block in re.findall(r"```sh\n(.*?)```", path.read_text(), re.DOTALL):
            told = set(re.findall(r"^(?:\S*/)?mailfax ([a-z]+)", block, re.MULTILINE))
            assert told <= {*VERBS}, f"{path.name} tells of commands that are not there: {told - {*VERBS}}"
            for script in re.findall(r"^scripts/(\w+)", block, re.MULTILINE):
                assert (TOP / "scripts" / script).is_file(), f"{path.name}: scripts/{script} is not there"


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(TOP)))
def test_an_extra_that_is_told_is_one_that_can_be_installed(path: Path) -> None:
    assert "mailfax[" not in path.read_text(), "mailfax is in no package index; install it from a clone or a wheel"


def test_every_document_is_in_an_index() -> None:
    for folder in (TOP / "docs", TOP / "docs/howto"):
        told = (TOP / "docs/README.md").read_text() + (folder / "README.md").read_text()
        for page in folder.glob("*.md"):
            assert page.name in told, f"{page.name} is in no index"


@pytest.mark.parametrize("name", ["architecture", "flow", "standards"])
def test_modules_that_are_named_are_there(name: str) -> None:
    text = (TOP / f"docs/{name}.md").read_text()
    named = re.findall(r"`([\w/]+(?:/|\.py))`", text)
    assert named
    for place in named:
        assert (PACKAGE / place).exists() or (TOP / place).exists(), f"{place} is not there"


def test_the_flow_names_every_commit_and_no_other() -> None:
    text = (TOP / "docs/flow.md").read_text()
    assert set(re.findall(r"\*\*([a-z]+(?:-[a-z]+)*)\*\*", text)) == COMMITS


@pytest.mark.parametrize("page", ["security.md", "comparison.md"])
def test_every_file_that_a_claim_names_is_there(page: str) -> None:
    """What it says was tried is tried."""
    named = re.findall(r"`((?:docs|tests|scripts|mailfax|config)/[\w./*-]+)`", (TOP / "docs" / page).read_text())
    assert len(named) > 10
    assert [name for name in named if not list(TOP.glob(name))] == []


def test_no_claim_of_the_comparison_is_without_what_shows_it() -> None:
    rows = re.findall(r"^\| (.*) \| (.*) \| (.*)\|$", (TOP / "docs/comparison.md").read_text(), re.MULTILINE)
    assert len(rows) > 90
    claims = [row for row in rows if row[0] not in ("feature", "---") and not row[1].startswith("no")]
    assert [feature for feature, _, shown in claims if not shown.strip()] == []
