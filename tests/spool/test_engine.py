"""One fsync serves many, one failing commit disturbs no other, and what is answered is there."""

from __future__ import annotations

import asyncio
import os
import stat
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from mailfax.rules.states import JobEvent
from mailfax.spool import COMMITS, FaxIdTaken, NotCommitted, Outdated, Spool, SpoolRefused
from mailfax.spool.commits import Commit, Hits, Statement
from tests.spool.conftest import only

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Groups, Mails, OpenSpool

pytestmark = pytest.mark.anyio


async def test_commits_asked_for_together_share_transactions(spool: Spool, mails: Mails, groups: Groups) -> None:
    await asyncio.gather(*(mails.accept(spool) for _ in range(100)))
    accepts = [names for names in groups.after if "accept" in names]
    assert sum(names.count("accept") for names in accepts) == 100
    assert len(accepts) < 50
    assert groups.before == groups.after
    assert (await spool.counts()).jobs == {"accepted": 100}


async def test_one_outdated_commit_in_a_group_disturbs_no_other(
    open_spool: OpenSpool, mails: Mails, groups: Groups
) -> None:
    spool = await open_spool()
    jobs = [(await mails.accept(spool))[0] for _ in range(10)]
    await spool.jobs.advance(jobs[3], jobs[3].after(JobEvent.HOLD), JobEvent.HOLD)
    groups.after.clear()
    results = await asyncio.gather(
        *(spool.jobs.advance(job, job.after(JobEvent.CANCEL), JobEvent.CANCEL) for job in jobs),
        return_exceptions=True,
    )
    assert [isinstance(result, Outdated) for result in results] == [n == 3 for n in range(10)]
    assert (await spool.counts()).jobs == {"cancelled": 9, "held": 1}
    assert len(groups.after) < 10  # they did share a group
    assert [line.event for line in await spool.history.of(jobs[3].queue_id)] == ["accepted", "hold"]


async def test_a_commit_that_fails_half_way_is_undone_alone(open_spool: OpenSpool, mails: Mails) -> None:
    """Its guard held and its history was written when the ledger refused: of that nothing may stay in the group."""
    go_on = threading.Event()
    groups: list[tuple[str, ...]] = []

    def hold_back(names: tuple[str, ...]) -> None:
        groups.append(names)
        if names == ("owed",):
            go_on.wait(30)

    spool = await open_spool(before_commit=hold_back)
    await mails.submitted(spool, "4711")
    flying = [(await mails.submitting(spool)).job for _ in range(3)]
    blocker = asyncio.ensure_future(spool.outbox.owe([mails.letter()]))
    while groups[-1] != ("owed",):
        await asyncio.sleep(0.001)
    asked = [
        asyncio.ensure_future(spool.jobs.advance(job, job.after(JobEvent.ID_GIVEN, fax_id=fax_id), JobEvent.ID_GIVEN))
        for job, fax_id in zip(flying, ("1", "4711", "3"), strict=True)
    ]
    await asyncio.sleep(0)
    go_on.set()
    await blocker
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert groups[-1] == ("id-given", "id-given")
    assert isinstance(results[1], FaxIdTaken)
    assert await spool.jobs.get(flying[1].queue_id) == flying[1]
    assert [line.event for line in await spool.history.of(flying[1].queue_id)][-1] == "claimed for submission"
    assert [job.fax_id for job in await spool.jobs.of(flying[0].message)] == ["1"]


async def test_a_group_in_which_nothing_succeeds_is_no_commit(spool: Spool, groups: Groups) -> None:
    groups.after.clear()
    assert await spool.jobs.claim(["main"], 60) is None
    assert await spool.jobs.make_due() == 0
    assert groups.before[1:] == groups.after == []


async def test_a_hook_that_raises_before_the_commit_leaves_nothing(open_spool: OpenSpool, mails: Mails) -> None:
    def die(names: tuple[str, ...]) -> None:
        if "accept" in names:
            raise RuntimeError("died here")

    spool = await open_spool(before_commit=die)
    with pytest.raises(RuntimeError, match="died here"):
        await mails.accept(spool)
    assert (await spool.counts()).jobs == {}


@only("sqlite")
async def test_a_full_file_says_surely_not_stored_and_goes_on_afterwards(spool: Spool, mails: Mails) -> None:
    [job] = await mails.accept(spool)
    writing = spool._engine._writing
    [pages] = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(NotCommitted) as caught:
        await spool.outbox.owe([mails.letter(content=b"x" * 60_000)])
    assert caught.value.full
    held = await spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD)  # fits without a new page
    writing.execute("PRAGMA max_page_count=1000000")
    await spool.outbox.owe([mails.letter(content=b"x" * 60_000)])
    assert await spool.jobs.get(job.queue_id) == held
    assert (await spool.counts()).letters == {"waiting": 1}


@only("sqlite")
async def test_in_a_group_only_what_does_not_fit_fails(spool: Spool, mails: Mails) -> None:
    jobs = [(await mails.accept(spool))[0] for _ in range(4)]
    writing = spool._engine._writing
    [pages] = writing.execute("PRAGMA page_count").fetchone()
    writing.execute(f"PRAGMA max_page_count={pages}")
    results = await asyncio.gather(
        *(spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD) for job in jobs),
        spool.outbox.owe([mails.letter(content=b"x" * 60_000)]),
        return_exceptions=True,
    )
    assert isinstance(results[-1], NotCommitted)
    assert [type(result).__name__ for result in results[:-1]] == ["FaxJob"] * 4


@only("sqlite")
async def test_a_broken_file_is_opened_anew(spool: Spool, mails: Mails) -> None:
    """What follows an input/output error in COMMIT: the connection is given up, the next commit gets a new one."""
    spool._engine._writing.close()
    spool._engine._broken = True
    assert len(await mails.accept(spool)) == 1


async def test_closing_finishes_what_was_asked_for(open_spool: OpenSpool, mails: Mails) -> None:
    spool = await open_spool()
    bell = spool.bell()
    asked = [asyncio.ensure_future(spool.outbox.owe([mails.letter(content=b"")])) for _ in range(50)]
    await bell.wait(60)
    await spool.close()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(result) for result in results} <= {type(None), NotCommitted}
    again = await open_spool()
    assert (await again.counts()).letters == {"waiting": results.count(None)}
    with pytest.raises(NotCommitted, match="closed"):
        await spool.outbox.owe([mails.letter()])


async def test_each_bell_rings_for_itself(spool: Spool, mails: Mails) -> None:
    one, other = spool.bell(), spool.bell()
    await mails.accept(spool)
    for bell in (one, other):
        await asyncio.wait_for(bell.wait(3600), 5)
    waiting = asyncio.ensure_future(one.wait(3600))
    await asyncio.sleep(0)
    assert not waiting.done()
    await mails.accept(spool)
    await asyncio.wait_for(waiting, 5)
    await one.wait(0.001)  # running out of time is no error


async def test_a_bell_for_some_news_rings_for_no_other(spool: Spool, mails: Mails) -> None:
    """By the name of a commit, or of a statement in it."""
    commit, statement, other = spool.bell(["accept"]), spool.bell(["document_add"]), spool.bell(["claim"])
    await mails.accept(spool)
    for bell in (commit, statement):
        await asyncio.wait_for(bell.wait(3600), 5)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(other.wait(3600), 0.05)


async def test_a_cancelled_caller_stops_nobody(spool: Spool, mails: Mails) -> None:
    asked = [asyncio.ensure_future(mails.accept(spool)) for _ in range(20)]
    await asyncio.sleep(0)
    asked[5].cancel()
    results = await asyncio.gather(*asked, return_exceptions=True)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [n == 5 for n in range(20)]
    assert len(await mails.accept(spool)) == 1


async def test_epochs_grow(open_spool: OpenSpool) -> None:
    opened = await asyncio.gather(*(open_spool() for _ in range(4)))
    assert sorted(spool.epoch for spool in opened) == [1, 2, 3, 4]


@only("sqlite")
async def test_files_are_private(spool: Spool, tmp_path: Path) -> None:
    for path in tmp_path.glob("spool.db*"):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600, path


async def test_commands_leave_no_rows_behind_for_ever(
    open_spool: OpenSpool, clock: Clock, database: Database
) -> None:
    for _ in range(3):
        await (await open_spool()).close()
    clock.now += 90_000
    last = await open_spool()
    assert await database.run("SELECT epoch FROM process") == [(last.epoch,)] == [(4,)]


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("spool.db", "sqlite:////absolute"),
        ("sqlite:///", "sqlite:////absolute"),
    ],
)
async def test_an_url_that_is_none_is_refused(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(SpoolRefused, match=says):
        await Spool.open(url, tmp_path)


async def test_a_file_that_is_no_database_is_refused(tmp_path: Path) -> None:
    (tmp_path / "spool.db").write_bytes(b"this is a letter, not a database\n" * 100)
    with pytest.raises(SpoolRefused, match=r"spool\.db"):
        await Spool.open("sqlite:///spool.db", tmp_path)


async def test_a_newer_schema_is_refused_with_what_to_do(open_spool: OpenSpool, database: Database) -> None:
    await (await open_spool()).close()
    await database.run("INSERT INTO migration SELECT MAX(number) + 1, 'later', 0 FROM migration")
    with pytest.raises(SpoolRefused, match="newer mailfax"):
        await open_spool()


async def test_several_that_open_a_new_spool_together_all_can(engine: str, tmp_path: Path, request: Any) -> None:
    url = "sqlite:///new.db" if engine == "sqlite" else await request.getfixturevalue("cluster").empty_database()
    opened = await asyncio.gather(*(Spool.open(url, tmp_path) for _ in range(4)))
    assert sorted(spool.epoch for spool in opened) == [1, 2, 3, 4]
    for spool in opened:
        await spool.close()


def test_a_commit_has_a_known_name_and_a_guard() -> None:
    guard = Statement("process_end", {}, Hits.ONE)
    with pytest.raises(ValueError, match="not the name"):
        Commit("acept", (guard,))
    with pytest.raises(ValueError, match="guard"):
        Commit("accept", (Statement("process_end", {}),))
    assert {"accept", "claim", "id-given", "rendering", "letter-taken", "inbound-fetched", "baseline"} <= COMMITS
    assert os.path.sep not in "".join(COMMITS)
