"""``statements.sql`` and the code that calls it agree, and every statement is one that the schema understands."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

import mailfax.spool
from mailfax.spool.damage import TABLES
from mailfax.spool.retention import RECORD
from mailfax.spool.sql import POSTGRESQL, compile_statement, migrations, statements

ROOM = Path(mailfax.spool.__file__).parent
CODE = "\n".join(path.read_text() for path in ROOM.glob("*.py"))
#: What is called by the name of its table: f"{table}_aside".
ASIDE = {
    *(f"{table}_{what}" for table in TABLES for what in ("aside", "damaged", "told")),
    *(f"{table}_{what}" for table in RECORD for what in ("contents", "content_old", "content_gone", "record_old")),
    *(f"{table}_record_{step}" for table, steps in RECORD.items() for step in steps),
    *("export_sent", "export_received", "junk_content_old", "junk_record_old"),
}


@pytest.fixture(scope="module")
def schema() -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(":memory:")
    for _, _, script in migrations():
        for statement in script:
            connection.execute(statement)
    yield connection
    connection.close()


def test_every_block_is_used_and_every_used_name_exists() -> None:
    named = set(re.findall(r'"([a-z]+(?:_[a-z]+)+|counts)"', CODE))
    assert set(statements()) - named - ASIDE == set()
    called = set(re.findall(r'(?:Statement|read|_read)\(\s*\(?"(\w+)"', CODE))
    assert len(called) > 30
    assert called - set(statements()) == set()


@pytest.mark.parametrize("name", sorted(statements()))
def test_the_schema_understands(name: str, schema: sqlite3.Connection) -> None:
    text = statements()[name]
    lists = set(re.findall(r"IN \(:(\w+)\)", text))
    values = {key: ("a", "b") if key in lists else 1 for key in re.findall(r":(\w+)", text)}
    schema.execute("EXPLAIN " + compile_statement(name, values)[0], compile_statement(name, values)[1]).fetchall()


@pytest.mark.parametrize("name", sorted(statements()))
def test_nothing_that_only_sqlite_knows(name: str) -> None:
    assert not re.search(
        r"\b(INSERT OR|REPLACE INTO|rowid|strftime|unixepoch|datetime\(|IFNULL|GLOB|json_each)\b",
        statements(POSTGRESQL)[name],
    )


def test_a_tuple_becomes_a_list_and_an_empty_one_matches_nothing() -> None:
    text, bound = compile_statement("content_known", {"content_ids": ("a", "b")})
    assert text.endswith("IN (:content_ids_0, :content_ids_1)")
    assert bound == {"content_ids_0": "a", "content_ids_1": "b"}
    text, bound = compile_statement("content_known", {"content_ids": ()})
    assert text.endswith("IN (NULL)")
    assert bound == {}


def test_migrations_are_single_statements() -> None:
    for _, name, script in migrations():
        assert script, name
        for statement in script:
            assert statement.startswith(("CREATE ", "ALTER ", "INSERT ", "UPDATE ", "DROP ")), statement
            assert sqlite3.complete_statement(statement)
            if not statement.startswith("CREATE TRIGGER "):  # which has statements inside
                assert statement.count(";") == 1 + statement.count("';'")
