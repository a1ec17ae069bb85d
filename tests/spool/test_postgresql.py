"""A spool that many processes share, on a server that may go away at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
import trustme

from mailfax.rules.states import JobEvent
from mailfax.spool import CommitUnclear, Keys, NotCommitted, SentBefore, Spool, SpoolRefused, Unheard
from mailfax.spool import listening as listening_module
from mailfax.spool import server as server_module
from mailfax.spool.postgresql import PostgresqlEngine
from mailfax.spool.server import Server
from mailfax.spool.sql import POSTGRESQL, SQLITE, locks, migrations, positional, statements
from tests.spool.conftest import only

if TYPE_CHECKING:
    from tests.spool.conftest import Clock, Database, Mails, OpenSpool
    from tests.support.postgresql import Cluster

pytestmark = [pytest.mark.anyio, pytest.mark.needs("pg_ctl")]
on_postgresql = only("postgresql")


def engine_of(spool: Spool) -> PostgresqlEngine:
    assert isinstance(spool._engine, PostgresqlEngine)
    return spool._engine


@pytest.fixture
async def prepared(cluster: Cluster) -> AsyncIterator[Any]:
    connection = await asyncpg.connect(await cluster.new_database())
    yield connection
    await connection.close()


# --- statements ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", sorted(statements()))
async def test_it_understands_each_statement_and_its_types(name: str, prepared: Any) -> None:
    await prepared.prepare(positional(name).text)


def test_a_list_is_one_parameter_and_a_value_keeps_its_place() -> None:
    block = positional("document_claim")
    assert "d.payer <> ALL($7::text[])" in block.text and ":" not in block.text.replace("::", "")
    values = {name: number for number, name in enumerate(block.names)} | {"busy": ("a", "b")}
    assert block.arguments(values)[6] == ("a", "b")


def test_a_line_may_be_for_one_engine() -> None:
    assert "SKIP LOCKED" in statements(POSTGRESQL)["job_claim"]
    assert "SKIP LOCKED" not in statements(SQLITE)["job_claim"]
    assert not any(f"-- {name}" in text for name in (SQLITE, POSTGRESQL) for text in statements(name).values())


def test_both_engines_have_the_same_migrations() -> None:
    assert [each[:2] for each in migrations(SQLITE)] == [each[:2] for each in migrations(POSTGRESQL)]
    assert all(script for _, _, script in migrations(POSTGRESQL))


def test_what_must_not_run_beside_itself_takes_a_lock() -> None:
    one, same, other = (locks("unheard_add", [{"key": key}]) for key in ("k", "k", "l"))
    assert one == same != other and len(locks("unheard_add", [{"key": "k"}, {"key": "l"}])) == 2
    assert locks("spent_faxes", [{"payer": "k"}]) == locks("spent_pages", [{"payer": "k"}]) != one
    assert len(locks("job_claim", [{}])) == 1 and not locks("job_add", [{}])


@on_postgresql
async def test_text_with_a_nul_is_stored_without(spool: Spool, mails: Mails) -> None:
    message = replace(mails.message(), subject="Invoice\0 12")
    await spool.intake.accept(message, (), spool.content.begin())
    stored = await spool.intake.message(message.queue_id)
    assert stored and stored.subject == "Invoice\ufffd 12"


@on_postgresql
async def test_a_hundred_faxes_of_before_are_noted_at_once_and_each_counts(spool: Spool) -> None:
    ids = [str(number) for number in range(1000)]
    await spool.ledger.foreign("main", ids[:10])
    assert await spool.ledger.baseline("main", ids)
    assert await spool.ledger.unknown("main", [*ids, "new"]) == ["new"]


# --- several processes -----------------------------------------------------------------------------------------


@on_postgresql
async def test_many_claim_and_nobody_gets_what_another_has(open_spool: OpenSpool, mails: Mails) -> None:
    spools = [await open_spool() for _ in range(3)]
    for _ in range(10):
        await mails.ready(spools[0], 3)
    claims = await asyncio.gather(*(spools[n % 3].jobs.claim(["main"], 60) for n in range(40)))
    claimed = [claim.job.queue_id for claim in claims if claim]
    assert len(claimed) == len(set(claimed)) == 30
    assert {claim.job.epoch for claim in claims if claim} == {spool.epoch for spool in spools}


@on_postgresql
async def test_two_never_fax_to_one_number_that_can_take_one(open_spool: OpenSpool, mails: Mails) -> None:
    """What is in flight is counted, by each of them, before the other's claim is committed."""
    spools = [await open_spool() for _ in range(2)]
    for _ in range(4):
        await mails.ready(spools[0], 2)
    claims = await asyncio.gather(*(spools[n % 2].jobs.claim(["main"], 60, per_number=1) for n in range(8)))
    assert len([claim for claim in claims if claim]) == 1


@on_postgresql
async def test_one_mail_that_comes_to_two_at_once_is_taken_once(
    open_spool: OpenSpool, mails: Mails, database: Database
) -> None:
    spools = [await open_spool() for _ in range(2)]

    async def arrive(spool: Spool) -> str:
        message = mails.message()
        job = mails.job(message)
        unheard = [Unheard(Keys("k1"), job.queue_id)]
        await spool.intake.accept(message, [job], spool.content.begin(), unheard=unheard)
        return job.queue_id

    for _ in range(5):
        ended = await asyncio.gather(*(arrive(spool) for spool in spools), return_exceptions=True)
        assert len([one for one in ended if isinstance(one, SentBefore)]) == 1
        [taken] = [one for one in ended if isinstance(one, str)]
        await database.run("DELETE FROM unheard WHERE job = ?", taken)


@on_postgresql
async def test_what_is_due_is_made_due_once(open_spool: OpenSpool, mails: Mails, clock: Clock) -> None:
    spools = [await open_spool() for _ in range(3)]
    for _ in range(5):
        job = (await mails.submitting(spools[0])).job
        waiting = job.after(JobEvent.NOT_SENT).put_off(clock.now + 10)
        await spools[0].jobs.advance(job, waiting, JobEvent.NOT_SENT)
    clock.now += 20
    made = await asyncio.gather(*(spool.jobs.make_due() for spool in spools))
    assert sorted(made) == [0, 0, 5]
    assert len([line for line in await spools[0].history.of(job.queue_id) if line.state == "ready"]) == 2


@on_postgresql
async def test_bells_ring_for_what_another_commits(open_spool: OpenSpool, mails: Mails) -> None:
    one, other = await open_spool(), await open_spool()
    assert one.hears_others
    commit, statement, quiet = other.bell(["accept"]), other.bell(["document_add"]), other.bell(["claim"])
    await mails.accept(one)
    for bell in (commit, statement):
        await asyncio.wait_for(bell.wait(3600), 10)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(quiet.wait(3600), 0.05)


async def test_without_a_clock_of_ours_time_is_the_server_s(cluster: Cluster, tmp_path: Path) -> None:
    spool = await Spool.open(await cluster.new_database(), tmp_path)
    try:
        there = await engine_of(spool)._writing.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
        assert abs(spool.now() - there) < 1
    finally:
        await spool.close()


@on_postgresql
async def test_who_stops_in_a_transaction_lets_go_of_what_it_locked(
    open_spool: OpenSpool, mails: Mails, spool_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(server_module._SETTINGS, "idle_in_transaction_session_timeout", "200ms")
    spool = await open_spool()
    await mails.ready(spool)
    stopped = await Server(spool_url).connect()
    await stopped.execute(f"BEGIN; SELECT pg_advisory_xact_lock({next(iter(locks('job_claim', [{}])))})")
    assert await asyncio.wait_for(spool.jobs.claim(["main"], 60), 20)
    stopped.terminate()


# --- a server that goes away -----------------------------------------------------------------------------------


async def end_connections(cluster: Cluster, spool: Spool) -> None:
    """All that this spool has."""
    await cluster.run(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        f"WHERE application_name = 'mailfax' AND datname = '{engine_of(spool)._server.name.rpartition('/')[2]}'"
    )


@on_postgresql
async def test_lost_connections_are_made_anew(
    open_spool: OpenSpool, mails: Mails, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listening_module, "AGAIN_SECONDS", 0.01)
    spool, other = await open_spool(), await open_spool()
    [job] = await mails.accept(spool)
    bell = spool.bell(["claim"])
    await end_connections(cluster, spool)
    await asyncio.wait_for(bell.wait(3600), 10)  # what it may have missed meanwhile is looked for
    assert await spool.jobs.get(job.queue_id) == job
    assert len(await mails.accept(spool)) == 1
    heard = spool.bell(["accept"])
    await mails.accept(other)
    await asyncio.wait_for(heard.wait(3600), 10)


@on_postgresql
async def test_a_server_that_is_down_is_not_committed_and_is_found_again(
    open_spool: OpenSpool, mails: Mails, cluster: Cluster
) -> None:
    spool = await open_spool()
    [job] = await mails.accept(spool)
    large = spool.content.begin()
    large.write(b"x" * 100_000)
    await asyncio.to_thread(cluster.kill)
    try:
        for refused in (
            spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD),
            spool.jobs.get(job.queue_id),
            spool.content.seal(large),
        ):
            with pytest.raises(NotCommitted, match="can't be reached") as caught:
                await refused
            assert not caught.value.full
    finally:
        await asyncio.to_thread(cluster.start)
    held = await spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD)
    assert await spool.jobs.get(job.queue_id) == held
    await spool.content.seal(large)


@on_postgresql
async def test_a_connection_that_is_lost_while_committing_leaves_it_open(
    open_spool: OpenSpool, mails: Mails, cluster: Cluster, database: Database
) -> None:
    """COMMIT is on its way when the server ends the connection: nothing may be promised, and it is not said again."""
    hooked: list[Spool] = []

    def end(names: tuple[str, ...]) -> None:
        if names == ("hold",) and hooked:
            asyncio.run(end_connections(cluster, hooked.pop()))

    spool = await open_spool(before_commit=end)
    [job] = await mails.accept(spool)
    hooked.append(spool)
    with pytest.raises(CommitUnclear):
        await spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD)
    assert await spool.jobs.get(job.queue_id) == job
    assert [line.event for line in await spool.history.of(job.queue_id)] == ["accepted"]
    await spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD)


@on_postgresql
@pytest.mark.parametrize(
    ("trouble", "says", "tries"),
    [
        (asyncpg.DiskFullError("could not extend file"), "disk full", 1),
        (asyncpg.DeadlockDetectedError("deadlock detected"), "busy", 5),
        (asyncpg.LockNotAvailableError("lock timeout"), "locked by another process", 1),
        (asyncpg.PostgresIOError("could not read block"), "input/output error", 1),
    ],
)
async def test_trouble_of_the_database_concerns_all_and_passes(
    trouble: Exception, says: str, tries: int, open_spool: OpenSpool, mails: Mails
) -> None:
    raised: list[tuple[str, ...]] = []
    going_on = True

    def fail(names: tuple[str, ...]) -> None:
        if "owed" in names and going_on:
            raised.append(names)
            raise trouble

    spool = await open_spool(before_commit=fail)
    with pytest.raises(NotCommitted) as caught:
        await spool.outbox.owe([mails.letter()])
    assert (caught.value.reason, caught.value.full, len(raised)) == (says, says == "disk full", tries)
    going_on = False
    await spool.outbox.owe([mails.letter()])
    assert (await spool.counts()).letters == {"waiting": 1}


@on_postgresql
async def test_only_the_commit_with_the_trouble_fails(open_spool: OpenSpool, mails: Mails) -> None:
    def fail(names: tuple[str, ...]) -> None:
        if "owed" in names:
            raise asyncpg.DiskFullError("could not extend file")

    spool = await open_spool(before_commit=fail)
    ended = await asyncio.gather(
        *(mails.accept(spool) for _ in range(3)), spool.outbox.owe([mails.letter()]), return_exceptions=True
    )
    assert [type(one) for one in ended] == [list, list, list, NotCommitted]


@on_postgresql
async def test_a_user_for_whom_nothing_need_be_durable_changes_nothing(
    open_spool: OpenSpool, spool_url: str, cluster: Cluster
) -> None:
    name = spool_url.rpartition("/")[2]
    await cluster.run(f"ALTER DATABASE {name} SET synchronous_commit = off")
    spool = await open_spool()
    assert await engine_of(spool)._writing.fetchval("SHOW synchronous_commit") == "on"


@on_postgresql
async def test_a_server_that_does_not_wait_for_its_disk_is_told_of(spool: Spool) -> None:
    told = await spool.weaknesses()
    assert [each.partition(" ")[0] for each in told] == ["fsync", "full_page_writes"]


# --- refused ---------------------------------------------------------------------------------------------------


async def test_a_server_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpoolRefused, match=r"mailfax@127\.0\.0\.1:1/mailfax: can't be opened as the spool"):
        await Spool.open("postgresql://mailfax@127.0.0.1:1/mailfax", tmp_path)


async def test_a_database_that_is_not_there_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    with pytest.raises(SpoolRefused, match='database "nowhere" does not exist'):
        await Spool.open(cluster.url("nowhere"), tmp_path)


async def test_a_database_that_can_not_hold_every_text_is_refused(tmp_path: Path, cluster: Cluster) -> None:
    with contextlib.suppress(asyncpg.DuplicateDatabaseError):
        await cluster.run("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    with pytest.raises(SpoolRefused, match="encoding LATIN1; make one with createdb --encoding=UTF8"):
        await Spool.open(cluster.url("latin"), tmp_path)


async def test_a_password_is_asked_for_by_the_name_of_its_variable(tmp_path: Path, cluster: Cluster) -> None:
    user = await cluster.lock("secret")
    url = (await cluster.new_database()).replace("tester@", f"{user}@")
    with pytest.raises(SpoolRefused, match="MAILFAX_SPOOL_PASSWORD"):
        await Spool.open(url, tmp_path)
    with pytest.raises(SpoolRefused, match="password authentication failed"):
        await Spool.open(url, tmp_path, password="wrong")
    await (await Spool.open(url, tmp_path, password="secret")).close()


@pytest.mark.parametrize(
    ("url", "encrypted"),
    [
        ("postgresql://mailfax@db.example.com/mailfax", True),
        ("postgresql://mailfax@127.0.0.1,db.example.com/mailfax", True),
        ("postgresql://mailfax@[2001:db8::1]:5432/mailfax", True),
        ("postgresql://mailfax@localhost/mailfax", False),
        ("postgresql://mailfax@[::1]/mailfax", False),
        ("postgresql:///mailfax", False),
        ("postgresql:///mailfax?host=/run/postgresql", False),
    ],
)
def test_off_loopback_the_server_is_verified(url: str, encrypted: bool) -> None:
    told = Server(url).arguments()["ssl"]
    assert bool(told) == encrypted
    if encrypted:
        assert (told.verify_mode, told.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize(
    ("host", "known", "says"),
    [("localhost", True, ""), ("localhost", False, "ca_file"), ("127.0.0.1", True, "ca_file")],
)
async def test_a_certificate_is_verified_with_its_name(
    host: str, known: bool, says: str, tmp_path: Path, cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server_module, "is_loopback", lambda host: False)
    file = tmp_path / "authority.pem"
    (cluster.authority if known else trustme.CA()).cert_pem.write_to_path(file)
    url = (await cluster.new_database()).replace("127.0.0.1", host)
    if says:
        with pytest.raises(SpoolRefused, match=says):
            await Spool.open(url, tmp_path, ca_file=file)
        return
    spool = await Spool.open(url, tmp_path, ca_file=file)
    assert await engine_of(spool)._writing.fetchval("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    await spool.close()
