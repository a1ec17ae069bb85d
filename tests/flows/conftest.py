"""The site in which flows happen, with its spool in a file or in a PostgreSQL database."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from tests.support.site import Site

#: The flows that always run on PostgreSQL, too. All of them: ``pytest --spool postgresql tests/flows``.
ON_BOTH = re.compile(
    r"test_f01_kill_points\.py::test_one_fax_and_one_answer\[postgresql-before-(accept|letter-taken)\]"
    r"|test_f14_every_commit\.py::test_one_fax_and_one_answer\[postgresql-found\]"
    r"|test_f27_outcome_webhooks\.py::test_killed_before_its_program_has_heard\[postgresql-before-program-told\]"
    r"|test_f17_postgresql\.py"
)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.needs("pg_ctl"))])
def engine(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    wanted = config.getoption("spool")

    def is_wanted(item: pytest.Item) -> bool:
        engine = getattr(item, "callspec", None) and item.callspec.params.get("engine")
        if engine is None or wanted in ("both", engine):
            return True
        return wanted == "some" and (engine == "sqlite" or bool(ON_BOTH.search(item.nodeid)))

    left_out = [item for item in items if not is_wanted(item)]
    items[:] = [item for item in items if is_wanted(item)]
    config.hook.pytest_deselected(items=left_out)


@pytest.fixture
def site(engine: str, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Site]:
    """A sandbox that runs, and a bridge that the flow starts."""
    here = Site(tmp_path)
    if engine == "postgresql":
        here.settings["spool"] = asyncio.run(request.getfixturevalue("cluster").new_database())
    here.start_sandbox()
    try:
        yield here
    finally:
        here.close()
