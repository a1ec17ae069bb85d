"""A change of the configuration and one of the certificates at the same time: neither is lost."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from mailfax import service
from mailfax.service import Service

pytestmark = pytest.mark.anyio


def parts(config: Any) -> Any:
    return SimpleNamespace(
        config=config, retired=asyncio.Event(), tasks=[], listeners=(), context=None, fax_accounts=None,
        handler=SimpleNamespace(policy=None),
    )  # fmt: skip


async def test_a_renewed_certificate_does_not_bring_the_old_configuration_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def nothing(*_: Any, **__: Any) -> None:
        await asyncio.sleep(0)

    async def build(config: Any, *_: Any) -> Any:
        for _turn in range(3 if config.name == "new" else 9):  # what is built of the old one is ready last
            await asyncio.sleep(0)
        return parts(config)

    monkeypatch.setattr(service, "build", build)
    monkeypatch.setattr(service, "set_aside", nothing)
    monkeypatch.setattr(Service, "_close_later", nothing)
    new = SimpleNamespace(name="new", hostname="", limits=None)
    bridge: Any = Service(None, ())  # type: ignore[arg-type]
    bridge.listeners = SimpleNamespace(renew=nothing)
    bridge._parts = parts(SimpleNamespace(name="old", hostname="", limits=None))
    monkeypatch.setattr(bridge, "_carry_all", lambda *_: None)
    await asyncio.gather(bridge._go_on_with(), bridge._go_on_with(new))
    assert bridge.config is new
    await asyncio.gather(bridge._go_on_with(new), bridge._go_on_with())
    assert bridge.config is new
