"""What root makes for the spool belongs to the spool's owner: else the service could not use it.

In: the file of a spool. Out: what root left around it has the owner and the group of its folder.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def give_to_owner(spool: Path | None, *, contents: bool = False) -> None:
    """Nothing to do for who is not root, and where the spool is no file. ``contents``: large ones were made, too."""
    if spool is None or os.geteuid() != 0 or not spool.parent.exists():
        return
    owner = spool.parent.stat()
    patterns = (f"{spool.name}*", "content", "content/**/*" if contents else "content/*")
    for path in (path for pattern in patterns for path in spool.parent.glob(pattern)):
        with contextlib.suppress(FileNotFoundError):  # SQLite removes its log when the last one closes it
            if path.lstat().st_uid == 0:
                os.chown(path, owner.st_uid, owner.st_gid, follow_symlinks=False)
