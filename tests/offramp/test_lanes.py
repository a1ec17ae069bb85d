"""Nobody's slow file stops another's line of text, and nobody's thousand mails stop another's one."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mailfax.offramp.prepare import Prepare, PrepareSlow
from mailfax.render import Rendered
from mailfax.rules import schedule
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from tests.offramp.pipeline import Pipeline, one_page

pytestmark = pytest.mark.anyio


class Slowly:
    """A renderer that takes the seconds that a mail's subject names. ``made`` is whose documents, in their order."""

    paper = "letter"

    def __init__(self) -> None:
        self.made: list[str] = []
        self.under_way = 0

    async def render(self, source: Path, *, into: Path, wishes: Any) -> Rendered:
        sender, seconds = source.read_text().split("\r\n")[0].removeprefix("Subject: ").split()
        await asyncio.sleep(float(seconds))
        self.made.append(sender)
        file = into / "fax.pdf"
        file.write_bytes(one_page())
        return Rendered(file, "fax.pdf", 1, "", (), ())


async def accepted(pipeline: Pipeline, sender: str, seconds: float, number: int = 15551234567) -> str:
    header = f"Subject: {sender} {seconds}\r\n\r\n".encode()
    content = pipeline.spool.content.begin()
    content.write(header)
    recipient = Recipient(f"{number}@fax.local", FaxNumber(str(number), str(number)))
    envelope = Envelope(f"{sender}@example.com", (recipient,), Client("test", "127.0.0.1"), Grant("main", sender))
    queue_id = await pipeline.take(envelope, content, header)
    return queue_id


@pytest.fixture
def renderer(monkeypatch: pytest.MonkeyPatch) -> Slowly:
    monkeypatch.setattr(schedule, "QUICK_SECONDS", 0.2)
    return Slowly()


@pytest.fixture
def prepare(pipeline: Pipeline, renderer: Slowly) -> Prepare:
    return Prepare(pipeline.context, pipeline.fax_accounts, pipeline.ending, renderer)  # type: ignore[arg-type]


async def test_four_slow_files_of_one_sender_and_a_line_of_text_of_another(
    pipeline: Pipeline, prepare: Prepare, renderer: Slowly
) -> None:
    for number in range(4):
        await accepted(pipeline, "carol", 3.0, 15551230000 + number)
    slow = PrepareSlow(prepare)

    async def work(worker: Prepare | PrepareSlow) -> None:
        while "bob" not in renderer.made:
            await worker.round() or await asyncio.sleep(0.01)

    workers = [asyncio.create_task(work(prepare)), asyncio.create_task(work(slow))]
    await asyncio.sleep(0.1)
    await accepted(pipeline, "bob", 0.0)
    loop = asyncio.get_running_loop()
    began = loop.time()
    await asyncio.wait_for(workers[0], 10)
    assert loop.time() - began < 1.0
    workers[1].cancel()
    await asyncio.gather(*workers, return_exceptions=True)


async def test_a_file_that_is_slow_is_made_whole_in_the_slow_lane(
    pipeline: Pipeline, prepare: Prepare, renderer: Slowly
) -> None:
    queue_id = await accepted(pipeline, "carol", 0.5)
    assert await prepare.round()
    document = await pipeline.spool.documents.get(queue_id)
    assert document is not None and (document.state, document.slow, document.attempts) == ("pending", True, 0)
    assert not await prepare.round(), "the quick lane leaves it alone"
    assert await PrepareSlow(prepare).round()
    [job] = await pipeline.spool.jobs.of(queue_id)
    assert job.state is JobState.READY


async def test_who_has_none_under_way_comes_before_a_crowd(
    pipeline: Pipeline, prepare: Prepare, renderer: Slowly
) -> None:
    for number in range(6):
        await accepted(pipeline, "carol", 0.1, 15551230000 + number)
    first = asyncio.create_task(prepare.round())
    await asyncio.sleep(0.03)
    await accepted(pipeline, "bob", 0.0)
    await prepare.round()
    await first
    assert renderer.made == ["bob", "carol"]


async def test_a_document_ends_with_its_last_job_and_is_not_made(
    pipeline: Pipeline, prepare: Prepare, renderer: Slowly
) -> None:
    queue_id = await accepted(pipeline, "carol", 0.0)
    [job] = await pipeline.spool.jobs.of(queue_id)
    await pipeline.ending.end(job, JobEvent.CANCEL, status(Cause.CANCELLED_HERE))
    document = await pipeline.spool.documents.get(queue_id)
    assert document is not None and document.state == "unneeded"
    assert not await prepare.round()
    assert renderer.made == []


async def test_a_job_that_ends_while_its_document_is_made_stops_nothing(
    pipeline: Pipeline, prepare: Prepare, renderer: Slowly
) -> None:
    queue_id = await accepted(pipeline, "carol", 0.1)
    making = asyncio.create_task(prepare.round())
    await asyncio.sleep(0.05)
    [job] = await pipeline.spool.jobs.of(queue_id)
    await pipeline.ending.end(job, JobEvent.CANCEL, status(Cause.CANCELLED_HERE))
    assert await making
    [job] = await pipeline.spool.jobs.of(queue_id)
    assert job.state is JobState.CANCELLED
