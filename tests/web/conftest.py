"""A spool, what is watched of it, and the listener for monitors."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest

from mailfax.config import WebConfig
from mailfax.config.places import THIS_MACHINE
from mailfax.spool import Spool
from mailfax.web import Watched, open_web


@dataclass
class Monitored:
    """``problems`` is what the disk and the relay say of themselves."""

    spool: Spool
    certificates: dict[str, Path] = field(default_factory=dict)
    problems: dict[str, str] = field(default_factory=dict)
    url: str = ""

    def watched(self) -> Watched:
        return Watched(
            self.spool,
            ("main",),
            self.certificates,
            disk=lambda: self.problems.get("disk", ""),
            relay=lambda: self.problems.get("relay", ""),
        )

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient() as client:
            return await client.get(self.url + path)


@pytest.fixture
async def monitored(tmp_path: Path) -> AsyncIterator[Monitored]:
    spool = await Spool.open("sqlite:///spool.db", tmp_path)
    seen = Monitored(spool)
    web = open_web(WebConfig("127.0.0.1", 0, THIS_MACHINE), seen.watched)
    seen.url = "http://{}:{}".format(*web.address)
    yield seen
    await web.close()
    await spool.close()
