"""The house as its imports show it: which room imports which. Read with ``ast``; nothing is executed.

In: the folder ``mailfax``. Out: modules, rooms and imports. ``FLOORS`` is the plan that the imports must keep to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
HOUSE = TOP / "mailfax"

#: From the ground up. A room may import rooms of lower floors; never one of its own floor or above.
FLOORS: tuple[tuple[str, ...], ...] = (
    ("rules",),
    ("letters",),
    ("smtpd", "spool", "render", "faxcore", "relay", "passwords", "proof"),
    ("context",),
    ("offramp", "onramp", "postmaster", "web"),
    ("wiring",),
    ("service",),
    ("cli",),
)
#: What a figure calls them. ``letters`` stands on ``rules``, both pure: together they are floor 0.
#: The carriers stand on ``context``, and ``service`` on ``wiring``.
FLOOR_NAMES = ("floor 0", "floor 0", "floor 1", "floor 2", "floor 2", "floor 3", "floor 3", "floor 4")
#: Everybody may import these. They import nobody, but for maillog, whose events are about the values of ``rules``.
LEAVES: dict[str, tuple[str, ...]] = {
    "maillog": ("rules",),
    "log_lines": ("maillog",),
    "config": (),
    "clock": (),
    "systemd": (),
    "working_folder": (),
}
#: A separate house: imports nothing else of mailfax, and only ``cli`` starts it.
SANDBOX = "sandbox"
PURE = ("rules", "letters")


@dataclass(frozen=True, slots=True)
class Import:
    """One import: ``module`` (dotted, of our house) imports ``target`` (dotted, anybody's) on ``line``."""

    module: str
    line: int
    target: str

    @property
    def room(self) -> str:
        return room_of(self.module)

    @property
    def target_room(self) -> str | None:
        """The room that is imported; None where the target is not of our house."""
        return room_of(self.target) if self.target.split(".")[0] == "mailfax" else None


def room_of(module: str) -> str:
    """The room of a dotted module of ours; "" for ``mailfax`` itself, which only holds the version."""
    return module.split(".")[1] if "." in module else ""


def modules() -> list[Path]:
    """Every module of the house."""
    return sorted(HOUSE.rglob("*.py"))


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(TOP).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports_of(path: Path) -> Iterator[Import]:
    """All imports of a module, those inside functions and ``if TYPE_CHECKING`` too."""
    module = name_of(path)
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(module, node.lineno, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = package.rsplit(".", node.level - 1)[0] if node.level else ""
            source = ".".join(filter(None, (base, node.module)))
            for alias in node.names:
                # "from mailfax import relay" names a room, "from mailfax import __version__" does not.
                is_module = source == "mailfax" and not alias.name.startswith("_")
                yield Import(module, node.lineno, f"{source}.{alias.name}" if is_module else source)


def known_modules() -> dict[str, set[str]]:
    """Each module with the modules of our house that it imports. A name that is a module stands for that module, and
    not for its package: "from mailfax.letters import texts" asks nothing of ``mailfax/letters/__init__.py``."""
    names = {name_of(path) for path in modules()}
    known: dict[str, set[str]] = {name: set() for name in names}
    for path in modules():
        module = name_of(path)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                targets = {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                full = {f"{node.module}.{alias.name}" for alias in node.names}
                targets = {name if name in names else node.module for name in full}
            else:
                continue
            known[module] |= targets & names - {module}
    return known


def all_imports() -> list[Import]:
    """Every import of every module."""
    return [each for path in modules() for each in imports_of(path)]


def floor_of(room: str) -> int:
    """The number of a room's row in ``FLOORS``; raises LookupError for a room that the plan does not have."""
    for number, rooms in enumerate(FLOORS):
        if room in rooms:
            return number
    raise LookupError(f"the plan has no room {room!r}; tests/house/street.py says on which floor it stands")
