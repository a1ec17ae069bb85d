"""Every kind of hostile file and mail ends in a document or in a status and a sentence: in bounded time and memory,
with the foreman alive and the next mail drawn. A few hundred mutations here; ``scripts/mutate`` does ten thousand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fuzz.hostile import KINDS, MAILS
from tests.fuzz.strangers import Strangers, broken, mutations
from tests.render.paper import mail

pytestmark = pytest.mark.anyio
#: Resident bytes of all processes at work on one mail. The bound of a cell is its address space; this is what of it
#: may ever be in memory.
MOST_MEMORY = 1_700_000_000


@pytest.fixture(scope="module")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(scope="module")
async def strangers(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Strangers]:
    async with Strangers(tmp_path_factory.mktemp("strangers")) as made:
        yield made


@pytest.mark.parametrize("kind", KINDS)
async def test_a_hostile_file(strangers: Strangers, kind: str) -> None:
    name, content = KINDS[kind]
    outcome = await strangers.render(mail("Words", (name, "application/octet-stream", content())))
    assert not broken(outcome)
    assert outcome.peak < MOST_MEMORY


@pytest.mark.parametrize("kind", MAILS)
async def test_a_hostile_mail(strangers: Strangers, kind: str) -> None:
    outcome = await strangers.render(MAILS[kind]())
    assert not broken(outcome)
    assert outcome.peak < MOST_MEMORY


async def test_mutations(strangers: Strangers, tmp_path: Path) -> None:
    for name, content in mutations(seed=7, count=200):
        outcome = await strangers.render(mail("Words", (name, "application/octet-stream", content)))
        assert not broken(outcome), (name, outcome)
