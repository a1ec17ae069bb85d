"""What a carrier waits for has a name: one that no commit and no statement has would never be heard."""

from __future__ import annotations

import pytest

from mailfax import wiring
from mailfax.context import Carrier
from mailfax.spool import COMMITS
from mailfax.spool.sql import statements


def test_there_are_carriers() -> None:
    assert wiring.Submit in Carrier.__subclasses__()


@pytest.mark.parametrize("carrier", Carrier.__subclasses__(), ids=lambda carrier: carrier.__name__)
def test_every_news_is_the_name_of_a_commit_or_of_a_statement(carrier: type[Carrier]) -> None:
    assert set(carrier.news) <= COMMITS | statements().keys()
