"""A house whose bridge runs, for commands to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.house import House


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One house for the commands of a module: they look, and what they send goes to numbers of their own."""
    house = House(tmp_path_factory.mktemp("office"))
    house.start_sandbox()
    try:
        house.start()
        yield house
    finally:
        house.close()
