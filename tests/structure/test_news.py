"""What a worker waits for has a name: one that no commit and no statement has would never be heard."""

from __future__ import annotations

import pytest

from mailfax import wiring
from mailfax.context import Worker
from mailfax.spool import COMMITS
from mailfax.spool.sql import statements


def test_there_are_workers() -> None:
    assert wiring.Submit in Worker.__subclasses__()


@pytest.mark.parametrize("worker", Worker.__subclasses__(), ids=lambda worker: worker.__name__)
def test_every_news_is_the_name_of_a_commit_or_of_a_statement(worker: type[Worker]) -> None:
    assert set(worker.news) <= COMMITS | statements().keys()
