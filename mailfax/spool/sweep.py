"""Files that no row counts on are removed: what a crash left between a file and its commit.

In: the content folder and the ids that have a row. Out: how many files went. Only files that nobody touched for an
hour: a mail that is arriving just now has no row yet.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from mailfax.spool.engine import Engine
from mailfax.spool.files import GROWING

#: No mail takes that long between its last block and its commit.
ORPHAN_SECONDS: Final = 3600.0
CHUNK: Final = 500


async def sweep_orphans(engine: Engine, root: Path, before: float) -> int:
    """Remove content files without a row whose last change is before ``before`` on the file system's clock."""
    old = await asyncio.to_thread(_untouched, root, before)
    removed = 0
    for start in range(0, len(old), CHUNK):
        part = old[start : start + CHUNK]
        # A file that never got its name has no row under any name.
        names = tuple(path.name for path in part if not path.name.startswith(GROWING))
        [rows] = await engine.read(("content_known", {"content_ids": names}))
        known = {row["content_id"] for row in rows}
        orphans = [path for path in part if path.name not in known]
        removed += await asyncio.to_thread(remove_files, orphans)
    return removed


def _untouched(root: Path, before: float) -> list[Path]:
    found: list[Path] = []
    for path in root.glob("??/*"):
        with contextlib.suppress(FileNotFoundError):
            if path.stat().st_mtime < before:
                found.append(path)
    return found


def remove_files(paths: list[Path]) -> int:
    """Unlink them, as far as they are there; how many were meant."""
    for path in paths:
        path.unlink(missing_ok=True)
    return len(paths)
