"""The file and its tables: what is written, each key checked by its kind, nothing unknown in it.

In: ``mailfax.toml`` and ``.env``. Out: ``Part`` values, one a table, in which every key has its value or its
default. Raises ``ConfigError``, whose text is "FILE: [table] key: reason; what to write instead".

STANDARDS: TOML 1.0.
"""

from __future__ import annotations

import difflib
import io
import os
import re
import ssl
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from dotenv.parser import parse_stream

from mailfax.config.faults import Faults
from mailfax.config.keys import SECTIONS, Key, Required
from mailfax.config.kinds import Kind, Unfit
from mailfax.config.values import ConfigError


@dataclass(frozen=True, slots=True)
class Part:
    """One table as it was read: every key of its section has a value. ``place`` is how a refusal names it."""

    file: Path
    place: str
    values: dict[str, Any]

    def __getitem__(self, key: str) -> Any:
        return self.values[key]

    def refuse(self, key: str, text: str) -> NoReturn:
        """Raise the ConfigError that names this file, this table and ``key``."""
        raise ConfigError(f"{self.file}: {self.place}{key}: {text}")

    def path(self, key: str, kind: str = "a PEM file") -> Path | None:
        """The file that ``key`` names, beside the configuration unless absolute; it can be read."""
        if not self[key]:
            return None
        path = lent(self.file.parent.absolute() / str(self[key]))
        try:
            path.open("rb").close()
        except OSError as problem:
            self.refuse(key, f'"{path}" can\'t be read ({problem.strerror}); write the path of {kind}')
        return path

    def authorities(self) -> Path | None:
        """The ``ca_file`` of a table: authorities to trust instead of the system's."""
        path = self.path("ca_file")
        if path:
            try:
                ssl.create_default_context(cafile=str(path))
            except (ssl.SSLError, OSError):
                self.refuse("ca_file", f'"{path}" holds no PEM certificate; write the path of one that does')
        return path


def parse(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_bytes().decode())
    except OSError as problem:
        raise ConfigError(f"{path}: can't be read ({problem.strerror}); write its path behind --config") from None
    except UnicodeDecodeError as problem:
        raise ConfigError(f"{path}: byte {problem.start} is not UTF-8; save the file as UTF-8") from None
    except tomllib.TOMLDecodeError as problem:
        text = str(problem)
        raise ConfigError(f"{path}: not TOML: {text[:1].lower()}{text[1:]}; correct that line") from None


def lent(path: Path) -> Path:
    """The copy of a file that systemd lends the service (systemd.exec(5), ``LoadCredential=fax.key:/etc/…/fax.key``),
    known by the name of the file, or the file itself: one configuration for the service, which may not read root's
    files, and for root's commands."""
    folder = os.environ.get("CREDENTIALS_DIRECTORY")
    copy = Path(folder, path.name) if folder else path
    return copy if os.access(copy, os.R_OK) else path


def read_dotenv(path: Path) -> dict[str, str]:
    """The variables in ``.env``, if there is one that this user may read: systemd reads root's for the service, which
    has them in its environment or as a credential then. Nothing is expanded: any password can stand there.
    """
    path = lent(path)
    try:
        lines = list(parse_stream(io.StringIO(path.read_text("utf-8"))))
    except (FileNotFoundError, PermissionError):
        return {}
    except (OSError, UnicodeDecodeError) as problem:
        reason = getattr(problem, "strerror", None) or "not UTF-8"
        raise ConfigError(f"{path}: can't be read ({reason}); fix or remove it") from None
    for line in lines:
        if line.error or (line.key and line.value is None):
            raise ConfigError(f"{path}: line {line.original.line} is not understood; write NAME='value'")
    return {line.key: line.value for line in lines if line.key and line.value is not None}


def read_section(path: Path, name: str, tables: dict[str, Any]) -> list[Part]:
    """All tables of the section ``name``, each key checked by its kind."""
    section, faults = SECTIONS[name], Faults()
    if not name:
        unknown = _unknown_tables(tables)
        for each in unknown:
            faults.of(_refuse_table, path, each)
        top = {key: value for key, value in tables.items() if key not in SECTIONS and key not in unknown}
        parts = [faults.of(_read_table, path, name, "", top)]
        faults.refuse()
        return parts
    header = f"[[{name}]]" if section.repeated else f"[{name}]"
    written = tables.get(name, [] if section.repeated else {})
    listed = written if section.repeated else [written]
    if not isinstance(listed, list) or not all(isinstance(table, dict) for table in listed):
        raise ConfigError(f"{path}: {name}: not written as this table is; write {header}")
    if section.required and not listed:
        raise ConfigError(f"{path}: {header}: missing; write one as config/mailfax.toml shows it")
    if not section.repeated:
        return [_read_table(path, name, f"{header} ", written)]
    parts = [
        faults.of(_read_table, path, name, f"[{name} {table['name'] if _named(name, table) else number}] ", table)
        for number, table in enumerate(listed, 1)
    ]
    faults.refuse()
    return parts


def _named(section: str, table: dict[str, Any]) -> bool:
    """Whether a refusal can call the table by its name; a sender's name is for cover pages and may be anything."""
    return section != "sender" and isinstance(table.get("name"), str) and table["name"].isprintable()


def _read_table(path: Path, name: str, place: str, table: dict[str, Any]) -> Part:
    keys, own = SECTIONS[name].keys, SECTIONS[name].own
    part = Part(path, place, {})
    if own:
        _read_own(part, own, table)
        return part
    faults = Faults()
    unknown = [key for key in table if key not in keys]
    for key in unknown:
        faults.of(part.refuse, key, _what_instead(name, key, table))
    misspelt = {meant for key in unknown for meant in difflib.get_close_matches(key, keys, n=1)}
    for key, rule in keys.items():
        if key in table or key not in misspelt:
            faults.of(_read_key, part, key, rule, table)
    faults.refuse()
    return part


def _read_key(part: Part, key: str, rule: Key, table: dict[str, Any]) -> None:
    if key not in table:
        if isinstance(rule.default, Required):
            part.refuse(key, f"missing; write for example {key} = {rule.default.example}")
        part.values[key] = rule.default
        return
    try:
        part.values[key] = rule.kind(table[key])
    except Unfit as problem:
        part.refuse(key, str(problem))


def _read_own(part: Part, own: tuple[Kind, Kind], table: dict[str, Any]) -> None:
    """The keys of a section whose keys are the site's own."""
    name_kind, value_kind = own

    def read(key: str, value: Any) -> None:
        try:
            name = name_kind(key)
            if name in part.values:
                part.refuse(key, "stands there twice, in capitals and not; leave one of the two out")
            part.values[name] = value_kind(value)
        except Unfit as problem:
            part.refuse(key, str(problem))

    faults = Faults()
    for key, value in table.items():
        faults.of(read, key, value)
    faults.refuse()


def _unknown_tables(tables: dict[str, Any]) -> list[str]:
    def is_table(value: Any) -> bool:
        return isinstance(value, dict) or (isinstance(value, list) and bool(value) and isinstance(value[0], dict))

    return [name for name, value in tables.items() if is_table(value) and name not in SECTIONS]


def _refuse_table(path: Path, name: str) -> NoReturn:
    known = [f"[[{each}]]" if section.repeated else f"[{each}]" for each, section in SECTIONS.items() if each]
    raise ConfigError(f"{path}: [{name}]: unknown table; {nearest(f'[{name}]', known)}")


def _what_instead(section: str, key: str, table: dict[str, Any]) -> str:
    """What to say about a key that this section does not have."""
    if key == "password" and section in ("account", "relay"):
        variable = password_name(str(table.get("name", ""))) if section == "account" else "MAILFAX_RELAY_PASSWORD"
        return f"a password never stands in this file; set {variable} in the environment or in .env"
    if key in SECTIONS[""].keys:
        return "belongs to the top of the file; write it above the first [table]"
    return f"unknown key; {nearest(key, SECTIONS[section].keys)}"


def nearest(name: str, known: Iterable[str]) -> str:
    names = list(known)
    near = difflib.get_close_matches(name, names, n=1)
    return f"did you mean {near[0]}?" if near else f"write one of {', '.join(names)}"


def password_name(account: str, of: str = "ACCOUNT") -> str:
    """The environment variable of an account's password, or of another one that it has: "PDF"."""
    return f"MAILFAX_{of}_{re.sub('[^A-Z0-9]', '_', account.upper())}_PASSWORD"
