"""Handing over: the last piece stays here until everything is right."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from mailfax.faxcore.errors import NotSent
from mailfax.faxcore.upload import PIECE, Handover

pytestmark = pytest.mark.anyio


async def chunks(*sizes: int) -> AsyncIterator[bytes]:
    for size in sizes:
        yield b"x" * size


async def broken() -> AsyncIterator[bytes]:
    yield b"x" * 3 * PIECE
    raise OSError(5, "Input/output error")


async def taken(handover: Handover) -> tuple[list[int], NotSent | None]:
    sizes = []
    try:
        async for piece in handover.pieces():
            sizes.append(len(piece))
    except NotSent as failure:
        return sizes, failure
    return sizes, None


@pytest.mark.parametrize("sizes", [(1,), (PIECE,), (PIECE + 1,), (0, 5, 0, 5), (300_000, 1)])
async def test_all_bytes_go_in_pieces_of_64_kib_at_most(sizes):
    handover = Handover(chunks(*sizes), sum(sizes), lambda: True)
    given, failure = await taken(handover)
    assert (sum(given), failure, handover.finished) == (sum(sizes), None, True)
    assert max(given) <= PIECE


@pytest.mark.parametrize(
    "source, length, may_finish",
    [
        (lambda: chunks(3 * PIECE), 3 * PIECE, False),
        (lambda: chunks(3 * PIECE), 3 * PIECE + 1, True),
        (lambda: chunks(3 * PIECE), 3 * PIECE - 1, True),
        (lambda: chunks(PIECE, PIECE, PIECE), 2 * PIECE, True),
        (lambda: chunks(), 10, True),
        (broken, 4 * PIECE, True),
    ],
    ids=["lease ran out", "too short", "too long", "too long by a whole piece", "nothing", "read error"],
)
async def test_the_last_bytes_are_held_back(source, length, may_finish):
    handover = Handover(source(), length, lambda: may_finish)
    given, failure = await taken(handover)
    assert sum(given) < length
    assert failure is not None and not handover.finished


async def test_the_time_for_the_answer_begins_with_the_last_piece():
    events: list[str | int] = []
    handover = Handover(chunks(2 * PIECE + 5), 2 * PIECE + 5, lambda: events.append("may finish") or True)
    handover.on_finish = lambda: events.append("finish")
    async for piece in handover.pieces():
        events.append(len(piece))
    assert events == [PIECE, PIECE, "may finish", "finish", 5]
