"""A renderer, and documents made here: letters, scans, photographs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from mailfax.config import Limits
from mailfax.render import Rendered, Renderer

Render = Callable[[bytes], Awaitable[Rendered]]


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    """As everywhere; for a whole module, so that its tests share one renderer."""
    return "asyncio"


@pytest.fixture(scope="module")
async def renderer() -> AsyncIterator[Renderer]:
    made = Renderer(paper="letter", limits=Limits(pages=30, document_bytes=3_000_000, render_seconds=20))
    await made.start()
    yield made
    await made.close()


@pytest.fixture
def render(renderer: Renderer, tmp_path: Path) -> Render:
    """Render the bytes of a mail."""

    async def made(raw: bytes) -> Rendered:
        mail = tmp_path / "mail"
        mail.write_bytes(raw)
        return await renderer.render(mail, into=tmp_path)

    return made
