"""Random operations on the real spool and on a plain model of it agree.

Invariant: at most one process owns a job at any moment; a job's state is what the last successful operation made it;
every change has exactly one line of history; a fax id belongs to one job.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mailfax.rules.job import FaxJob, Message
from mailfax.rules.states import JOB, JobEvent, JobState, NotAllowed
from mailfax.spool import FaxIdTaken, Outdated, Spool
from tests.support.postgresql import Cluster

OPERATIONS = st.lists(
    st.one_of(
        st.tuples(st.just("accept"), st.integers(1, 3)),
        st.tuples(st.just("render"), st.booleans()),
        st.tuples(st.just("claim"), st.integers(0, 1)),
        st.tuples(st.just("due"), st.none()),
        st.tuples(st.just("time"), st.sampled_from((1, 61))),
        st.tuples(st.just("stale"), st.integers(0, 20)),
        st.tuples(
            st.just("event"),
            st.tuples(st.integers(0, 20), st.sampled_from(sorted(JobEvent)), st.integers(0, 3)),
        ),
    ),
    max_size=40,
)


class Model:
    """What must be true, kept in dictionaries."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0
        self.jobs: dict[str, FaxJob] = {}
        self.documents: dict[str, bool] = {}
        self.fax_ids: dict[str, str] = {}
        self.lines: dict[str, int] = {}

    def changed(self, job: FaxJob) -> None:
        self.jobs[job.queue_id] = job
        self.lines[job.queue_id] += 1

    def may_stand(self, job: FaxJob, state: JobState) -> bool:
        """A job waits for its document only while there is none, and is READY only with it."""
        ready = self.documents[job.message]
        return state is job.state or {JobState.ACCEPTED: not ready, JobState.READY: ready}.get(state, True)


@given(OPERATIONS)
@settings(max_examples=60, deadline=None)
def test_the_spool_agrees_with_a_plain_model(operations: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(run("sqlite:///spool.db", Path(folder), operations))


@pytest.mark.needs("pg_ctl")
@given(operations=OPERATIONS)
@settings(max_examples=10, deadline=None)
def test_the_spool_in_postgresql_agrees_with_it_too(cluster: Cluster, operations: list[tuple[str, object]]) -> None:
    async def run_there() -> None:
        await run(await cluster.new_database(), Path(), operations)

    asyncio.run(run_there())


async def run(url: str, folder: Path, operations: list[tuple[str, object]]) -> None:
    model = Model()
    spools = [await Spool.open(url, folder, clock=lambda: model.now) for _ in range(2)]
    try:
        for name, value in operations:
            await STEPS[name](spools, model, value)
        stored = {job.queue_id: job for job in await spools[0].jobs.listing(limit=1000)}
        assert stored == model.jobs
        for queue_id, lines in model.lines.items():
            assert len(await spools[1].history.of(queue_id)) == lines
        for fax_id, owner in model.fax_ids.items():
            entry = await spools[1].ledger.find("main", fax_id)
            assert entry
            assert entry.owner == owner
    finally:
        for spool in spools:
            await spool.close()


async def accept(spools: list[Spool], model: Model, jobs: int) -> None:
    queue_id = f"B{len(model.documents):09d}"
    message = Message(queue_id, model.now, "a", "", "", "", "", "", "main", "", "", "", True, "", "", "", 0)
    made = [
        FaxJob(
            f"{queue_id}-{n}", queue_id, "main", "", "1555", "", None, "", f"{queue_id}{n}", JobState.ACCEPTED,
            model.now, model.now + 86_400, model.now,
        )
        for n in range(jobs)
    ]  # fmt: skip
    await spools[0].intake.accept(message, made, spools[0].content.begin())
    model.documents[queue_id] = False
    for job in made:
        model.jobs[job.queue_id] = job
        model.lines[job.queue_id] = 1


async def render(spools: list[Spool], model: Model, made: bool) -> None:
    claimed = await spools[0].documents.claim(60)
    if claimed is None:
        return
    message, document = claimed
    jobs = [job for job in model.jobs.values() if job.message == message.queue_id]
    waiting = [job for job in jobs if job.state is JobState.ACCEPTED]
    assert waiting or [job for job in jobs if job.state is JobState.HELD], "what is held gets its pages, too"
    assert not model.documents[message.queue_id]
    if made:
        await spools[0].documents.ready(document, document, b"%PDF")
        model.documents[message.queue_id] = True
        for job in waiting:
            model.changed(replace(job, state=JobState.READY, version=job.version + 1))
    else:
        await spools[0].documents.later(document, model.now, "busy")
        for job in waiting:
            model.lines[job.queue_id] += 1


async def claim(spools: list[Spool], model: Model, which: int) -> None:
    ready = [
        job
        for job in model.jobs.values()
        if job.state is JobState.READY and job.submit_at <= model.now and not job.cancel_requested
    ]
    claimed = await spools[which].jobs.claim(["main"], 60)
    assert (claimed is not None) == bool(ready)
    if claimed:
        [was] = [job for job in ready if job.queue_id == claimed.job.queue_id]  # their order is test_jobs'
        expected = was.after(
            JobEvent.CLAIMED,
            epoch=spools[which].epoch,
            lease_until=model.now + 60,
            submitting_at=model.now,
            attempts=was.attempts + 1,
            version=was.version + 1,
        )
        assert claimed.job == expected
        model.changed(expected)


async def due(spools: list[Spool], model: Model, _: object) -> None:
    deferred = [
        job
        for job in model.jobs.values()
        if job.state is JobState.DEFERRED and job.submit_at <= model.now and not job.cancel_requested
    ]
    assert await spools[0].jobs.make_due() == len(deferred)
    for job in deferred:
        model.changed(job.after(JobEvent.DUE, version=job.version + 1))


async def time(spools: list[Spool], model: Model, seconds: int) -> None:
    model.now += seconds
    expired = {
        job.queue_id
        for job in model.jobs.values()
        if job.state is JobState.SUBMITTING and job.lease_until <= model.now
    }
    assert {job.queue_id for job in await spools[1].jobs.expired_submissions()} == expired


async def stale(spools: list[Spool], model: Model, number: int) -> None:
    """A change based on an older version is refused and leaves nothing."""
    for job in list(model.jobs.values())[number : number + 1]:
        old = replace(job, version=job.version - 1)
        try:
            await spools[1].jobs.note(old, old)
        except Outdated:
            return
        raise AssertionError("an outdated change was stored")


async def event(spools: list[Spool], model: Model, value: tuple[int, JobEvent, int]) -> None:
    number, happened, fax = value
    for was in list(model.jobs.values())[number : number + 1]:
        if happened in (JobEvent.CLAIMED, JobEvent.DOCUMENT_IMPOSSIBLE) or not JOB.may(was.state, happened):
            return
        changes: dict[str, object] = {}
        if happened in (JobEvent.ID_GIVEN, JobEvent.FOUND, JobEvent.LATE_ID):
            changes["fax_id"] = str(fax)
        if happened is JobEvent.CANCEL:
            changes["cancel_requested"] = True
        try:
            now_is = was.after(happened, **changes)
        except NotAllowed as trouble:  # may() said otherwise
            raise AssertionError from trouble
        owner = model.fax_ids.get(now_is.fax_id, was.queue_id)
        living = happened is JobEvent.LEASE_EXPIRED and was.lease_until > model.now
        error: type[Exception] | None = None
        if living or not model.may_stand(was, now_is.state):
            error = Outdated
        elif now_is.fax_id != was.fax_id and owner != was.queue_id:
            error = FaxIdTaken
        try:
            stored = await spools[number % 2].jobs.advance(was, now_is, happened)
        except (Outdated, FaxIdTaken) as trouble:
            assert error is type(trouble)
            return
        assert error is None
        assert stored == replace(now_is, version=was.version + 1)
        model.changed(stored)
        if stored.fax_id:
            model.fax_ids[stored.fax_id] = was.queue_id


STEPS = {
    "accept": accept,
    "render": render,
    "claim": claim,
    "due": due,
    "time": time,
    "stale": stale,
    "event": event,
}
