"""A spool of an older version is brought up with everything that is under way in it."""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.states import JobEvent, JobState
from mailfax.spool import Keys, Spool, Unheard
from mailfax.spool.sql import migrations
from tests.spool.conftest import Database, only

if TYPE_CHECKING:
    from tests.spool.conftest import Mails, OpenSpool
    from tests.support.postgresql import Cluster

pytestmark = pytest.mark.anyio

MAIL = b"Received: from here\r\nSubject: Invoice 12\r\n\r\nHello\r\n"


def schema_of(path: Path, number: int) -> sqlite3.Connection:
    """A spool without anything in it, as the version made it that knew so many migrations."""
    connection = sqlite3.connect(path)
    connection.execute(
        "CREATE TABLE migration (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
    )
    for known, name, statements in migrations()[:number]:
        for statement in statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migration VALUES (?, ?, 1)", (known, name))
    connection.commit()
    return connection


def lay_down(path: Path) -> None:
    """A spool of the first version: a mail with two jobs, one of them at FaxCore."""
    connection = schema_of(path, 1)
    connection.execute("INSERT INTO process VALUES (7, 1, 0, 'host', 1)")
    for content_id, data in (("c1", MAIL), ("c2", b"%PDF-1.7")):
        digest = hashlib.sha256(data).hexdigest()
        connection.execute("INSERT INTO content VALUES (?, ?, ?, 1, ?)", (content_id, len(data), digest, data))
    connection.execute(
        "INSERT INTO message VALUES ('B000000001', 1, 'alice@example.com', '', '', '192.0.2.1', 'l', '', 'main',"
        " 'Alice', '', '', 1, '<1@example.com>', 'Invoice 12', 'c1', ?)",
        (len(MAIL),),
    )
    connection.execute(
        "INSERT INTO document VALUES ('B000000001', 'ready', 1, 1, 2, 7, 0, 'c2', 'a.pdf', 1, '', '[]', '[]', '', 0)"
    )
    for n, state, fax_id in ((1, "ready", ""), (2, "submitted", "4711")):
        connection.execute(
            "INSERT INTO job VALUES (?, 'B000000001', 'main', '1555@fax.local', '15551234567', '', NULL, '', ?, ?, 1,"
            " 9e9, 1, 3, 1, 7, 0, ?, 1, 1, 1, 0, 0, 0, 0, NULL, NULL, NULL, NULL, NULL, '', 0)",
            (f"B000000001-{n}", f"REF00{n}", state, fax_id),
        )
    connection.execute("INSERT INTO fax_id VALUES ('main', '4711', 'job', 'B000000001-2', 1)")
    connection.commit()
    connection.close()


@only("sqlite")  # no version without PostgreSQL has left one behind there
async def test_what_is_under_way_goes_on(open_spool: OpenSpool, tmp_path: Path, mails: Mails) -> None:
    lay_down(tmp_path / "spool.db")
    spool = await open_spool()
    assert spool.epoch == 8
    message = await spool.intake.message("B000000001")
    assert message
    assert (message.subject, message.payer, message.faxes_per_day, message.pages_per_day) == ("Invoice 12", "", 0, 0)
    assert await spool.content.read(message.content_id) == MAIL
    assert await spool.intake.header(message) == MAIL.partition(b"\r\n\r\n")[0] + b"\r\n"
    claimed = await spool.jobs.claim(["main"], 60)
    assert claimed
    assert (claimed.job.queue_id, claimed.job.subject) == ("B000000001-1", None)
    assert await spool.content.read(claimed.document.content_id) == b"%PDF-1.7"
    [submitted] = [job for job in await spool.jobs.tracked("main") if job.state is JobState.SUBMITTED]
    ended = submitted.after(JobEvent.COMPLETED, ended_at=2.0)
    await spool.jobs.advance(submitted, ended, JobEvent.COMPLETED, letters=[mails.letter(about=submitted.queue_id)])
    [job] = await mails.accept(spool)
    assert await spool.unheard.find([Keys("k")]) == []
    new = mails.message()
    other = mails.job(new)
    await spool.intake.accept(
        new, [other], spool.content.begin(), unheard=[Unheard(Keys("k"), other.queue_id)], ceiling=9
    )
    assert (await spool.counts()).jobs == {"submitting": 1, "delivered": 1, "accepted": 2}
    assert job.queue_id != other.queue_id


@pytest.mark.parametrize("schema", range(1, len(migrations()) + 1))
async def test_every_version_leads_to_the_same_tables(schema: int, tmp_path: Path) -> None:
    def tables(path: Path) -> dict[str, list[str]]:
        with contextlib.closing(sqlite3.connect(path)) as connection:
            names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master ORDER BY name")]
            return {
                name: sorted(row[1] for row in connection.execute(f"PRAGMA table_info({name})")) for name in names
            }

    for folder in ("old", "new"):
        (tmp_path / folder).mkdir()
    schema_of(tmp_path / "old" / "spool.db", schema).close()
    for folder in ("old", "new"):
        await (await Spool.open("sqlite:///spool.db", tmp_path / folder)).close()
    assert tables(tmp_path / "old" / "spool.db") == tables(tmp_path / "new" / "spool.db")


async def columns(database: Database, of: str) -> dict[str, list[str]]:
    """The columns of each table."""
    rows = await database.run(of)
    return {table: sorted(column for name, column in rows if name == table) for table, _ in rows}


@pytest.mark.needs("pg_ctl")
async def test_both_engines_have_the_same_tables(tmp_path: Path, cluster: Cluster) -> None:
    await (await Spool.open("sqlite:///spool.db", tmp_path)).close()
    here = await columns(
        Database("sqlite:///spool.db", tmp_path),
        "SELECT m.name, c.name FROM sqlite_master m, pragma_table_info(m.name) c WHERE m.type = 'table'"
        " AND m.name NOT LIKE 'searched%'",  # FTS5's own
    )
    there = await columns(
        Database(await cluster.new_database(), tmp_path),
        "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'",
    )
    there["tally"].remove("slot")
    assert here == there


@pytest.mark.needs("pg_ctl")
async def test_both_engines_have_the_same_indices(tmp_path: Path, cluster: Cluster) -> None:
    await (await Spool.open("sqlite:///spool.db", tmp_path)).close()
    here = await Database("sqlite:///spool.db", tmp_path).run(
        "SELECT name FROM sqlite_master WHERE type = 'index' AND name NOT LIKE 'sqlite_autoindex%' ORDER BY name"
    )
    there = await Database(await cluster.new_database(), tmp_path).run(
        "SELECT indexname FROM pg_indexes WHERE schemaname = 'public' AND indexname NOT LIKE '%_pkey'"
        " AND indexname NOT LIKE '%_key' AND indexname <> 'searchable_text' OR indexname = 'document_render_key'"
        " ORDER BY indexname"
    )
    assert here == there


@only("postgresql")
async def test_a_newer_version_adds_columns_while_this_one_runs(
    spool: Spool, mails: Mails, database: Database
) -> None:
    """PostgreSQL refuses a plan that was made for fewer columns: it is made again, and nobody notices."""
    for _ in range(7):  # from the sixth time on the plan is kept
        await mails.submitting(spool)
    for table in ("job", "document", "message", "letter"):
        await database.run(f"ALTER TABLE {table} ADD COLUMN later TEXT NOT NULL DEFAULT 'x'")
    claimed = await mails.submitting(spool)
    assert (await spool.jobs.get(claimed.job.queue_id)) == claimed.job
    assert (await spool.counts()).jobs == {"submitting": 8}
