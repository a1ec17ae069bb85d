"""A deadline is kept whether it is moved away, moved nearer, or taken away and set again."""

from __future__ import annotations

import asyncio

import pytest

from mailfax.smtpd.patience import Patience

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("waits", "after"),
    [
        ([0.1], 0.1),
        ([0.05, 0.2], 0.2),
        ([5.0, 0.1], 0.1),
        ([0.05, float("inf"), 0.1], 0.1),
        ([float("inf"), 0.1], 0.1),
    ],
)
async def test_the_last_word_counts(waits: list[float], after: float) -> None:
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    patience = Patience(loop, ended.set)
    began = loop.time()
    for seconds in waits:
        patience.wait(seconds)
    await asyncio.wait_for(ended.wait(), 5)
    assert after - 0.01 <= loop.time() - began < after + 1


async def test_our_own_time_is_without_end_and_winding_it_again_works() -> None:
    ended = asyncio.Event()
    patience = Patience(asyncio.get_running_loop(), ended.set)
    patience.wait(0.02)
    patience.wait(float("inf"))
    await asyncio.sleep(0.1)  # the timer has rung, and found no deadline
    assert not ended.is_set()
    patience.wait(0.02)
    await asyncio.wait_for(ended.wait(), 5)


async def test_who_has_left_is_not_waited_for() -> None:
    ended = asyncio.Event()
    patience = Patience(asyncio.get_running_loop(), ended.set)
    patience.wait(0.02)
    patience.stop()
    await asyncio.sleep(0.1)
    assert not ended.is_set()
