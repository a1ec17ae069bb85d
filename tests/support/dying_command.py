"""A command of ``mailfax`` for flow tests that dies at a named commit, as ``kill -9`` would end it.

Usage: dying_command.py before|after COMMIT COMMAND…
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from dying_serve import dying_at

from mailfax.cli import main
from mailfax.spool import Spool


def run() -> int:
    moment, commit, *command = sys.argv[1:]
    really, hook = Spool.open, {f"{moment}_commit": dying_at(commit)}

    async def opened(url: str, base: Path, **more: Any) -> Spool:
        return await really(url, base, **{**more, **hook})

    Spool.open = opened  # type: ignore[method-assign,assignment]
    return main(command)


if __name__ == "__main__":
    sys.exit(run())
