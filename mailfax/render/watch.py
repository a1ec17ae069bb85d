"""Memory and processes of all cells together: the kernel bounds each process, and nobody else their sum.

In: the processes of the cells, by ``/proc``. Out: which cell has to end, and why. Shared pages are counted by their
share (PSS), so that a hundred cells that use the foreman's libraries cost those once.

LIMITS: ``ROOM`` for all cells together; what grows within ``SECONDS`` is seen after it, and then the kernel's own
choice falls on a cell, too (``oom_score_adj`` 1000).
"""

from __future__ import annotations

import contextlib
import enum
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailfax.render.jail import MEMORY, PROCESSES

#: How often is looked.
SECONDS = 0.15
#: All cells together have half of the machine or of its container, and never more than this.
MOST_ROOM = 4 * 1024**3
_PAGE = os.sysconf("SC_PAGE_SIZE")


class Excess(enum.Enum):
    """Why a cell has to end."""

    memory = "needs more memory than a document may have"
    processes = "starts more processes than a document may have"
    crowd = "all documents together need more memory than there is"


@dataclass(frozen=True, slots=True)
class _Use:
    memory: int
    processes: Sequence[str]


def room_for_all() -> int:
    """Bytes for all cells together, on this machine and in this container."""
    limits = [os.sysconf("SC_PHYS_PAGES") * _PAGE]
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, kind, group = line.split(":", 2)
            folder = Path("/sys/fs/cgroup", "memory" if kind else "", group.lstrip("/"))
            name = "memory.limit_in_bytes" if kind else "memory.max"
            if kind in ("", "memory") and (folder / name).exists():
                said = (folder / name).read_text().strip()
                limits += [int(said)] if said.isdecimal() else []
    return min(min(limits) // 2, MOST_ROOM)


class Watch:
    """``proc`` is a descriptor of ``/proc``; ``room`` in bytes."""

    def __init__(self, proc: int, room: int) -> None:
        self._proc, self._room = proc, room

    def excess(self, cells: Iterable[int]) -> dict[int, Excess]:
        """Which of these cells, by their first process, have to end now. At most one is taken for a crowd."""
        uses = {cell: self._use(cell) for cell in cells}
        found = {cell: Excess.processes for cell, use in uses.items() if len(use.processes) > PROCESSES}
        if sum(use.memory for use in uses.values()) > min(self._room, MEMORY):
            # Only now the exact figure, which costs the kernel a walk through all pages.
            shares = {cell: sum(map(self._share, use.processes)) for cell, use in uses.items()}
            found |= {cell: Excess.memory for cell, share in shares.items() if share > MEMORY}
            if sum(shares.values()) > self._room and not found:
                found[max(shares, key=lambda cell: shares[cell])] = Excess.crowd
        return found

    def _use(self, cell: int) -> _Use:
        """What a cell and all it started use; shared pages are counted in full."""
        processes = [str(cell)]
        for process in processes:  # grows while it is read
            if len(processes) > PROCESSES:
                break
            processes += self._children(process)
        return _Use(sum(map(self._resident, processes)), processes)

    def _children(self, process: str) -> list[str]:
        with contextlib.suppress(OSError):
            threads = os.open(f"{process}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self._proc)
            try:
                return [
                    child
                    for thread in os.listdir(threads)  # noqa: PTH208 - by its descriptor
                    for child in self._read(f"{process}/task/{thread}/children").split()
                ]
            finally:
                os.close(threads)
        return []

    def _resident(self, process: str) -> int:
        fields = self._read(f"{process}/statm").split()
        return int(fields[1]) * _PAGE if len(fields) > 1 else 0

    def _share(self, process: str) -> int:
        for line in self._read(f"{process}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
        return self._resident(process)

    def _read(self, name: str) -> str:
        """A file of /proc; "" for a process that is gone or can't be looked into."""
        try:
            file = os.open(name, os.O_RDONLY | os.O_CLOEXEC, dir_fd=self._proc)
        except OSError:
            return ""
        try:
            return os.read(file, 1 << 16).decode("ascii", "replace")
        except OSError:
            return ""
        finally:
            os.close(file)
