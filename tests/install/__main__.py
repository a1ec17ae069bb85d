"""``scripts/walk``: follows docs/install.md, or the Dockerfile, on a bare Debian with systemd."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from tests.install.dockerfile import build_and_run
from tests.install.machine import CannotBeMade, Machine, WentWrong
from tests.install.walk import walk

WALKS = {"page": walk, "dockerfile": build_and_run}


def main(wanted: list[str]) -> int:
    """Walk what is named, or everything."""
    if set(wanted) - WALKS.keys():
        print(f"walks: {', '.join(WALKS)}", file=sys.stderr)
        return 2
    if os.geteuid() != 0:
        print("this makes a Debian root and mounts in it: run it as root", file=sys.stderr)
        return 2
    return max(_walk(name) for name in wanted or WALKS)


def _walk(name: str) -> int:
    with tempfile.TemporaryDirectory(prefix="debian-") as folder:
        machine = Machine(Path(folder) / "debian")
        try:
            print(f"{name}: a bare Debian ...", flush=True)
            machine.make()
            machine.boot()
            WALKS[name](machine)
        except (CannotBeMade, WentWrong) as wrong:
            print(f"{name}: FAILED\n{wrong}", file=sys.stderr)
            return 1
        finally:
            machine.close()
    print(f"{name}: works, word by word")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
