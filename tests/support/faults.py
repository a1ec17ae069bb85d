"""A disk one can't trust, for a process of the tests: ``faults.c``, built here and steered from here.

``Disk`` is one such disk: ``environment`` for the process that gets it, ``fail`` and ``well`` at any time, from any
process that opens the same folder.
"""

from __future__ import annotations

import mmap
import shutil
import struct
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_suffix(".c")
_FIELDS = ("error", "first", "last", "calls", "struck", "unflushed", "repeated")
FOR_EVER = 2**31 - 1


def build(folder: Path) -> Path:
    """The library."""
    compiler, library = shutil.which("gcc"), folder / "faults.so"
    assert compiler, "needs gcc"
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", str(library), str(SOURCE), "-ldl"]
    subprocess.run([*command, "-lpthread"], check=True, timeout=60)
    return library


class Disk:
    """Calls that write below ``below``; ``control`` is a file elsewhere."""

    def __init__(self, below: Path, control: Path) -> None:
        self._below, self._control = below, control
        if not control.exists():
            control.write_bytes(bytes(4 * len(_FIELDS)))
        with control.open("r+b") as file:
            self._shared = mmap.mmap(file.fileno(), 4 * len(_FIELDS))

    def environment(self, library: Path) -> dict[str, str]:
        return {
            "LD_PRELOAD": str(library),
            "FAULTS_BELOW": str(self._below),
            "FAULTS_CONTROL": str(self._control),
        }

    def __getattr__(self, name: str) -> int:
        """``calls`` so far, how many were ``struck``; ``unflushed`` files; flushes that were ``repeated``."""
        if name not in _FIELDS:
            raise AttributeError(name)
        return int(struct.unpack_from("i", self._shared, 4 * _FIELDS.index(name))[0])

    def fail(self, error: int, nth: int = 1, *, for_ever: bool = True) -> None:
        """From the ``nth`` call from now on, or that one alone."""
        first = self.calls + nth
        self._set("error", 0)
        self._set("struck", 0)
        self._set("first", first)
        self._set("last", FOR_EVER if for_ever else first)
        self._set("error", error)

    def well(self) -> None:
        self._set("error", 0)

    def _set(self, name: str, value: int) -> None:
        struct.pack_into("i", self._shared, 4 * _FIELDS.index(name), value)
