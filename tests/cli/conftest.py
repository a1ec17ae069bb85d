"""A site whose bridge runs, for commands to look at."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.site import Site


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One site for the commands of a module: they look, and what they send goes to numbers of their own."""
    site = Site(tmp_path_factory.mktemp("office"))
    site.start_sandbox()
    try:
        site.start()
        yield site
    finally:
        site.close()
