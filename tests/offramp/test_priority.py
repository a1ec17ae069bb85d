"""Priority: who may, what asks for it, and that it goes before what waits, and before nothing else."""

from __future__ import annotations

import pytest

from mailfax.offramp.resent import Answer
from mailfax.rules.envelope import Client, Envelope, FaxNumber, Grant, Recipient
from mailfax.rules.heading import read_heading
from mailfax.rules.states import JobState
from mailfax.rules.status import Refusal
from tests.offramp.pipeline import Pipeline, Sandbox

pytestmark = pytest.mark.anyio


async def sent(pipeline: Pipeline, number: str, priority: str, *fields: str, subject: str = "Hi") -> Answer | Refusal:
    header = "".join(f"{field}\r\n" for field in (f"Subject: {subject}", f"Message-ID: <{number}@x>", *fields))
    content = pipeline.spool.content.begin()
    content.write(f"{header}\r\nHello\r\n".encode())
    envelope = Envelope(
        "alice@example.com",
        (Recipient(f"{number}@fax.local", FaxNumber(number, number)),),
        Client("test", "127.0.0.1"),
        Grant("main", priority=priority, payer=number),
    )
    return await pipeline.accept(envelope, content, header.encode())


@pytest.mark.parametrize(
    ("rule", "field", "subject", "high"),
    [
        ("normal", "Importance: high", "Hi", False),
        ("asked", "Importance: High", "Hi", True),
        ("asked", "X-Priority: 1 (Highest)", "Hi", True),
        ("asked", "X-Priority: 3", "Hi", False),
        ("asked", "Priority: urgent", "Hi", True),
        ("asked", "X-Other: 1", "#fax:priority=HIGH Hi", True),
        ("asked", "Importance: high", "#fax:priority=normal Hi", False),
        ("high", "X-Other: 1", "Hi", True),
        ("high", "X-Other: 1", "#fax:priority=normal Hi", False),
    ],
)
async def test_who_has_it(pipeline: Pipeline, rule: str, field: str, subject: str, high: bool) -> None:
    answer = await sent(pipeline, "15551234567", rule, field, subject=subject)
    assert isinstance(answer, Answer)
    [job] = await pipeline.spool.jobs.of(answer.queue_id)
    assert job.priority == ("high" if high else "")


async def test_who_may_not_ask_for_it_hears_so(pipeline: Pipeline) -> None:
    told = await sent(pipeline, "15551234567", "normal", subject="#fax:priority=high Hi")
    assert isinstance(told, Refusal) and "have no priority" in told.reply
    told = await sent(pipeline, "15551234567", "asked", subject="#fax:priority=top Hi")
    assert isinstance(told, Refusal) and "write high or normal" in told.reply


async def test_it_goes_first(pipeline: Pipeline, sandbox: Sandbox) -> None:
    numbers = ["15551234561", "15551234562", "15551234563", "15551234564"]
    queue_ids = []
    for number in numbers:
        await pipeline.forward(60)
        answer = await sent(pipeline, number, "asked", *(["Importance: high"] if number in numbers[2:] else []))
        assert isinstance(answer, Answer)
        answer.concluded(heard=True)
        queue_ids.append(answer.queue_id)
    for _ in numbers:
        await pipeline.document()
    order = []
    while await pipeline.submit.round():
        for queue_id in queue_ids:
            [job] = await pipeline.spool.jobs.of(queue_id)
            if job.state is not JobState.READY and job.number not in order:
                order.append(job.number)
    assert order == [numbers[2], numbers[3], numbers[0], numbers[1]]


@pytest.mark.parametrize(
    "header", [b"Subject: Priority: urgent", b"X-Priority: 10", b"Importance: higher", b"X-Y: 1"]
)
async def test_a_header_that_asks_for_nothing(header: bytes) -> None:
    assert not read_heading(header + b"\r\n").urgent
