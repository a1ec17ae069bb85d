"""The house in which flows happen."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from house import House


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    """A sandbox that runs, and a bridge that the flow starts."""
    here = House(tmp_path)
    here.start_sandbox()
    try:
        yield here
    finally:
        here.close()
