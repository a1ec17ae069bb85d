"""What was in the file is in the database, and nobody goes on with the file."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mailfax.rules.states import JobEvent
from mailfax.spool import ContentDamaged, Counts, Spool, SpoolRefused
from mailfax.spool.moving import MOVED, TABLES, Step, move
from mailfax.spool.server import Server
from mailfax.spool.sql import migrations
from tests.spool.conftest import Database, only

if TYPE_CHECKING:
    from mailfax.rules.job import FaxJob
    from tests.spool.conftest import Clock, Mails, OpenSpool
    from tests.support.postgresql import Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.needs("pg_ctl")]
SOURCE = "sqlite:///spool.db"
on_sqlite = only("sqlite")


@pytest.fixture
async def there(cluster: Cluster) -> str:
    """An empty spool."""
    return await cluster.new_database()


async def fill(spool: Spool, mails: Mails) -> list[FaxJob]:
    """Something of everything, small and large."""
    await mails.accept(spool, body=os.urandom(3_000_000))
    sent = await mails.submitted(spool, "4711")
    done = sent.after(JobEvent.COMPLETED, ended_at=1.0)
    letters = [mails.letter(content=b"x" * 100_000), mails.letter()]
    await spool.jobs.advance(sent, done, JobEvent.COMPLETED, letters=letters)
    await mails.ready(spool, 3)
    await spool.inbound.listed("main", [mails.received("1"), mails.received("2")])
    await spool.ledger.foreign("main", ["8", "9"])
    await spool.accounts.pause("other", "401")
    await spool.retention.keep("@example.com")
    return await spool.jobs.listing()


def test_every_table_moves() -> None:
    made = {
        table for _, _, script in migrations() for part in script for table in re.findall(r"CREATE TABLE (\w+)", part)
    }
    elsewhere = {"chunk", "tally", "searchable"}
    assert made - set(TABLES) == elsewhere, "contents become chunks; triggers count, and write what is searched"


@on_sqlite
async def test_everything_moves(
    open_spool: OpenSpool, mails: Mails, clock: Clock, tmp_path: Path, there: str
) -> None:
    before = await open_spool()
    jobs = await fill(before, mails)
    counts, history = await before.counts(), [await before.history.of(job.message) for job in jobs]
    messages = [await before.intake.message(job.message) for job in jobs]
    bytes_of = {each.content_id: await before.content.read(each.content_id) for each in messages if each}
    letters, faxes = await before.outbox.listing(), await before.inbound.listing()
    await before.close()
    steps: list[Step] = []

    assert await move(SOURCE, tmp_path, Server(there), steps.append, clock()) == []

    after = await Spool.open(there, tmp_path, clock=clock)
    try:
        assert after.epoch == before.epoch + 1
        assert await after.jobs.listing() == jobs
        assert await after.counts() == counts
        assert [await after.history.of(job.message) for job in jobs] == history
        assert [await after.intake.message(job.message) for job in jobs] == messages
        assert {name: await after.content.read(name) for name in bytes_of} == bytes_of
        assert (await after.outbox.listing(), await after.inbound.listing()) == (letters, faxes)
        for letter in letters:
            assert await after.outbox.get(letter.letter_id)
        assert await after.ledger.unknown("main", ["4711", "8", "1", "new"]) == ["new"]
        assert (await after.accounts.state("other")).paused_reason == "401"
        assert [each.what for each in await after.retention.kept()] == ["@example.com"], "a legal hold moves, too"
        await mails.ready(after)
        assert await after.jobs.claim(["main"], 60), "and it goes on"
        assert await after.sweep() == 0
    finally:
        await after.close()
    assert [path.name for path in tmp_path.glob("spool*")] == ["spool.db" + MOVED]
    assert {step.what for step in steps if step.done == step.of} >= {"job", "history", "files"}


@on_sqlite
async def test_a_spool_in_use_stays_where_it_is(
    open_spool: OpenSpool, mails: Mails, clock: Clock, tmp_path: Path, there: str
) -> None:
    spool = await open_spool()
    [job] = await mails.accept(spool)
    with pytest.raises(SpoolRefused, match=r"spool\.db: is in use; stop mailfax, and try again"):
        await move(SOURCE, tmp_path, Server(there), lambda step: None, clock())
    assert await spool.jobs.get(job.queue_id) == job
    assert len(await mails.accept(spool)) == 1
    empty = await Spool.open(there, tmp_path)
    assert await empty.counts() == Counts()
    await empty.close()


@on_sqlite
async def test_a_database_that_was_used_is_none_to_move_to(
    open_spool: OpenSpool, mails: Mails, clock: Clock, tmp_path: Path, there: str
) -> None:
    await (await Spool.open(there, tmp_path)).close()
    spool = await open_spool()
    await mails.accept(spool)
    await spool.close()
    with pytest.raises(SpoolRefused, match="used already; name an empty database"):
        await move(SOURCE, tmp_path, Server(there), lambda step: None, clock())
    again = await open_spool()
    assert (await again.counts()).jobs == {"accepted": 1}


async def test_no_spool_is_made_to_be_moved(tmp_path: Path, there: str) -> None:
    with pytest.raises(SpoolRefused, match="there is no spool"):
        await move(SOURCE, tmp_path, Server(there), lambda step: None, 0.0)
    assert list(tmp_path.iterdir()) == []


@on_sqlite
async def test_what_is_damaged_moves_as_damaged(
    open_spool: OpenSpool, mails: Mails, clock: Clock, tmp_path: Path, there: str, database: Database
) -> None:
    spool = await open_spool()
    [bad], [good] = await mails.ready(spool), await mails.ready(spool)
    [lost] = await mails.accept(spool, body=b"x" * 100_000)
    message = await spool.intake.message(lost.message)
    assert message
    await spool.close()
    await database.run("UPDATE job SET submit_at = 'soon', subject = 'a' || char(0) WHERE queue_id = ?", bad.queue_id)
    await database.lose(message.content_id)

    [told] = await move(SOURCE, tmp_path, Server(there), lambda step: None, clock())

    assert message.content_id in told
    after = await Spool.open(there, tmp_path, clock=clock)
    assert (await after.counts()).damaged == {"job": 1}
    assert [row.name for row in await after.damage.untold()] == [bad.queue_id]
    assert await after.jobs.get(good.queue_id) == good
    with pytest.raises(ContentDamaged):
        await after.content.read(message.content_id)
    await after.close()


@on_sqlite
async def test_half_of_it_is_nothing(
    open_spool: OpenSpool, mails: Mails, clock: Clock, tmp_path: Path, there: str
) -> None:
    """Whoever is stopped in the middle has moved nothing, and can do it again."""
    spool = await open_spool()
    jobs = await fill(spool, mails)
    await spool.close()

    def stop(step: Step) -> None:
        if step.what == "history":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await move(SOURCE, tmp_path, Server(there), stop, clock())
    await move(SOURCE, tmp_path, Server(there), lambda step: None, clock())
    after = await Spool.open(there, tmp_path, clock=clock)
    assert [replace(job) for job in await after.jobs.listing()] == jobs
    await after.close()
