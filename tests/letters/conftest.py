"""What ``samples`` has, as fixtures."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from mailfax.letters import Marks, Site
from mailfax.rules.job import Document, FaxJob, InboundFax, Message
from tests.letters import samples


@pytest.fixture(scope="session")
def site() -> Site:
    return samples.SITE


@pytest.fixture(scope="session")
def marks() -> Marks:
    return samples.MARKS


@pytest.fixture(scope="session")
def document() -> Document:
    return samples.DOCUMENT


@pytest.fixture(scope="session")
def a_message() -> Callable[..., Message]:
    return samples.a_message


@pytest.fixture(scope="session")
def a_job() -> Callable[..., FaxJob]:
    return samples.a_job


@pytest.fixture(scope="session")
def a_fax() -> Callable[..., InboundFax]:
    return samples.a_fax
