"""The history under seal: what is altered, removed or inserted is named; what retention deletes is not."""

from __future__ import annotations

import asyncio
import hashlib
import json
from pathlib import Path

import asyncpg
import pytest

from mailfax.spool import Spool, seals
from mailfax.spool.backup import back_up, restore
from mailfax.spool.retention import DAY
from tests.spool.conftest import Clock, Mails, OpenSpool, only
from tests.spool.test_retention import MONTH, ended
from tests.support.database import Database

pytestmark = pytest.mark.anyio


async def sealed(spool: Spool, mails: Mails, monkeypatch: pytest.MonkeyPatch | None = None, size: int = 0) -> None:
    """Three faxes and their history, all of it under seals."""
    if monkeypatch:
        monkeypatch.setattr(seals, "BATCH", size)
    for number in range(3):
        await mails.submitted(spool, f"S{number}")
    while await spool.seals.add():
        pass


async def test_what_nobody_touched_is_whole(
    spool: Spool, mails: Mails, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(spool, mails, monkeypatch, 4)
    verdict = await spool.seals.verify()
    assert verdict.problems == [] and verdict.lines >= 12 and verdict.unsealed == 0
    assert verdict.newest.number == -(-verdict.lines // 4), "four lines a seal"
    kept = verdict.newest.name
    await mails.accept(spool)
    assert (await spool.seals.verify(kept)).unsealed >= 1
    assert await spool.seals.add()
    later = await spool.seals.verify(kept)
    assert later.problems == [] and later.unsealed == 0 and later.newest.number > verdict.newest.number


async def test_anybody_can_compute_a_seal(spool: Spool, mails: Mails, database: Database) -> None:
    await sealed(spool, mails)
    lines = await database.run("SELECT seq, at, queue_id, event, state, detail FROM history ORDER BY seq")
    [(number, at, last, stored)] = await database.run("SELECT number, made_at, last_seq, hash FROM seal")
    leaves = b"".join(
        line[0].to_bytes(8, "big")
        + hashlib.sha256(json.dumps(list(line), separators=(",", ":")).encode()).digest()[:24]
        for line in lines
    )
    chained = json.dumps(["", number, at, last, hashlib.sha256(leaves).hexdigest()], separators=(",", ":"))
    assert hashlib.sha256(chained.encode()).hexdigest() == stored


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE history SET detail = 'nothing' WHERE seq = {seq}", "line {seq} ({id}: {event}) was altered"),
        ("UPDATE history SET at = at + 1 WHERE seq = {seq}", "line {seq} ({id}: {event}) was altered"),
        ("UPDATE history SET queue_id = 'X' WHERE seq = {seq}", "line {seq} (X: {event}) was altered"),
        ("DELETE FROM history WHERE seq = {seq}", "line {seq} was removed"),
        (
            "UPDATE history SET seq = 0 WHERE seq = {seq}",
            "line {seq} was removed",
        ),
        ("DELETE FROM seal WHERE number = 2", "the seals between 1 and 3 were removed"),
        ("DELETE FROM seal WHERE number = 1", "the seals between 0 and 2 were removed"),
        ("UPDATE seal SET made_at = made_at + 1 WHERE number = 2", "seal 2 was altered"),
        ("UPDATE seal SET hash = 'ab' WHERE number = 1", "seal 1 was altered"),
        ("UPDATE seal SET last_seq = last_seq - 1 WHERE number = 2", "seal 2 was altered"),
    ],
)
async def test_what_was_changed_is_named(
    spool: Spool, mails: Mails, database: Database, monkeypatch: pytest.MonkeyPatch, change: str, told: str
) -> None:
    await sealed(spool, mails, monkeypatch, 4)
    [(seq, queue_id, event)] = await database.run("SELECT seq, queue_id, event FROM history WHERE seq = 6")
    await database.run(change.format(seq=seq))
    problems = (await spool.seals.verify()).problems
    assert problems[0].startswith(told.format(seq=seq, id=queue_id, event=event))


async def test_a_line_that_was_inserted_is_named(
    spool: Spool, mails: Mails, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sealed(spool, mails, monkeypatch, 4)
    await database.run("DELETE FROM history WHERE seq = 6")
    await database.run(
        "INSERT INTO history (seq, at, queue_id, event, state, detail) VALUES (6, 1.5, 'F', 'x', '', '')"
    )
    assert (await spool.seals.verify()).problems[0].startswith("line 6 (F: x) was altered")
    await database.run(
        "INSERT INTO history (seq, at, queue_id, event, state, detail) VALUES (-1, 1.5, 'F', 'x', '', '')"
    )
    await database.run("DELETE FROM history WHERE seq = 6")
    assert "line 6 was removed; it was there when seal 2 was made" in (await spool.seals.verify()).problems


async def test_a_gap_that_is_filled_is_named(
    spool: Spool, mails: Mails, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A seq that no line had: as a transaction that failed leaves it."""
    await mails.submitted(spool, "S1")
    await database.run("UPDATE history SET seq = seq + 1000 WHERE seq = (SELECT MAX(seq) FROM history)")
    while await spool.seals.add():
        pass
    assert (await spool.seals.verify()).problems == []
    await database.run(
        "INSERT INTO history (seq, at, queue_id, event, state, detail) VALUES (500, 1.5, 'F', 'x', '', '')"
    )
    assert (await spool.seals.verify()).problems == [
        "line 500 (F: x) was inserted; it was not there when seal 1 was made"
    ]


async def test_a_chain_that_was_made_anew_is_known_by_a_seal_that_was_kept(
    spool: Spool, mails: Mails, database: Database
) -> None:
    await sealed(spool, mails)
    kept = (await spool.seals.verify()).newest.name
    await database.run("UPDATE history SET detail = 'nothing' WHERE seq = 2")
    await database.run("DELETE FROM seal")
    while await spool.seals.add():
        pass
    assert (await spool.seals.verify()).problems == [], "the database alone can't tell"
    [problem] = (await spool.seals.verify(kept)).problems
    assert problem.startswith(f"seal {kept} is not in the chain")


async def test_what_retention_deletes_is_no_removal(
    spool: Spool, mails: Mails, clock: Clock, database: Database
) -> None:
    [job] = await ended(spool, mails)
    await mails.submitted(spool, "S1")
    while await spool.seals.add():
        pass
    clock.now += 91 * DAY
    await spool.retention.apply(MONTH, by_person=True)
    assert await spool.jobs.get(job.queue_id) is None and await spool.history.of(job.message) == []
    verdict = await spool.seals.verify()
    assert verdict.problems == [] and verdict.deleted >= 3
    assert 90 * DAY < verdict.soonest < 92 * DAY
    while await spool.seals.add():
        pass
    assert (await spool.seals.verify()).problems == []
    # The line that says so is under seal itself: what it does not name was removed by somebody else.
    [(told,)] = await database.run("SELECT seq FROM history WHERE queue_id = '[retention]'")
    await database.run("UPDATE history SET detail = detail || ' 2 3 4 5 6 7 8' WHERE queue_id = '[retention]'")
    problems = (await spool.seals.verify()).problems
    assert problems[0].startswith(f"line {told} ([retention]: deleted) was altered")
    assert any("was removed" in problem for problem in problems)


async def test_two_seal_at_once(open_spool: OpenSpool, mails: Mails) -> None:
    """Both have seen the same; one seal is made."""
    one, other = await open_spool(), await open_spool()
    await mails.submitted(one, "S1")
    made = await asyncio.gather(*(spool.seals.add() for spool in (one, other) * 4))
    assert len([seal for seal in made if seal]) == 1
    assert (await one.seals.verify()).problems == []


@only("postgresql")
async def test_a_line_that_comes_late_is_waited_for(
    spool: Spool, spool_url: str, mails: Mails, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A transaction has drawn its seq and not ended, while others with higher ones have."""
    await mails.submitted(spool, "S1")
    monkeypatch.setattr(seals, "TRIES", 2)
    connection = await asyncpg.connect(spool_url)
    try:
        begun = connection.transaction()
        await begun.start()
        await connection.execute(
            "INSERT INTO history (at, queue_id, event, state, detail) VALUES (1.5, 'LATE', 'x', '', '')"
        )
        await mails.submitted(spool, "S2")
        assert await spool.seals.add() is None, "nobody knows yet what it will be"
        await begun.commit()
    finally:
        await connection.close()
    seal = await spool.seals.add()
    assert seal is not None
    verdict = await spool.seals.verify()
    assert verdict.problems == [] and verdict.unsealed == 0
    [(late,)] = await database.run("SELECT seq FROM history WHERE queue_id = 'LATE'")
    assert late < seal.last_seq


@only("postgresql")
async def test_many_write_while_it_is_sealed(
    open_spool: OpenSpool, mails: Mails, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each seal is made while several processes store: no line is ever left out of one."""
    monkeypatch.setattr(seals, "TRY_SECONDS", 0.001)
    several = [await open_spool() for _ in range(3)]

    async def store(spool: Spool) -> None:
        for _ in range(60):
            await mails.accept(spool)

    async def seal() -> None:
        while writing:
            await several[0].seals.add()

    writing = True
    sealing = asyncio.create_task(seal())
    await asyncio.gather(*map(store, several))
    writing = False
    await sealing
    while await several[0].seals.add():
        pass
    verdict = await several[0].seals.verify()
    assert verdict.problems == [] and verdict.newest.number > 3 and verdict.unsealed == 0


@only("sqlite")
async def test_a_backup_has_its_seals(spool: Spool, mails: Mails, tmp_path: Path) -> None:
    await sealed(spool, mails)
    kept = (await spool.seals.verify()).newest.name
    back_up(tmp_path / "spool.db", tmp_path / "backup.tar")
    restore(tmp_path / "backup.tar", tmp_path / "again" / "spool.db")
    again = await Spool.open("sqlite:///spool.db", tmp_path / "again")
    try:
        assert (await again.seals.verify(kept)).problems == []
    finally:
        await again.close()
