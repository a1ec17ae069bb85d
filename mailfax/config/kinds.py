"""What the value of one key may be: each kind takes what TOML gave and returns the value that the program works with.

In: a str, int, float, bool or list as ``tomllib`` made it. Out: a checked value. What does not fit raises ``Unfit``,
whose text is "reason; what to write instead". Here are text, numbers and lists; ``names`` has the kinds of who
and where to, ``places`` those of what lies in the network and on disk.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

#: ``object`` as TOML gave it becomes a value of the type that the key's field has.
Kind = Callable[[object], Any]

#: The names of what TOML's types are called in TOML's own specification.
_TYPES = {str: "a string", bool: "a boolean", int: "an integer", float: "a float", list: "an array", dict: "a table"}


class Unfit(Exception):
    """A value that can't be used: "reason; what to write instead"."""


def _type(value: object) -> str:
    return _TYPES.get(type(value), "a date or time")


def text(value: object) -> str:
    """One line of text, without blanks around it."""
    if not isinstance(value, str):
        raise Unfit(f'{_type(value)} where text is wanted; write it in quotes: "…"')
    if not value.isprintable():
        raise Unfit("text with control characters; write one line of plain text")
    return value.strip()


def some_text(value: object) -> str:
    """Text that is not empty."""
    written = text(value)
    if not written:
        raise Unfit("empty; write a value, or leave the key out where it has a default")
    return written


def flag(value: object) -> bool:
    """true or false."""
    if not isinstance(value, bool):
        raise Unfit(f"{_type(value)} where a boolean is wanted; write true or false, without quotes")
    return value


def choice(*words: str) -> Kind:
    """One of ``words``."""

    def read(value: object) -> str:
        word = text(value)
        listed = " or ".join(f'"{word}"' for word in words)
        if word not in words:
            raise Unfit(f'"{word}" is not known; write {listed}')
        return word

    return read


def at_least(minimum: float, kind: type[int] | type[float] = float) -> Kind:
    """A finite number of at least ``minimum``; integers only where ``kind`` is int."""
    name = "an integer" if kind is int else "a number"

    def read(value: object) -> int | float:
        if isinstance(value, bool) or not isinstance(value, (int, kind)):
            raise Unfit(f"{_type(value)} where {name} is wanted; write it without quotes, for example {minimum}")
        if not math.isfinite(value) or value < minimum:
            raise Unfit(f"{value} is out of range; write {name} of at least {minimum}")
        return kind(value)

    return read


def several(kind: Kind) -> Kind:
    """A list of values of one kind, each once."""

    def read(value: object) -> tuple[Any, ...]:
        if not isinstance(value, list):
            raise Unfit(f"{_type(value)} where a list is wanted; write it in brackets: [ … ]")
        return tuple(dict.fromkeys(kind(item) for item in value))

    return read


def one_or_several(kind: Kind) -> Kind:
    """A value of one kind, or a list of them that is not empty."""

    def read(value: object) -> tuple[Any, ...]:
        if isinstance(value, dict):
            raise Unfit('a table where text is wanted; a name with a dot stands in quotes: "jane.doe" = …')
        values: tuple[Any, ...] = several(kind)(value) if isinstance(value, list) else (kind(value),)
        if not values:
            raise Unfit("empty, so its mail would go nowhere; write at least one, or leave the key out")
        return values

    return read
