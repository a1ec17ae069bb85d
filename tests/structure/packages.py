"""The packages as their imports show them: which package imports which. Read with ``ast``; nothing is executed.

In: the folder ``mailfax``. Out: modules, packages and imports. ``LAYERS`` is the plan that the imports must keep to.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).parents[2]
PACKAGE = TOP / "mailfax"

#: From the lowest up. A package may import packages of lower layers; never one of its own layer or above.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("rules",),
    ("letters",),
    ("smtpd", "spool", "render", "faxcore", "relay", "targets", "passwords", "directory", "oidc", "proof"),
    ("context",),
    ("offramp", "onramp", "postmaster", "web"),
    ("pages",),
    ("wiring",),
    ("service",),
    ("cli",),
)
#: What a figure calls them. ``letters`` stands on ``rules``, both pure: together they are layer 0.
#: The workers stand on ``context``, ``pages`` on the workers whose steps it shows and starts, ``service`` on
#: ``wiring``.
LAYER_NAMES = ("layer 0", "layer 0", "layer 1", "layer 2", "layer 2", "layer 2", "layer 3", "layer 3", "layer 4")
#: Everybody may import these. They import nobody, but for maillog, whose events are about the values of ``rules``.
LEAVES: dict[str, tuple[str, ...]] = {
    "maillog": ("rules",),
    "log_lines": ("maillog",),
    "config": (),
    "clock": (),
    "systemd": (),
    "working_folder": (),
}
#: A program of its own: imports nothing else of mailfax, and only ``cli`` starts it.
SANDBOX = "sandbox"
PURE = ("rules", "letters")


@dataclass(frozen=True, slots=True)
class Import:
    """One import: ``module`` (dotted, of ours) imports ``target`` (dotted, anybody's) on ``line``."""

    module: str
    line: int
    target: str

    @property
    def package(self) -> str:
        return package_of(self.module)

    @property
    def target_package(self) -> str | None:
        """The package that is imported; None where the target is not of ours."""
        return package_of(self.target) if self.target.split(".")[0] == "mailfax" else None


def package_of(module: str) -> str:
    """The package of a dotted module of ours; "" for ``mailfax`` itself, which only holds the version."""
    return module.split(".")[1] if "." in module else ""


def modules() -> list[Path]:
    """Every module of mailfax."""
    return sorted(PACKAGE.rglob("*.py"))


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
                # "from mailfax import relay" names a package, "from mailfax import __version__" does not.
                is_module = source == "mailfax" and not alias.name.startswith("_")
                yield Import(module, node.lineno, f"{source}.{alias.name}" if is_module else source)


def known_modules() -> dict[str, set[str]]:
    """Each module with the modules of ours that it imports. A name that is a module stands for that module, and
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


def layer_of(package: str) -> int:
    """The number of a package's row in ``LAYERS``; raises LookupError for a package that the plan does not have."""
    for number, packages in enumerate(LAYERS):
        if package in packages:
            return number
    raise LookupError(
        f"the plan has no package {package!r}; tests/structure/packages.py says on which layer it stands"
    )
