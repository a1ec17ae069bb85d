"""What verbs share: finding the configuration, and opening its spool."""

from __future__ import annotations

import argparse
import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mailfax.cli import CannotRun
from mailfax.cli.owner import give_to_owner
from mailfax.config import Config, ConfigError, load

if TYPE_CHECKING:
    from mailfax.spool import Spool

PLACES = ("mailfax.toml", "/etc/mailfax/mailfax.toml")

T = TypeVar("T")


def find_config(arguments: argparse.Namespace) -> Path:
    """Where the configuration in force lies; ``CannotRun`` where there is none."""
    named = arguments.config or os.environ.get("MAILFAX_CONFIG")
    path = Path(named) if named else next((Path(place) for place in PLACES if Path(place).is_file()), None)
    if path is None:
        raise CannotRun(f"no configuration was found at {' or '.join(PLACES)}: name one with --config FILE")
    return path


def load_config(arguments: argparse.Namespace, *, passwords: bool = True) -> Config:
    """The configuration in force; ``CannotRun`` says what to correct. ``passwords``: whether this verb uses any."""
    try:
        return load(find_config(arguments), os.environ, passwords=passwords)
    except ConfigError as wrong:
        several = len(wrong.sentences) > 1
        raise CannotRun(f"{len(wrong.sentences)} things are wrong:\n{wrong}" if several else str(wrong)) from None


def with_spool(config: Config, work: Callable[[Spool], Awaitable[T]]) -> T:
    """Open the spool as the service does, work on it, close it; what root makes of it is its owner's."""
    from mailfax.spool import SpoolRefused, open_spool

    async def run() -> T:
        spool = await open_spool(config)
        give_to_owner(config.spool.file)
        try:
            return await work(spool)
        finally:
            await spool.close()

    try:
        return asyncio.run(run())
    except SpoolRefused as wrong:
        raise CannotRun(str(wrong)) from None
