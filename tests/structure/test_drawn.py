"""What the documents show of the code is what the code says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.structure.drawing import DRAWINGS, verbs


@pytest.mark.parametrize("path", DRAWINGS, ids=lambda path: path.stem)
def test_a_drawn_document_is_up_to_date(path: Path) -> None:
    assert path.read_text() == DRAWINGS[path](), "run scripts/draw"


def test_every_command_and_option_says_what_it_does() -> None:
    assert verbs()
    for verb, (sentence, parser) in verbs().items():
        assert sentence, f"mailfax {verb} has no help"
        for action in parser._actions:
            assert action.help, f"mailfax {verb}: {action.dest} has no help"
