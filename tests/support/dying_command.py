"""A command of ``mailfax`` for flow tests that dies at a named commit, as ``kill -9`` would end it.

Usage: dying_command.py before|after COMMIT COMMAND…
"""

from __future__ import annotations

import functools
import sys

from dying_serve import dying_at

from mailfax.cli import main
from mailfax.spool import Spool


def run() -> int:
    moment, commit, *command = sys.argv[1:]
    Spool.open = functools.partial(Spool.open, **{f"{moment}_commit": dying_at(commit)})  # type: ignore[method-assign]
    return main(command)


if __name__ == "__main__":
    sys.exit(run())
