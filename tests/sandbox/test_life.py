"""Every magic number goes the way that the table says, at the time that the table says."""

from __future__ import annotations

import pytest

from mailfax.sandbox.life import MAGIC, Folder, Status, delivered, first_look, magic, moment, same_line

Q, P, C, F = Status.IN_QUEUE, Status.PROCESSING, Status.COMPLETED, Status.FAILED
OUT, SENT, FAILED = Folder.OUTBOX, Folder.SENT, Folder.FAILED


@pytest.mark.parametrize(
    ("code", "pages", "course"),
    [
        ("", 1, [(0, Q, OUT), (7.9, Q, OUT), (8, P, OUT), (31.9, P, OUT), (32, C, SENT), (1e9, C, SENT)]),
        ("", 10, [(8, P, OUT), (103, P, OUT), (104, C, SENT)]),
        ("00", 3, [(0, C, SENT)]),
        ("01", 1, [(8, P, OUT), (740, P, OUT), (743, F, FAILED)]),
        ("02", 1, [(8, P, OUT), (740, P, OUT), (743, F, FAILED)]),
        ("03", 1, [(8, P, OUT), (48, F, FAILED)]),
        ("04", 1, [(8, P, OUT), (28, F, FAILED)]),
        ("05", 4, [(8, P, OUT), (56, F, FAILED)]),
        ("06", 1, [(0, Q, OUT), (1e9, Q, OUT)]),
        ("07", 1, [(8, P, OUT), (3599, P, OUT), (3600, C, SENT)]),
        ("08", 1, [(0, Q, OUT), (8, Status.CANCELLED, Folder.CANCELLED)]),
        ("09", 1, [(0, Q, OUT), (8, Status.ON_HOLD, Folder.HOLD)]),
        ("11", 0, [(8, P, OUT), (18, F, FAILED)]),
        ("12", 1, [(8, Status.AWAITING_CARRIER, OUT), (68, C, SENT)]),
    ],
)
def test_a_fax_goes_its_way(code: str, pages: int, course: list[tuple[float, Status, Folder]]) -> None:
    for elapsed, status, folder in course:
        step = moment(MAGIC[code].route, pages, elapsed).step
        assert (step.status, step.folder) == (status, folder), elapsed


@pytest.mark.parametrize("code", list(MAGIC))
@pytest.mark.parametrize("pages", [0, 1, 7])
def test_looking_whenever_told_to_sees_every_step(code: str, pages: int) -> None:
    route = MAGIC[code].route
    look, seen = first_look(route), [route[0]]
    while look is not None:
        where = moment(route, pages, look)
        seen.append(where.step)
        look = where.until
    assert seen[-len(route) :] == list(route)


@pytest.mark.parametrize(
    ("code", "pages", "over"), [("", 3, 3), ("05", 4, 2), ("05", 5, 2), ("05", 1, 0), ("04", 3, 0)]
)
def test_delivered_pages_are_those_that_went_over(code: str, pages: int, over: int) -> None:
    assert delivered(MAGIC[code].route[-1], pages) == over


@pytest.mark.parametrize(
    ("digits", "code"),
    [("12025550104", "04"), ("2025550120", "20"), ("12025550113", ""), ("12025550204", ""), ("5550104999", "")],
)
def test_only_numbers_that_end_in_555_01nn_are_magic(digits: str, code: str) -> None:
    assert magic(digits).code == code


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("5557153333", "15557153333", True),
        ("5557153333", "+1 (555) 715-3333", True),
        ("5557153333", "5557153334", False),
        ("5557153333", "445557153333", False),
        ("", "", False),
    ],
)
def test_a_leading_one_makes_no_other_line(one: str, other: str, same: bool) -> None:
    assert same_line(one, other) is same
