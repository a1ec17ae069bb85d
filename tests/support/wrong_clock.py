"""``mailfax serve`` with a clock that a file sets wrong: CLOCK_FILE holds the seconds by which it is ahead.

Usage: CLOCK_FILE=… wrong_clock.py CONFIG [short]: with the waiting times of ``dying_serve.py``.
"""

from __future__ import annotations

import functools
import importlib
import os
import sys
import time
from pathlib import Path

from mailfax.config import load
from mailfax.service import run_until_signalled
from mailfax.spool import Spool

AHEAD = Path(os.environ["CLOCK_FILE"])


def wrong() -> float:
    return time.time() + float(AHEAD.read_text() or 0)


if __name__ == "__main__":
    if sys.argv[2:] == ["short"]:
        importlib.import_module("tests.support.dying_serve")
    Spool.open = functools.partial(Spool.open, clock=wrong)  # type: ignore[method-assign]
    sys.exit(run_until_signalled(load(Path(sys.argv[1]), os.environ), verbose=False))
