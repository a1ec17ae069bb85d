"""The foreman: a small process that has every parser loaded and forks one cell for each document.

In: one JSON line for each task on standard input (``id``, ``do``, ``source``, ``into``; or ``stop`` with an id). Out:
one JSON line for each task on standard output, whatever became of the cell. It opens no stranger's byte itself, has
no environment and one thread, and ends when its standard input does.

A process of our own, not multiprocessing's forkserver: that one takes over the environment with its secrets,
imports ``__main__`` into every child, and is shared by whoever else uses it.

LIMITS: wall time of a cell, ``LONGEST_ANSWER`` bytes from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import resource
import selectors
import signal
import sys
import time
from dataclasses import dataclass, field
from typing import Any

from mailfax.render import cell
from mailfax.render.fonts import load_fonts
from mailfax.render.terms import Terms
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status

LONGEST_ANSWER = 4_000_000


@dataclass(slots=True)
class _Cell:
    """A process at work. ``pipe`` is what it says, ``at`` the file it was last at."""

    task: int
    pid: int
    pipe: int
    deadline: float
    said: bytearray = field(default_factory=bytearray)
    timed_out: bool = False


class Foreman:
    """Reads tasks, forks cells, tells how they ended."""

    def __init__(self, terms: Terms, tasks: int, answers: int) -> None:
        self._terms, self._tasks, self._answers = terms, tasks, answers
        self._selector = selectors.DefaultSelector()
        self._cells: dict[int, _Cell] = {}
        self._asked = bytearray()

    def run(self) -> None:
        """Work until nobody asks any more."""
        self._selector.register(self._tasks, selectors.EVENT_READ)
        self._tell({"ready": True})
        while True:
            now = time.monotonic()
            soonest = min((each.deadline for each in self._cells.values()), default=now + 3600)
            for key, _ in self._selector.select(max(soonest - now, 0)):
                if key.fd == self._tasks:
                    if not self._hear():
                        return self._end()
                elif key.fd in self._cells:
                    self._listen(self._cells[key.fd])
            self._end_late_ones()

    def _hear(self) -> bool:
        """Take new tasks; False when the service is gone."""
        block = os.read(self._tasks, 65536)
        self._asked += block
        while b"\n" in self._asked:
            line, _, rest = self._asked.partition(b"\n")
            self._asked = bytearray(rest)
            task = json.loads(line)
            if "stop" in task:
                for each in [each for each in self._cells.values() if each.task == task["stop"]]:
                    self._kill(each)
            else:
                self._fork(task)
        return bool(block)

    def _fork(self, task: dict[str, Any]) -> None:
        out, into = os.pipe()
        try:
            pid = os.fork()
        except OSError:
            os.close(out)
            os.close(into)
            self._tell(
                {"id": task["id"], **_died(status(Cause.RENDER_FAILED, why="the machine had no room"), later=True)}
            )
            return
        if pid == 0:
            self._be_cell(task, into)
        os.close(into)
        os.set_blocking(out, False)
        self._cells[out] = _Cell(task["id"], pid, out, time.monotonic() + self._terms.seconds)
        self._selector.register(out, selectors.EVENT_READ)

    def _be_cell(self, task: dict[str, Any], into: int) -> None:
        """The child: never returns."""
        try:
            os.setpgid(0, 0)
            nothing = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(nothing, descriptor)
            os.dup2(into, 3)
            os.closerange(4, 4096)
            cell.confine(self._terms)

            def say(what: dict[str, Any]) -> None:
                line = json.dumps(what).encode() + b"\n"
                while line:
                    line = line[os.write(3, line) :]

            cell.work(task, self._terms, say)
        finally:
            os._exit(0)

    def _listen(self, one: _Cell) -> None:
        with contextlib.suppress(BlockingIOError):
            while block := os.read(one.pipe, 1 << 20):
                one.said += block
                if len(one.said) > LONGEST_ANSWER:
                    self._kill(one)
                    break
            self._bury(one)

    def _end_late_ones(self) -> None:
        now = time.monotonic()
        for one in [one for one in self._cells.values() if one.deadline <= now]:
            one.timed_out = True
            self._kill(one)
            self._bury(one)

    def _kill(self, one: _Cell) -> None:
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(one.pid, signal.SIGKILL)

    def _bury(self, one: _Cell) -> None:
        """Tell how a cell ended; its whole group ends with it."""
        del self._cells[one.pipe]
        self._selector.unregister(one.pipe)
        os.close(one.pipe)
        self._kill(one)
        _, ended, usage = os.wait4(one.pid, 0)
        self._tell({"id": one.task, **self._answer(one, ended, usage)})

    def _answer(self, one: _Cell, ended: int, usage: resource.struct_rusage) -> dict[str, Any]:
        said = [json.loads(line) for line in bytes(one.said).split(b"\n")[:-1]]
        if said and "at" not in said[-1]:
            return dict(said[-1])
        at = said[-1]["at"] if said else "the mail"
        used = usage.ru_utime + usage.ru_stime
        seconds = round(self._terms.seconds)
        busy = used > self._terms.seconds / 2
        if one.timed_out or (os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGXCPU):
            why = f'"{at}" took longer than {seconds} second{"s" * (seconds != 1)}'
            # A document that kept the processor busy would again; one that waited had a slow machine.
            return _died(status(Cause.RENDER_FAILED, "x-mailfax; took too long", why=why), later=not busy)
        how = f"signal {os.WTERMSIG(ended)}" if os.WIFSIGNALED(ended) else "no answer"
        why = f'the converter ended unexpectedly at "{at}"'
        return _died(status(Cause.RENDER_FAILED, f"x-mailfax; the converter ended: {how}", why=why), later=True)

    def _end(self) -> None:
        for one in self._cells.values():
            self._kill(one)

    def _tell(self, what: dict[str, Any]) -> None:
        line = json.dumps(what).encode() + b"\n"
        while line:
            line = line[os.write(self._answers, line) :]


def _died(why: Status, *, later: bool) -> dict[str, Any]:
    return {
        "refused": {"code": why.code, "sentence": why.sentence, "diagnostic": why.diagnostic},
        "later": later,
    }


def main() -> None:
    """Run as a process: the terms are the last argument, as JSON."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the service, which closes our input when it is done
    answers = os.dup(1)
    os.dup2(2, 1)  # nothing that a library prints may get between the answers
    load_fonts()
    with contextlib.suppress(BrokenPipeError):
        Foreman(Terms(**json.loads(sys.argv[-1])), 0, answers).run()
