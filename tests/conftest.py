"""Fixtures that every test may use."""

from __future__ import annotations

import os

import pytest


@pytest.fixture
def anyio_backend() -> str:
    """All asynchronous tests run on asyncio: that is what the service runs on."""
    return "asyncio"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no mailfax setting of the person who runs the tests may reach a test."""
    for name in list(os.environ):
        if name.startswith("MAILFAX_") or name.lower().endswith("_proxy"):
            monkeypatch.delenv(name)
