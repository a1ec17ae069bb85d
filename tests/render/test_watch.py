"""What all cells use together is bounded, and who takes most of it ends first."""

from __future__ import annotations

import mmap
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mailfax.render import foreman, watch
from mailfax.render.watch import Excess, Watch, room_for_all

MB = 1 << 20


@pytest.fixture
def start() -> Iterator[Callable[[Callable[[], object]], int]]:
    """Start a process that does something and then waits."""
    started = []

    def begin(work: Callable[[], object]) -> int:
        out, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            try:
                os.setpgid(0, 0)
                kept = work()
                os.write(into, b"x")
                time.sleep(60)
                os._exit(len(str(kept)) * 0)
            finally:
                os._exit(1)
        started.append(pid)
        os.read(out, 1)
        os.close(out)
        os.close(into)
        return pid

    yield begin
    for pid in started:
        os.killpg(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


@pytest.fixture
def proc() -> Iterator[int]:
    descriptor = os.open("/proc", os.O_PATH | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def taking(size: int) -> Callable[[], object]:
    return lambda: bytearray(os.urandom(1)) * size


def children(number: int) -> None:
    for _ in range(number):
        if os.fork() == 0:
            time.sleep(60)
            os._exit(0)


def test_the_largest_of_too_many_ends(start: Callable[..., int], proc: int) -> None:
    small, large = start(taking(20 * MB)), start(taking(120 * MB))
    assert Watch(proc, 2000 * MB).excess([small, large]) == {}
    assert Watch(proc, 150 * MB).excess([small, large]) == {large: Excess.crowd}


def test_what_is_shared_is_not_counted_for_each(start: Callable[..., int], proc: int) -> None:
    """Ten cells that inherited 100 MB from their foreman use 100 MB, not 1,000."""
    inherited = mmap.mmap(-1, 100 * MB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    inherited[:] = b"x" * (100 * MB)
    own = int(Path("/proc/self/statm").read_text().split()[1]) * mmap.PAGESIZE  # of this process, inherited as well
    cells = [start(lambda: inherited[0]) for _ in range(10)]
    assert Watch(proc, own + 400 * MB).excess(cells) == {}
    inherited.close()


def test_what_a_cell_started_counts_as_its_own(
    start: Callable[..., int], proc: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "MEMORY", 100 * MB)

    def family() -> None:
        if os.fork() == 0:
            held = taking(150 * MB)()
            time.sleep(60)
            os._exit(len(str(held)) * 0)
        time.sleep(1)

    cell = start(family)
    assert Watch(proc, 2000 * MB).excess([cell]) == {cell: Excess.memory}


def test_too_many_processes_end_their_cell(
    start: Callable[..., int], proc: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watch, "PROCESSES", 5)
    few, many = start(lambda: children(3)), start(lambda: children(9))
    assert Watch(proc, 10**12).excess([few, many]) == {many: Excess.processes}


def test_a_cell_that_is_gone_uses_nothing(proc: int) -> None:
    assert Watch(proc, 1).excess([2**22 - 1]) == {}


def test_all_cells_together_have_at_most_half_of_the_machine() -> None:
    assert 0 < room_for_all() <= os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2


@pytest.mark.parametrize(
    ("excess", "later"), [(Excess.crowd, True), (Excess.memory, False), (Excess.processes, False)]
)
def test_who_ends_for_the_others_is_tried_again(excess: Excess, later: bool) -> None:
    said = bytearray(b'{"at": "large.pdf"}\n')
    ended = foreman._Cell(task={"id": 1}, files=(), pid=1, pipe=1, deadline=0.0, said=said, excess=excess)
    told = foreman.Foreman._answer(None, ended, signal.SIGKILL, None)  # type: ignore[arg-type]
    assert told["later"] is later
    assert excess.value in told["refused"]["sentence"]
