"""No statement reads a table that grows from end to end, and none sorts more than a page: SQLite says so itself."""

from __future__ import annotations

import re
import sqlite3

import pytest

from mailfax.rules.states import INBOUND, JOB, LETTER, NON_FINAL, InboundState, LetterState
from mailfax.spool.queue import NOT_DELIVERED
from mailfax.spool.sql import compile_statement, migrations, statements

#: Tables with a row for each account, payer and hour, process, state, or who is signed in: they stay short.
SHORT = {"account", "spent", "alarm", "process", "tally", "recovery", "bearer"}
#: Indices of a few rows, whatever is in the spool: what is under way just now, is to be cancelled, is wanted again,
#: or is damaged.
FEW = {
    "job_submitting", "letter_leased", "job_cancel_wanted",
    "inbound_again", "document_damaged", "inbound_damaged", "job_damaged", "letter_damaged",
}  # fmt: skip
#: What breaks the rule, and why it may.
EXCEPTIONS = {
    "job_deferred_head": "the first row of an index",
    "letter_head": "the first rows of two indices",
    "report_head": "the first row of an index",
    "outcome_due": "the first rows of an index",
    "letters_due": "all that wait are meant: a relay takes mail again",
    "letter_open": "a page of an index in its order, for a person",
    "letter_newest": "a page of an index in its order, for a person",
    "inbound_open": "a page of an index in its order, for a person",
    "inbound_newest": "a page of an index in its order, for a person",
    "job_newest": "a page of an index in its order, for a person",
    "job_list": "a page of an index in its order, for a person",
    "job_waiting_accounts": "once, when the service starts or reads its configuration again",
    "job_waiting_senders": "once, when the service starts or reads its configuration again",
    "job_waiting_of": "then, if a sender was taken out of the configuration",
    "account_resume_jobs": "all that wait are meant: an account is used again",
    "unheard_sweep": "once an hour; keys stay for five days at most, and most of them for a moment",
    "chunk_sweep": "once an hour, and on PostgreSQL alone",
    "unheard_all_gone": "once, when a process starts",
    "unheard_find": "sorts the faxes of one mail",
    "moments_ahead": "every twenty seconds, what waits or is under way: an index of it, not its rows",
    "recovery_count": "once, when the service starts with a restored copy",
    "recovery_history": "once, when the service starts with a restored copy",
    "recovery_jobs": "once, when the service starts with a restored copy",
    "job_moments": "only after the clock was wrong",
    "document_moments": "only after the clock was wrong",
    "inbound_moments": "only after the clock was wrong",
    "kept_list": "all that a person keeps, for a person",
    "history_of": "sorts the lines of one message and its faxes",
    "queue_rows": "sorts a page",
    "letter_find": "those that wait or are stuck: an index of them, for a person",
    "inbound_rows": "sorts a page",
    "accepted_find": "those whose pages are not made yet: an index of them, for a person",
    "bearer_tokens": "all tokens, for a person",
    "queue_of_sender": "sorts the faxes of each message, of as many as a page needs",
    "shown_by_login": "sorts the faxes of each message, of as many as a page needs",
    "shown_by_address": "sorts the faxes of each message, of as many as a page needs",
    "shown_received": "sorts the received faxes of one user, for a person",
    "shown_spent": "groups the faxes of a month, for an operator; remembered for ten minutes",
    "shown_hours": "groups the faxes of some days, by an index alone, for a person; remembered for a minute",
    "shown_hours_received": "groups the received faxes of some days, by an index alone, for a person",
}


@pytest.fixture(scope="module")
def schema() -> sqlite3.Connection:
    connection = sqlite3.connect(":memory:")
    for _, _, script in migrations():
        for statement in script:
            connection.execute(statement)
    return connection


def plan(schema: sqlite3.Connection, name: str) -> list[str]:
    """What SQLite does for a statement, with lists of two."""
    text = statements()[name]
    values = {key: ("a", "b") if f"(:{key})" in text and "IN" in text else 1 for key in re.findall(r":(\w+)", text)}
    compiled, bound = compile_statement(name, values)
    return [row[3] for row in schema.execute(f"EXPLAIN QUERY PLAN {compiled}", dict(bound))]


def what_is_wrong(schema: sqlite3.Connection, name: str) -> list[str]:
    """The steps that cost more the more there is."""
    tables = {table for (table,) in schema.execute("SELECT name FROM sqlite_master WHERE type = 'table'")} - SHORT
    text, wrong = statements()[name], []
    called = dict(re.findall(r"(?:FROM|JOIN|INTO|UPDATE)\s+(\w+)\s+(?:AS\s+)?(\w)\b", text))
    aliases = {alias: table for table, alias in called.items()}
    for step in plan(schema, name):
        if "VIRTUAL TABLE INDEX" in step and step.endswith(":L0"):
            continue  # FTS5 looks for the characters of a LIKE in its index: no row is read that has them not
        scan = re.match(r"SCAN (?:TABLE )?(\w+)(?: .*USING (?:COVERING )?INDEX (\w+))?", step)
        if scan and aliases.get(scan[1], scan[1]) in tables and scan[2] not in FEW:
            wrong.append(step)
        if "TEMP B-TREE" in step:
            wrong.append(step)
    return wrong


@pytest.mark.parametrize("name", statements())
def test_what_a_statement_reads_does_not_grow(schema: sqlite3.Connection, name: str) -> None:
    if name not in EXCEPTIONS:
        assert what_is_wrong(schema, name) == []


@pytest.mark.parametrize("name", sorted(EXCEPTIONS))
def test_every_exception_is_one(schema: sqlite3.Connection, name: str) -> None:
    assert what_is_wrong(schema, name), "take it off the list"


@pytest.mark.parametrize(
    ("names", "states"),
    [
        (("job_untold", "queue_open"), NON_FINAL),
        (("message_content_gone", "message_record_mark"), JOB.final),
        (("queue_not_delivered",), NOT_DELIVERED),
        (("letter_open",), set(LetterState) - LETTER.final),
        (("inbound_open",), set(InboundState) - INBOUND.final),
        (("inbound_content_gone", "inbound_record_gone"), INBOUND.final),
    ],
)
def test_the_states_that_a_statement_names_are_all_of_them(names: tuple[str, ...], states: set[str]) -> None:
    for name in names:
        [listed] = re.findall(r"state (?:IN|NOT IN) \(('(?!handed)[^)]*)\)", statements()[name])
        assert sorted(listed.replace("'", "").split(", ")) == sorted(states)


@pytest.mark.parametrize(
    "sql", ["SELECT * FROM job ORDER BY subject", "SELECT * FROM message m WHERE m.subject = 'x'"]
)
def test_the_rule_tells_what_is_wrong(schema: sqlite3.Connection, sql: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(statements(), "job_newest", sql)  # type: ignore[arg-type]
    assert what_is_wrong(schema, "job_newest")
