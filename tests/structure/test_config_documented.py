"""``config/mailfax.toml`` is the reference: every key that the loader knows, with its default, and no other."""

from __future__ import annotations

import itertools
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values

from mailfax.config import load
from mailfax.config.keys import SECTIONS, Required
from mailfax.config.places import network
from tests.structure.packages import TOP

REFERENCE = TOP / "config/mailfax.toml"
#: Left out, these depend on other keys; the reference shows what they are on loopback.
DEPENDENT = {("listener", "networks"): [network("127.0.0.0/8"), network("::1/128")]}
#: Keys that have no default, and share their name with one that has.
PLACED = {("sender", "allow")}

_KEY = re.compile(r"(?P<mute>#?)(?P<key>[a-z_]+|\"[^\"]+\") = (?P<value>.+)")
_TABLE = re.compile(r"\[\[?(?P<name>\w+)\]\]?")


def documented() -> dict[tuple[str, str], tuple[bool, Any]]:
    """(table, key) -> (whether it stands behind "#", its value)."""
    found: dict[tuple[str, str], tuple[bool, Any]] = {}
    table = ""
    for line in REFERENCE.read_text().splitlines():
        if match := _TABLE.fullmatch(line):
            table = match["name"]
        elif match := _KEY.fullmatch(line):
            key = match["key"].strip('"')
            assert (table, key) not in found, f"[{table}] {key} stands there twice"
            value = tomllib.loads(f"value = {match['value']}")["value"]
            found[table, key] = (bool(match["mute"]), value)
    return found


def test_every_key_of_the_loader_stands_in_the_reference_and_no_other() -> None:
    known = {(name, key) for name, section in SECTIONS.items() for key in section.keys}
    assert {place for place in documented() if not SECTIONS[place[0]].own} == known


def test_keys_of_the_site_s_own_are_shown_by_examples_that_are_taken() -> None:
    shown = [(table, key, value) for (table, key), (_, value) in documented().items() if SECTIONS[table].own]
    assert {table for table, _, _ in shown} == {name for name, section in SECTIONS.items() if section.own}
    for table, key, value in shown:
        own = SECTIONS[table].own
        assert own
        name_kind, value_kind = own
        assert name_kind(key) in (key, key.removeprefix("+"))
        assert value_kind(value)


def test_every_key_has_its_meaning_above_it() -> None:
    """A comment, or another key that shares one; a table's first key may stand right below the table's own."""
    lines = REFERENCE.read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if _KEY.fullmatch(line):
            assert above.startswith("#") or _TABLE.fullmatch(above), f"no meaning above: {line}"


@pytest.mark.parametrize(("table", "key"), [place for place in documented() if not SECTIONS[place[0]].own])
def test_what_stands_behind_a_sign_is_the_default(table: str, key: str) -> None:
    mute, value = documented()[table, key]
    rule = SECTIONS[table].keys[key]
    if isinstance(rule.default, Required):
        assert not mute, "a key without a default is shown as one that must be written"
    elif mute and rule.default not in ("", None, ()):
        assert rule.kind(value) == rule.default
    elif (table, key) in DEPENDENT:
        assert list(rule.kind(value)) == DEPENDENT[table, key]


def test_the_reference_is_a_configuration_that_starts() -> None:
    secrets = {name: value for name, value in dotenv_values(TOP / "config/.env.example").items() if value}
    config = load(REFERENCE, secrets)
    assert [account.name for account in config.accounts] == ["main"]


def test_the_reference_starts_with_every_default_written_out(tmp_path: Path) -> None:
    """Examples of file names and of a Maildir stand behind a sign, too, and can't be written beside the rest."""
    examples = {"certificate", "key", "ca_file", "cover_folder", "maildir", "contacts_file", "blocked_file"}
    examples |= {"dkim_domain", "dkim_selector", "dkim_key_file"}
    lines, table = [], ""
    for line in REFERENCE.read_text().splitlines():
        if match := _TABLE.fullmatch(line):
            table = match["name"]
        match = _KEY.fullmatch(line)
        is_default = match and match["mute"] and match["key"] not in examples and (table, match["key"]) not in PLACED
        lines.append(line[1:] if is_default and not SECTIONS[table].own else line)
    written = tmp_path / "mailfax.toml"
    written.write_text("\n".join(lines))
    secrets = {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "secret"}
    as_shown, as_written = load(REFERENCE, secrets), load(written, secrets)
    assert as_written.listeners == as_shown.listeners
    assert as_written.accounts == as_shown.accounts
    assert as_written.senders == as_shown.senders
    assert as_written.relay == as_shown.relay
    assert as_written.limits == as_shown.limits
    assert (as_written.routes, as_written.received) == (as_shown.routes, as_shown.received)
    assert as_written.render == as_shown.render
    assert as_written.destinations == as_shown.destinations
    assert as_written.password_file.name == as_shown.password_file.name


def test_the_configuration_in_the_readme_is_a_whole_one(tmp_path: Path) -> None:
    """Whoever copies it and sets the password has a code that starts."""
    _, _, rest = (TOP / "README.md").read_text("utf-8").partition("```toml\n")
    file = tmp_path / "mailfax.toml"
    file.write_text(rest.partition("```")[0], "utf-8")
    config = load(file, {"MAILFAX_ACCOUNT_MAIN_PASSWORD": "secret"})
    assert config.account("main") is not None
