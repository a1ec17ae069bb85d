"""No account is asked faster than it may be, nor before the moment that it named."""

from __future__ import annotations

import asyncio

import pytest

from mailfax.faxcore.client import FaxCore
from mailfax.faxcore.errors import Unavailable
from mailfax.faxcore.pace import LISTS_A_MINUTE, Pace

pytestmark = pytest.mark.anyio


class Clock:
    """Sleeping moves it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1_000.0
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    def __call__(self) -> float:
        return self.now

    async def _sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


async def test_lists_are_six_in_any_minute_and_other_questions_do_not_wait(clock: Clock) -> None:
    pace, moments = Pace(LISTS_A_MINUTE, clock), []
    for _ in range(20):
        await pace.turn("GetFaxList")
        await pace.turn("FaxStatus")
        moments.append(clock.now)
        clock.now += 1.0
    for first in moments:
        assert sum(first <= moment < first + 60.0 for moment in moments) <= 6
    assert moments[19] - moments[0] < 3 * 60 + 20, "and no slower than that"


async def test_a_moment_that_was_named_holds_for_its_own_call(clock: Clock) -> None:
    pace = Pace(0, clock)
    pace.answered("GetFaxList", 503, 20.0)
    with pytest.raises(Unavailable) as raised:
        await pace.turn("GetFaxList")
    assert raised.value.retry_after == 20.0
    await pace.turn("FaxStatus")
    clock.now += 20.0
    await pace.turn("GetFaxList")


@pytest.mark.parametrize(
    ("status", "retry_after", "left"),
    [(200, 99.0, 0.0), (500, None, 0.0), (503, None, 0.0), (429, None, 60.0), (429, 1e9, 3_600.0), (503, 0.0, 0.0)],
)
async def test_what_an_answer_means_for_the_next_question(
    clock: Clock, status: int, retry_after: float | None, left: float
) -> None:
    pace = Pace(0, clock)
    pace.answered("FaxStatus", status, retry_after)
    assert pace.left("FaxStatus") == left


@pytest.mark.parametrize(("url", "lists"), [("https://fax.example.com/api/", 6), ("http://127.0.0.1:1/api/", 0)])
async def test_only_the_sandbox_on_this_machine_is_listed_without_a_bound(url: str, lists: int) -> None:
    core = FaxCore(base_url=url, username="u", password="p")
    assert core.pace.lists == lists
    await core.aclose()
