"""The foreman: a small process that has every parser loaded and forks one cell for each document, before it comes.

In: one message for each task on the socket that is its standard input: a line of JSON (``id``, ``do``, or ``stop``
with an id) and descriptors of the file to read and the file to write. Out: first how well cells are closed, then one
JSON line for each task on standard output, whatever became of the cell. A cell that ends while the engine for HTML is
at work is followed by another one, which draws the words of that HTML. The foreman opens no stranger's byte itself,
has no environment and one thread, sees no more of the machine than its cells do, and ends when its standard input
does.

A process of our own, not multiprocessing's forkserver: that one takes over the environment with its secrets,
imports ``__main__`` into every child, and is shared by whoever else uses it.

LIMITS: wall time of a task, memory and processes of all cells (``watch``), ``LONGEST_ANSWER`` bytes from a cell.
"""

from __future__ import annotations

import contextlib
import errno
import gc
import json
import os
import resource
import selectors
import signal
import socket
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mailfax.render.converters import ConverterServer
from mailfax.render.fonts import font_folders, load_fonts
from mailfax.render.fresh import LONGEST_TASK, MOST_FILES, Fresh, write_all
from mailfax.render.jail import Jail
from mailfax.render.rehearsal import rehearse
from mailfax.render.terms import Terms
from mailfax.render.view import readable
from mailfax.render.watch import SECONDS, Excess, Watch, room_for_all
from mailfax.rules.job import Status
from mailfax.rules.status import Cause, status

LONGEST_ANSWER = 4_000_000
#: So many texts of one mail may end the engine, each of which costs a cell; and the longest name of one.
MOST_AS_WORDS, LONGEST_NAME = 4, 1000


@dataclass(slots=True)
class _Cell:
    """A process at work, with the files of its task. ``pipe`` is what it says; ``excess`` what it was ended for."""

    task: dict[str, Any]
    files: Sequence[int]
    pid: int
    pipe: int
    deadline: float
    said: bytearray = field(default_factory=bytearray)
    killed: bool = False
    timed_out: bool = False
    excess: Excess | None = None


class Foreman:
    """Reads tasks, forks cells, tells how they ended."""

    def __init__(
        self, terms: Terms, jail: Jail, converters: ConverterServer, tasks: socket.socket, answers: int, *, room: int
    ) -> None:
        self._terms, self._jail, self._converters, self._tasks, self._answers = (
            terms,
            jail,
            converters,
            tasks,
            answers,
        )
        self._watch = Watch(jail.processes, room)
        self._look_at = 0.0
        self._selector = selectors.DefaultSelector()
        self._cells: dict[int, _Cell] = {}
        self._fresh: Fresh | None = None

    def run(self) -> None:
        """Work until nobody asks any more."""
        self._selector.register(self._tasks, selectors.EVENT_READ)
        closed = self._jail.closed
        self._tell({"level": closed.level.name, "closed": str(closed)})
        self._prepare()
        while True:
            for key, _ in self._selector.select(self._pause()):
                if key.fd == self._tasks.fileno():
                    if not self._hear():
                        return self._end()
                elif key.fd in self._cells:
                    self._listen(self._cells[key.fd])
            self._end_late_ones()
            self._end_large_ones()

    def _pause(self) -> float:
        """How long nothing needs to be done if nobody says anything."""
        if not self._cells:
            return 3600
        soonest = min(self._look_at, *(each.deadline for each in self._cells.values()))
        return max(soonest - time.monotonic(), 0)

    def _hear(self) -> bool:
        """Take a new task; False when the service is gone."""
        # Without its converter server it ends, and the service starts another one: from here programs can't be seen.
        if not self._converters.alive:
            return False
        line, files, _, _ = socket.recv_fds(self._tasks, LONGEST_TASK, MOST_FILES)
        if not line:
            return False
        task = json.loads(line)
        if "stop" in task:
            for each in [each for each in self._cells.values() if each.task["id"] == task["stop"]]:
                self._kill(each)
        else:
            self._begin(task, files, time.monotonic() + self._terms.seconds)
        return True

    def _begin(self, task: dict[str, Any], files: Sequence[int], deadline: float) -> None:
        """Give a task to a cell that waits for one, and prepare the next."""
        try:
            fresh = self._handed_over(task, files)
        except OSError:
            for each in files:
                os.close(each)
            no_room = _died(status(Cause.RENDER_FAILED, why="the machine had no room"), later=True)
            self._tell({"id": task["id"], **no_room})
            return
        self._cells[fresh.pipe] = _Cell(task, files, fresh.pid, fresh.pipe, deadline)
        self._selector.register(fresh.pipe, selectors.EVENT_READ)
        self._prepare()

    def _handed_over(self, task: dict[str, Any], files: Sequence[int]) -> Fresh:
        """The cell that has the task now; raises ``OSError`` where there is no room for one."""
        for _ in range(2):  # the kernel, short of memory, may have ended the one that waited
            fresh, self._fresh = self._fresh or self._forked(), None
            if fresh.give(task, files):
                return fresh
            fresh.bury()
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    def _prepare(self) -> None:
        """Have a cell that waits for the next task; where there is no room for one, that task finds out."""
        with contextlib.suppress(OSError):
            self._fresh = self._forked()

    def _forked(self) -> Fresh:
        return Fresh.forked(self._jail, self._converters, self._terms)

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

    def _end_large_ones(self) -> None:
        if not self._cells or time.monotonic() < self._look_at:
            return
        cells = {one.pid: one for one in self._cells.values()}
        for pid, excess in self._watch.excess(cells).items():
            cells[pid].excess = excess
            self._kill(cells[pid])
            self._bury(cells[pid])
        self._look_at = time.monotonic() + SECONDS

    def _kill(self, one: _Cell) -> None:
        one.killed = True
        for kill in (os.killpg, os.kill):
            with contextlib.suppress(ProcessLookupError):
                kill(one.pid, signal.SIGKILL)

    def _bury(self, one: _Cell) -> None:
        """Tell how a cell ended, or have its task done by another one; its whole group ends with it."""
        del self._cells[one.pipe]
        self._selector.unregister(one.pipe)
        os.close(one.pipe)
        by_itself = not one.killed
        self._kill(one)
        _, ended, usage = os.wait4(one.pid, 0)
        if by_itself and (name := _ended_by_engine(one, ended)) is not None:
            os.ftruncate(one.files[1], 0)
            for file in one.files:
                os.lseek(file, 0, os.SEEK_SET)
            task = one.task | {"as_words": [*one.task.get("as_words", []), name]}
            return self._begin(task, one.files, one.deadline)
        for file in one.files:
            os.close(file)
        # The number last: a cell that was taken over must not answer for another.
        self._tell({**self._answer(one, ended, usage), "id": one.task["id"]})
        return None

    def _answer(self, one: _Cell, ended: int, usage: resource.struct_rusage) -> dict[str, Any]:
        said = _understood(one.said)
        if one.excess is None and said and "at" not in said[-1]:
            return said[-1]
        at = said[-1].get("at") if said else "the mail"
        if one.excess is Excess.crowd:
            return _died(status(Cause.RENDER_FAILED, "x-mailfax; crowded", why=one.excess.value), later=True)
        if one.excess is not None:
            return _died(status(Cause.RENDER_FAILED, why=f'"{at}" {one.excess.value}'), later=False)
        busy = usage.ru_utime + usage.ru_stime > self._terms.seconds / 2
        if one.timed_out or (os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGXCPU):
            seconds = round(self._terms.seconds)
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
        write_all(self._answers, json.dumps(what).encode() + b"\n")


def _understood(said: bytes | bytearray) -> list[dict[str, Any]]:
    """The lines of a cell. A stranger's file may have taken it over: what is no line of ours counts as silence."""
    try:
        lines = [json.loads(line) for line in bytes(said).split(b"\n")[:-1]]
    except (ValueError, RecursionError):
        return []
    return lines if all(isinstance(line, dict) for line in lines) else []


def _ended_by_engine(one: _Cell, ended: int) -> str | None:
    """The name of the HTML whose words another cell is to draw; None where its engine was not what ended this one."""
    as_words = one.task.get("as_words", [])
    killed = os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGKILL  # by the kernel, for want of memory
    if killed or one.task["do"] != "render" or len(as_words) == MOST_AS_WORDS:
        return None
    match _understood(one.said):
        case [*_, {"at": str(name), "engine": True}] if name not in as_words and len(name) <= LONGEST_NAME:
            return name
    return None


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
    terms, room = Terms(**json.loads(sys.argv[-1])), room_for_all()
    converters = ConverterServer.started(terms.seconds)  # while there still are programs to be seen
    load_fonts()
    rehearse(terms)
    jail = Jail(readable(font_folders()))
    gc.collect()
    gc.freeze()  # else the first collection of each cell writes to, and so copies, all that it shares with us
    with contextlib.suppress(BrokenPipeError):
        Foreman(terms, jail, converters, socket.socket(fileno=os.dup(0)), answers, room=room).run()
