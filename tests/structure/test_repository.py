"""The repository as a whole: versions agree, modules are small and open with their page, no machine shows through."""

from __future__ import annotations

import ast
import fnmatch
import re
import subprocess
import tomllib
from pathlib import Path

import pytest

import mailfax
from tests.structure.packages import PACKAGE, TOP, modules

PYPROJECT = tomllib.loads((TOP / "pyproject.toml").read_text())
#: Longer, and a module has more than one purpose. The aim is 150 to 250.
MOST_LINES = 400
#: Paths and hosts of the machines that we build on; written so that this file does not name them itself.
OF_A_MACHINE = re.compile(
    r"/[w]ork/|/[r]oot/|/[h]ome/[a-z]|[i]ndex-url|[f]ind-links|[p]ypi\.org|[p]ythonhosted|[a]rtifactory"
)


def committed() -> list[Path]:
    """Every file that git knows and that is there."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=TOP, capture_output=True, check=True, text=True).stdout
    return [TOP / name for name in listed.split("\0") if name and (TOP / name).is_file()]


def test_the_version_is_the_same_everywhere() -> None:
    newest = re.search(r"^## \[?(\d+\.\d+\.\d+)", (TOP / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest, "CHANGELOG.md names no version"
    assert newest[1] == mailfax.__version__ == PYPROJECT["project"]["version"]


@pytest.mark.needs("git")
def test_nothing_committed_names_a_machine() -> None:
    found = []
    for path in committed():
        try:
            text = path.read_text()
        except UnicodeDecodeError:
            continue
        found += [
            f"{path.relative_to(TOP)}:{number} {match[0]}"
            for number, line in enumerate(text.splitlines(), 1)
            if (match := OF_A_MACHINE.search(line))
        ]
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_module_is_small_and_opens_with_its_page(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= MOST_LINES, "split it: one purpose a module"
    assert ast.get_docstring(ast.parse(text)), "a module opens with its page"
    assert path.stem not in ("utils", "util", "helpers", "manager", "common", "misc"), (
        "no package for anything at all"
    )


def test_every_file_that_mailfax_reads_is_packed_with_it() -> None:
    patterns = PYPROJECT["tool"]["setuptools"]["package-data"]["mailfax"]
    for path in PACKAGE.rglob("*"):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            name = str(path.relative_to(PACKAGE))
            assert any(
                fnmatch.fnmatch(f"/{name}", f"/{pattern}") or fnmatch.fnmatch(name, pattern) for pattern in patterns
            ), name


def test_every_package_is_found_when_mailfax_is_installed() -> None:
    for folder in PACKAGE.rglob("*"):
        if folder.is_dir() and any(folder.glob("*.py")):
            assert (folder / "__init__.py").exists(), f"{folder.name} has modules and no __init__.py"


def test_every_dependency_is_pinned() -> None:
    pinned = {
        line.split("==")[0].lower().replace("_", "-")
        for line in (TOP / "config/constraints.txt").read_text().splitlines()
        if "==" in line
    }
    project = PYPROJECT["project"]
    wanted = [
        *project["dependencies"],
        *project["optional-dependencies"]["test"],
        *PYPROJECT["build-system"]["requires"],
    ]
    names = {re.split(r"[ ;<>=\[]", each)[0].lower().replace("_", "-") for each in wanted}
    assert names <= pinned
