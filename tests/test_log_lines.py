"""The lines of the log: words for people, objects for programs, and no secret in either."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator

import pytest

from mailfax import maillog
from mailfax.log_lines import configure_logging


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    root, ours = logging.getLogger(), logging.getLogger("mailfax")
    before = root.handlers[:], root.level, ours.level, logging._srcfile
    flags = logging.logThreads, logging.logProcesses, logging.logMultiprocessing
    yield
    root.handlers[:], root.level, ours.level, logging._srcfile = before
    logging.logThreads, logging.logProcesses, logging.logMultiprocessing = flags


def test_words(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "9:1")
    configure_logging(verbose=False)
    maillog.line("W1", "queued", number="…4567", reference="", detail="two words")
    maillog.line("", "refused", client="127.0.0.1")
    assert (
        capsys.readouterr().err == "INFO W1: queued number=…4567 detail=two_words\nINFO -: refused client=127.0.0.1\n"
    )


def test_objects(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(verbose=False, form="json")
    maillog.line("W1", "queued", number="…4567", reference="", detail="two words", pages=3)
    logging.getLogger("mailfax.service").info("mailfax %s is ready", "0.1")
    text = "subject"
    try:
        raise ValueError(f"{text} of a fax")
    except ValueError:
        logging.getLogger("mailfax.service").exception("a command failed")
    queued, ready, failed = (json.loads(line) for line in capsys.readouterr().err.splitlines())
    assert queued.pop("time").endswith("+00:00")
    assert queued == {
        "level": "info", "event": "queued", "queue_id": "W1", "number": "…4567", "detail": "two words", "pages": 3
    }  # fmt: skip
    assert (ready["level"], ready["message"]) == ("info", "mailfax 0.1 is ready")
    assert failed["message"] == "a command failed" and "ValueError" in failed["exception"]
    assert "subject of a fax" not in failed["exception"]


def test_numbers_are_whole_only_where_the_operator_wants_them() -> None:
    assert (maillog.short("15551234567"), maillog.masked("15551234567@x")) == ("…4567", "xxxxxxx4567@x")
    maillog.show_whole_numbers(True)
    try:
        assert (maillog.short("15551234567"), maillog.masked("15551234567@x")) == ("15551234567", "15551234567@x")
    finally:
        maillog.show_whole_numbers(False)
