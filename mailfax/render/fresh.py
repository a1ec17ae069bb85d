"""A fresh cell: forked and closed before there is anything for it to do, so that no mail waits for that.

In: the jail, the terms. Out: ``Fresh``, a process that waits for its only task; with it come the descriptors of its
files. Nothing but the task reaches a cell once it is closed, and it ends when the foreman does.

LIMITS: ``LONGEST_TASK``.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mailfax.render import cell
from mailfax.render.converters import ConverterClient, ConverterServer
from mailfax.render.jail import Jail
from mailfax.render.terms import Terms

#: Bytes of a task, and how many files come with it.
LONGEST_TASK, MOST_FILES = 1 << 18, 3


@dataclass(frozen=True, slots=True)
class Fresh:
    """A process that waits. ``pipe`` is what it will say."""

    pid: int
    pipe: int
    _tasks: socket.socket

    @classmethod
    def forked(cls, jail: Jail, converters: ConverterServer, terms: Terms) -> Fresh:
        """Fork it, in a process with one thread; raises ``OSError`` where there is no room."""
        converter = converters.connection()
        out, into = os.pipe()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            pid = jail.fork()
            if pid == 0:
                _wait(jail, terms, converter, into, theirs)
        except OSError:
            os.close(out)
            ours.close()
            raise
        finally:
            theirs.close()
            for each in (into, *converter.descriptors):
                os.close(each)
        os.set_blocking(out, False)
        return cls(pid, out, ours)

    def give(self, task: dict[str, Any], files: Sequence[int]) -> bool:
        """Hand over its only task; False where it has died meanwhile."""
        with self._tasks:
            try:
                socket.send_fds(self._tasks, [json.dumps(task).encode()], files)
            except OSError:
                return False
            return True

    def bury(self) -> None:
        """Let go of one that has died before it had a task."""
        os.close(self.pipe)
        os.waitpid(self.pid, 0)


def _wait(jail: Jail, terms: Terms, converter: ConverterClient, into: int, tasks: socket.socket) -> None:
    """The child: never returns."""
    try:
        os.setpgid(0, 0)
        nothing = os.open(os.devnull, os.O_RDWR)
        for descriptor in (0, 1, 2):
            os.dup2(nothing, descriptor)
        _close_all_but({into, tasks.fileno(), *jail.descriptors, *converter.descriptors})
        jail.close(seconds=terms.seconds, written=2 * terms.document_bytes + 1_000_000)
        with tasks:
            line, files, _, _ = socket.recv_fds(tasks, LONGEST_TASK, MOST_FILES)

        def say(what: dict[str, Any]) -> None:
            write_all(into, json.dumps(what).encode() + b"\n")

        if line:
            cell.work(json.loads(line), files, terms, say, converter)
    finally:
        os._exit(0)


def write_all(descriptor: int, line: bytes) -> None:
    """Write all of a line to a pipe."""
    while line:
        line = line[os.write(descriptor, line) :]


def _close_all_but(kept: Iterable[int]) -> None:
    """Standard input and outputs stay, too."""
    before = 2
    for descriptor in sorted(kept):
        if descriptor > before + 1:  # with an empty range all are closed
            os.closerange(before + 1, descriptor)
        before = descriptor
    os.closerange(before + 1, 65_536)
