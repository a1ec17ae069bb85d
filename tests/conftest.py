"""Fixtures that every test may use, and the rule about tests that are skipped."""

from __future__ import annotations

import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from tests.support.postgresql import Cluster

#: Files whose tests share nothing: each starts a sandbox and a bridge of its own, and mostly waits for them.
EACH_ALONE = {
    f"tests/flows/test_{name}.py"
    for name in ("f01_kill_points", "f02_outcomes", "f14_every_commit", "f16_every_letter")
}

#: Program -> Debian packages.
PROGRAMS = dict(
    line.split(maxsplit=1)
    for line in Path(__file__).with_name("programs.txt").read_text().splitlines()
    if not line.startswith("#")
)


class Scheduling(LoadFileScheduling):  # type: ignore[misc]
    """A file's tests stay on one worker, as what they share is started once; those of ``EACH_ALONE`` go anywhere."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return nodeid if file in EACH_ALONE else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Scheduling:
    return Scheduling(config, log)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--spool",
        choices=("some", "sqlite", "postgresql", "both"),
        default="some",
        help="on which engines flows run; some: all on SQLite, a handful on PostgreSQL",
    )


@pytest.fixture
def anyio_backend() -> str:
    """All asynchronous tests run on asyncio: that is what the service runs on."""
    return "asyncio"


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A PostgreSQL server, one for all tests of a worker."""
    started = Cluster()
    yield started
    started.stop()


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no mailfax setting of the person who runs the tests may reach a test."""
    for name in list(os.environ):
        if name.startswith("MAILFAX_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """``@pytest.mark.needs("swaks")`` skips a test, and says what to install, where the program is missing."""
    for mark in item.iter_markers("needs"):
        for program in mark.args:
            if shutil.which(program) is None:
                pytest.skip(f"needs {program}; install the package {PROGRAMS[program]}")


def _fail_where_nothing_may_be_skipped(report: Any) -> Any:
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("CI") == "true":
        report.outcome = "failed"
        report.longrepr = f"skipped, and with CI=true nothing may be: {report.longrepr}"
    return report


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, Any, Any]:
    return _fail_where_nothing_may_be_skipped((yield))


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, Any, Any]:
    return _fail_where_nothing_may_be_skipped((yield))
