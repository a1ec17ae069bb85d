"""Imports go down only, packages on one layer do not know each other, and what is pure stays pure."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.structure.packages import (
    LAYERS,
    LEAVES,
    PACKAGE,
    PURE,
    SANDBOX,
    Import,
    all_imports,
    known_modules,
    layer_of,
    modules,
    name_of,
)

#: What a pure package may not import: files, sockets, processes, clocks, chance, other threads.
IMPURE_MODULES = re.compile(
    r"(asyncio|anyio|concurrent|fcntl|glob|httpx|io|logging|multiprocessing|os|pathlib|random|requests|secrets|select"
    r"|shutil|signal|socket|sqlite3|ssl|subprocess|sys|tempfile|threading|time|urllib\.request|uuid)(\..*)?"
)
#: Calls that read a clock, a file or chance through modules that are otherwise harmless.
IMPURE_CALLS = re.compile(
    r"open|now|utcnow|today|localtime|make_msgid|read_text|read_bytes|write_text|write_bytes|input|print"
)


def what_is_wrong(each: Import) -> str | None:
    """Why this import may not be, or None."""
    package, target = each.package, each.target_package
    if target is None or package == target or not package:
        return None
    if not target:
        return "the sandbox imports nothing else of mailfax" if package == SANDBOX else None
    if package == SANDBOX:
        return "the sandbox imports nothing else of mailfax"
    if package in LEAVES:
        return None if target in LEAVES[package] else "a leaf imports nobody"
    if target in LEAVES:
        return "what is pure writes no log and no metrics" if package in PURE and target != "config" else None
    if package == "__main__":
        return None if target == "cli" else "__main__ is the command and nothing else"
    if target == SANDBOX:
        return None if package == "cli" else "only cli starts the sandbox"
    if layer_of(package) == layer_of(target):
        return "sideways: packages on one layer do not know each other"
    if layer_of(package) < layer_of(target):
        return "upward: imports go down only"
    return None


def test_imports_go_down_only() -> None:
    wrong = [
        f"{each.module}:{each.line} imports {each.target}: {reason}"
        for each in all_imports()
        if (reason := what_is_wrong(each))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "target", "allowed"),
    [
        ("mailfax.spool.jobs", "mailfax.rules.job", True),
        ("mailfax.spool.jobs", "mailfax.faxcore.client", False),
        ("mailfax.rules.job", "mailfax.spool", False),
        ("mailfax.rules.policy", "mailfax.config", True),
        ("mailfax.config.keys", "mailfax.rules", False),
        ("mailfax.maillog", "mailfax.rules.job", True),
        ("mailfax.rules.policy", "mailfax.maillog", False),
        ("mailfax.offramp.track", "mailfax.onramp", False),
        ("mailfax.offramp.track", "mailfax.faxcore", True),
        ("mailfax.sandbox.api", "mailfax.faxcore", False),
        ("mailfax.sandbox.api", "mailfax", False),
        ("mailfax.service", "mailfax.sandbox", False),
        ("mailfax.cli.demo", "mailfax.sandbox.server", True),
        ("mailfax.service", "mailfax.cli", False),
        ("mailfax.cli.send", "mailfax", True),
    ],
)
def test_the_rule_about_imports_tells_right_from_wrong(module: str, target: str, allowed: bool) -> None:
    assert (what_is_wrong(Import(module, 1, target)) is None) is allowed


def test_every_room_stands_in_the_plan() -> None:
    known = {package for layer in LAYERS for package in layer} | set(LEAVES) | {SANDBOX, "__init__", "__main__"}
    packages = {path.name for path in PACKAGE.iterdir() if path.is_dir() and any(path.glob("*.py"))}
    packages |= {path.stem for path in PACKAGE.glob("*.py")}
    assert packages <= known


def rings(known: dict[str, set[str]]) -> list[str]:
    """The modules that stand in a ring: what imports no ring is taken away until nothing can be."""
    left = {module: set(targets) for module, targets in known.items()}
    while free := [module for module, targets in left.items() if not targets & left.keys()]:
        for module in free:
            del left[module]
    # Who only imports a ring stands in none.
    while outside := [module for module in left if not any(module in targets for targets in left.values())]:
        for module in outside:
            del left[module]
    return sorted(left)


def test_no_modules_import_each_other_in_a_ring() -> None:
    """Not inside a function, nor for the type checker, either: one of them knows more than it should."""
    assert rings(known_modules()) == []


@pytest.mark.parametrize(
    ("known", "found"),
    [
        ({"a": {"b"}, "b": {"c"}, "c": set()}, []),
        ({"a": {"b"}, "b": {"c"}, "c": {"b"}, "d": {"e"}, "e": set()}, ["b", "c"]),
        ({"a": {"b"}, "b": {"c"}, "c": {"a"}}, ["a", "b", "c"]),
    ],
)
def test_the_rule_about_rings_finds_them(known: dict[str, set[str]], found: list[str]) -> None:
    assert rings(known) == found


def what_is_impure(path: Path) -> list[str]:
    """Each line of a module that reaches outside, with what it reaches for."""
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        elif isinstance(node, ast.Call):
            called = node.func
            name = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
            if IMPURE_CALLS.fullmatch(name) or (name == "formatdate" and not node.args):
                found.append(f"{path.name}:{node.lineno} calls {name}()")
            continue
        elif isinstance(node, ast.AsyncFunctionDef):
            found.append(f"{path.name}:{node.lineno} is asynchronous")
            continue
        else:
            continue
        found += [f"{path.name}:{node.lineno} imports {name}" for name in names if IMPURE_MODULES.fullmatch(name)]
    return found


def test_pure_rooms_touch_no_file_socket_clock_or_chance() -> None:
    pure = [path for path in modules() if name_of(path).split(".")[1:2] and name_of(path).split(".")[1] in PURE]
    assert pure
    wrong = [line for path in pure for line in what_is_impure(path)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("source", "pure"),
    [
        ("import os.path", False),
        ("from time import monotonic", False),
        ("import urllib.request", False),
        ("from urllib.parse import quote", True),
        ("value = datetime.now(UTC)", False),
        ("text = open('x').read()", False),
        ("text = path.read_text()", False),
        ("date = formatdate()", False),
        ("date = formatdate(marks.date)", True),
        ("def f():\n    import random", False),
        ("async def f(): ...", False),
        ("import re\nfrom dataclasses import replace", True),
    ],
)
def test_the_rule_about_purity_tells_right_from_wrong(tmp_path: Path, source: str, pure: bool) -> None:
    module = tmp_path / "module.py"
    module.write_text(source)
    assert (not what_is_impure(module)) is pure
