"""A service that fails at a large document is believed about it only once the fax is proven not to be there."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from mailfax.config import Account
from mailfax.rules.states import JobState
from tests.offramp.pipeline import Pipeline, Sandbox, one_page, opened

pytestmark = pytest.mark.anyio

LARGE = one_page() + b"%" + bytes(4_200_000)


async def delivered_once(pipeline: Pipeline) -> None:
    """So that the account is known to give references back."""
    await pipeline.mail("15551112222")
    await pipeline.submit.round()
    await pipeline.forward(30)
    await pipeline.track.round()


async def look(pipeline: Pipeline, times: int = 12) -> None:
    for _ in range(times):
        await pipeline.forward(400)
        await pipeline.reconcile.round()


async def test_a_fax_that_is_not_there_has_failed_as_too_large_and_is_not_tried_again(
    pipeline: Pipeline, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await delivered_once(pipeline)
    await sandbox.control("quirks", {"four_megabytes": True})
    [job] = await pipeline.mail("15551234567", document=LARGE)
    await pipeline.submit.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.IN_DOUBT, "a 500 alone proves nothing"
    assert f"large-document bytes={len(LARGE)}" in caplog.text
    await look(pipeline)
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.FAILED and ended.status is not None
    assert (ended.status.code, ended.status.diagnostic) == (
        "5.3.4",
        "x-faxcore; HTTP 500: perhaps too large, 4.2 MB",
    )
    assert await sandbox.posts() == 2
    [letter] = await pipeline.letters(job.queue_id)
    told = await pipeline.spool.outbox.get(letter.letter_id)
    assert told is not None and b"too large" in told.content


async def test_one_that_was_accepted_all_the_same_is_found_and_followed(pipeline: Pipeline, sandbox: Sandbox) -> None:
    await delivered_once(pipeline)
    [job] = await pipeline.mail("15555550122", document=LARGE)  # accepted, then 500
    await pipeline.submit.round()
    assert (await pipeline.job(job.queue_id)).status is not None
    await look(pipeline, 1)
    found = await pipeline.job(job.queue_id)
    assert (found.state, found.status) == (JobState.SUBMITTED, None)


async def test_where_nothing_can_be_proven_the_answer_names_the_size(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    await sandbox.control("quirks", {"four_megabytes": True})
    async with opened(tmp_path, pipeline.clock, replace(account, reference="off")) as unmarked:
        [job] = await unmarked.mail("15551234567", document=LARGE)
        await unmarked.submit.round()
        await unmarked.forward(90_000)
        await look(unmarked, 2)
        ended = await unmarked.job(job.queue_id)
        assert ended.state is JobState.UNCONFIRMED and ended.status is not None
        assert "too large" in ended.status.sentence
    assert await sandbox.posts() == 1


@pytest.mark.parametrize(
    ("number_format", "sent"), [("1", "15551234567"), ("+1", "+15551234567"), ("0111", "01115551234567")]
)
async def test_numbers_are_handed_over_as_the_service_wants_them_and_found_again(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox, number_format: str, sent: str
) -> None:
    async with opened(tmp_path, pipeline.clock, replace(account, number_format=number_format)) as formed:
        await formed.mail("15551234567")
        await formed.submit.round()
        [fax] = await sandbox.faxes()
        assert fax["number"] == sent
        await sandbox.control("faults", {"operation": "SendFax", "action": "drop_after"})
        [lost] = await formed.mail("15557654321")
        await formed.submit.round()
        assert (await formed.job(lost.queue_id)).state is JobState.IN_DOUBT
        await look(formed, 1)
        assert (await formed.job(lost.queue_id)).state is JobState.SUBMITTED
