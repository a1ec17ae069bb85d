"""The statements of the spool, read from ``statements.sql``, and the numbered migrations beside it.

In: a block's name and its values. Out: SQL with ``:name`` parameters, and the values to bind.
"""

from __future__ import annotations

import functools
import re
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
_BLOCK = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@functools.cache
def statements() -> Mapping[str, str]:
    """All blocks of ``statements.sql`` by name, without their comments."""
    _, *parts = _BLOCK.split((HERE / "statements.sql").read_text("ascii"))
    blocks: dict[str, str] = {}
    for name, body in zip(parts[::2], parts[1::2], strict=True):
        if name in blocks:
            raise ValueError(f"statements.sql: {name} stands there twice")
        blocks[name] = "\n".join(line for line in body.splitlines() if line and not line.startswith("--"))
    return blocks


def compile_statement(name: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The SQL of a block and what to bind: a tuple becomes as many parameters as it has items, an empty one NULL."""
    text = statements()[name]
    lists = [key for key, value in values.items() if isinstance(value, tuple)]
    if not lists:
        return text, values
    bound = dict(values)
    for key in lists:
        places = {f"{key}_{number}": item for number, item in enumerate(bound.pop(key))}
        bound.update(places)
        text = text.replace(f"(:{key})", "(" + (", ".join(f":{place}" for place in places) or "NULL") + ")")
    return text, bound


@functools.cache
def migrations() -> tuple[tuple[int, str, tuple[str, ...]], ...]:
    """(number, file name, statements) of every migration, in order, numbered from 1 without a gap."""
    found = tuple(
        (int(path.name[:4]), path.name, _split(path.read_text("ascii")))
        for path in sorted((HERE / "migrations").glob("[0-9][0-9][0-9][0-9]_*.sql"))
    )
    if [number for number, _, _ in found] != list(range(1, len(found) + 1)):
        raise ValueError("migrations are numbered from 0001 without a gap")
    return found


def _split(script: str) -> tuple[str, ...]:
    """The single statements of a script: ``executescript`` would commit what is open, so it is of no use here."""
    single: list[str] = []
    part = ""
    for line in script.splitlines(keepends=True):
        if not part and (line.startswith("--") or not line.strip()):
            continue
        part += line
        if sqlite3.complete_statement(part):
            single.append(part.strip())
            part = ""
    return tuple(single)
