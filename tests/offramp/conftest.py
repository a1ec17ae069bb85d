"""Fixtures of the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from mailfax.config import Account
from mailfax.onramp.meet import meet
from mailfax.sandbox.server import SandboxOptions, serve
from tests.offramp.pipeline import NUMBER, PASSWORD, Clock, Pipeline, Sandbox, opened


@pytest.fixture
async def sandbox(tmp_path: Path) -> AsyncIterator[Sandbox]:
    listening: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    options = SandboxOptions("127.0.0.1:0", tmp_path / "sandbox", ((NUMBER, PASSWORD),), speed=100_000.0)
    task = asyncio.create_task(serve(options, started=listening.set_result))
    yield Sandbox(await listening)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
def account(sandbox: Sandbox) -> Account:
    return Account(
        "main",
        sandbox.base_url,
        NUMBER,
        PASSWORD,
        ("office@example.com",),
        settle_seconds=900.0,
        timeout_seconds=2.0,
        document="pdf",
    )


@pytest.fixture
async def pipeline(tmp_path: Path, account: Account) -> AsyncIterator[Pipeline]:
    """A pipeline whose account has been met."""
    async with opened(tmp_path, Clock(), account) as made:
        await meet(made.spool, made.fax_accounts.client("main"), account)
        yield made
