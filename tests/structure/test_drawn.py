"""What the documents show of the code is what the code says."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from mailfax import maillog
from mailfax.rules.states import INBOUND, JOB, LETTER, JobState
from tests.structure.drawing import DRAWINGS, event_names, verbs
from tests.structure.packages import TOP


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawn_document_is_up_to_date(path: Path) -> None:
    assert path.read_text() == DRAWINGS[path](), "run scripts/draw"


def test_every_command_and_option_says_what_it_does() -> None:
    assert verbs()
    for verb, (sentence, parser) in verbs().items():
        assert sentence, f"mailfax {verb} has no help"
        for action in parser._actions:
            assert action.help, f"mailfax {verb}: {action.dest} has no help"


def test_every_event_of_the_log_says_when_it_is_written() -> None:
    known: set[str] = set()
    for function in ast.parse(inspect.getsource(maillog)).body:
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "line":
                assert isinstance(function, ast.FunctionDef) and ast.get_docstring(function), ast.unparse(function)
                names = event_names(function, call.args[1])
                assert names and not known & set(names), names
                known |= set(names)
    # Where a state is the event, it is named, and nothing else is.
    assert known & set(JobState) >= JOB.final | {JobState.DEFERRED, JobState.IN_DOUBT} and "status" not in known
    for machine, prefix in ((LETTER, "notification-"), (INBOUND, "fax-")):
        named = {name.removeprefix(prefix) for name in known if name.startswith(prefix)}
        assert named - {"taken", "stored"} <= set(type(machine.start)), machine.name
    assert "log.md" in (TOP / "docs/README.md").read_text()
