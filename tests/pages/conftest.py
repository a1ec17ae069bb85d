"""One site for all tests of a file."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.pages import PagesSite


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PagesSite]:
    here = PagesSite(tmp_path_factory.mktemp("site"))
    try:
        here.open()
        yield here
    finally:
        here.close()
