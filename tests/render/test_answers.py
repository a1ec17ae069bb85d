"""A cell that was taken over may answer anything: it names no other file, and the service takes no harm."""

from __future__ import annotations

import resource
import signal
from pathlib import Path
from typing import Any

import pytest

from mailfax.render import CannotRender, _on_one_line, _refused, _rendered
from mailfax.render.foreman import Foreman, _Cell, _understood
from mailfax.render.terms import Terms

GOOD = {
    "filename": "fax.pdf",
    "pages": 2,
    "notes": "",
    "contents": ["a"],
    "skipped": [],
    "covered": True,
    "remarks": [],
}


def test_a_good_answer_is_taken() -> None:
    made = _rendered(GOOD, Path("/into"))
    assert (made.content, made.filename, made.pages) == (Path("/into/fax.pdf"), "fax.pdf", 2)
    assert _rendered({**GOOD, "pages": None}, Path("/into")).pages is None


@pytest.mark.parametrize(
    "wrong",
    [
        {"filename": "../fax.pdf"},
        {"filename": "/etc/passwd"},
        {"filename": ".."},
        {"filename": "."},
        {"filename": ""},
        {"filename": "a\0b"},
        {"filename": "a\nb"},
        {"filename": 5},
        {"pages": "2"},
        {"pages": -1},
        {"notes": None},
        {"contents": "a"},
        {"contents": [1]},
        {"skipped": None},
        {"covered": 1},
    ],
    ids=str,
)
def test_an_answer_of_another_shape_is_no_document(wrong: dict[str, Any]) -> None:
    with pytest.raises(CannotRender, match="made no document") as refused:
        _rendered({**GOOD, **wrong}, Path("/into"))
    assert refused.value.later


@pytest.mark.parametrize("wrong", [None, [], "x", {}])
def test_no_answer_is_no_document(wrong: object) -> None:
    with pytest.raises(CannotRender, match="made no document"):
        _rendered(wrong, Path("/into"))


@pytest.mark.parametrize(
    "refused",
    [
        {"code": "2.0.0", "sentence": "delivered", "diagnostic": "x"},
        {"code": "5.6.1", "sentence": "", "diagnostic": "x"},
        {"code": "5.6.1", "sentence": "x"},
        {"code": "5.6.1\r\nX: y", "sentence": "x", "diagnostic": "x"},
        "x",
    ],
    ids=str,
)
def test_a_refusal_of_another_shape_is_no_document(refused: object) -> None:
    assert "made no document" in str(_refused({"refused": refused, "later": False}))


def test_an_answer_moves_nothing_in_a_report() -> None:
    told = {"refused": {"sentence": "bad\r\nX-Header: y"}, "skipped": ["a\x1b[2J"], "notes": "a\nb", "pages": 2}
    assert _on_one_line(told) == {
        "refused": {"sentence": "bad  X-Header: y"},
        "skipped": ["a [2J"],
        "notes": "a\nb",
        "pages": 2,
    }


@pytest.mark.parametrize(("worked", "later"), [(0.9, False), (0.1, True)])
def test_only_a_document_that_kept_the_processor_busy_is_given_up(worked: float, later: bool) -> None:
    """On a busy machine it may have waited for its turn: then it is tried again."""
    made = Foreman.__new__(Foreman)
    made._terms = Terms("letter", 10, 10**6, 1.0)
    slow = _Cell(task={"id": 1}, files=(), pid=1, pipe=1, deadline=0.0, timed_out=True)
    told = made._answer(slow, signal.SIGKILL, resource.struct_rusage((worked, 0.0, *[0] * 14)))
    assert told["later"] is later
    assert "took longer than 1 second." in told["refused"]["sentence"]


@pytest.mark.parametrize(
    "said", [b"no JSON\n", b"[" * 100_000 + b"\n", b"5\n", b'"x"\n', b"[]\n", b"\xff\n", b'{"pages": 1']
)
def test_what_is_no_line_of_ours_counts_as_silence(said: bytes) -> None:
    assert _understood(said) == []
