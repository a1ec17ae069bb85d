"""Aliases and lists: names of our own that stand for fax numbers.

In: the names of ``[aliases]`` with their members (numbers and further names). Out: each name with the numbers that it
reaches, every number once, in the order written. What can't be resolved is a ``ConfigError`` that names the alias, so
that a service never starts with a list that would miss somebody.

LIMITS: a name never looks like a number, an address form or our postmaster, so that no address has two meanings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from mailfax.config import ConfigError
from mailfax.rules.address import Mailbox, parse_mailbox
from mailfax.rules.envelope import FaxNumber
from mailfax.rules.number import Unfit, read_number

Aliases = Mapping[str, tuple[FaxNumber, ...]]


def resolve_aliases(
    written: Sequence[tuple[str, Sequence[str]]], *, default_country: str, reserved: Sequence[str] = ()
) -> Aliases:
    """name in lower case -> its numbers. ``reserved`` are names that mean something else already."""
    members: dict[str, Sequence[str]] = {}
    for name, its_members in written:
        key = name.casefold()
        if why := _why_no_name(name, reserved):
            raise ConfigError(f'[aliases] {name}: {why}; choose a name of letters such as "sales"')
        if key in members:
            raise ConfigError(f"[aliases] {name}: named twice (upper and lower case are the same); remove one")
        if not its_members:
            raise ConfigError(f"[aliases] {name}: has no members; write at least one fax number")
        members[key] = its_members
    resolved: dict[str, tuple[FaxNumber, ...]] = {}
    for name in members:
        _resolve(name, members, resolved, (), default_country)
    return resolved


def _resolve(
    name: str,
    members: Mapping[str, Sequence[str]],
    resolved: dict[str, tuple[FaxNumber, ...]],
    path: tuple[str, ...],
    country: str,
) -> tuple[FaxNumber, ...]:
    """The numbers of ``name``; ``path`` are the names that led here."""
    if name in resolved:
        return resolved[name]
    if name in path:
        raise ConfigError(f"[aliases] {name}: contains itself ({' -> '.join((*path, name))}); break the circle")
    numbers: dict[str, FaxNumber] = {}
    for member in members[name]:
        if member.casefold() in members:
            found = _resolve(member.casefold(), members, resolved, (*path, name), country)
        else:
            number = read_number(member, default_country=country)
            if isinstance(number, Unfit):
                raise ConfigError(
                    f'[aliases] {name}: "{member}" is neither a fax number ({number.why}) nor another alias; write '
                    "the number with + and country code"
                )
            found = (number,)
        for one in found:
            numbers.setdefault(one.dialled, FaxNumber(one.dialled, name, one.region))
    resolved[name] = tuple(numbers.values())
    return resolved[name]


def _why_no_name(name: str, reserved: Sequence[str]) -> str:
    """Why ``name`` can't be an alias; "" where it can."""
    if name.casefold() in {"postmaster", *(one.casefold() for one in reserved)}:
        return "this name means something else already"
    if "=" in name or "/" in name:
        return "a name has no = and no /, which begin cover fields and FAX=…"
    if not any(char.isalpha() for char in name):
        return "it could be read as a number"
    quoted = parse_mailbox('"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"@fax.local')
    if not isinstance(quoted, Mailbox):
        return quoted
    return ""
