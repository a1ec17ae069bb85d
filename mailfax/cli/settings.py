"""Finding and loading the configuration for a verb, and opening its spool."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from mailfax.cli import CannotRun
from mailfax.config import Config, ConfigError, load

PLACES = ("mailfax.toml", "/etc/mailfax/mailfax.toml")


def load_config(arguments: argparse.Namespace) -> Config:
    """The configuration in force; ``CannotRun`` says what to mend."""
    named = arguments.config or os.environ.get("MAILFAX_CONFIG")
    path = Path(named) if named else next((Path(place) for place in PLACES if Path(place).is_file()), None)
    if path is None:
        raise CannotRun(f"no configuration was found at {' or '.join(PLACES)}: name one with --config FILE")
    try:
        return load(path, os.environ)
    except ConfigError as wrong:
        raise CannotRun(str(wrong)) from None
