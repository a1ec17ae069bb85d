"""Files that programs draw: a cell hands one to a server beside it, which has the programs ready.

In: a file and its kind. Out: a PDF, and what of the file is not on its pages; ``NotConverted`` where there is none.
A cell may start no program, and needs nothing new for this: it reads and writes a descriptor that it was given. The
foreman starts the converter server, a process of its own, before it gives up its view of the machine; for each cell
it makes a pair of sockets, and hands one end to each. None hears what another one asks.
"""

from __future__ import annotations

import json
import os
import socket
from dataclasses import dataclass

from mailfax.render.jail import FIRST_USER, become_user
from mailfax.render.kinds import Kind
from mailfax.render.programs import NotConverted, drawn_by_programs

#: The converter server's and its programs' own user, where mailfax is started as root: cells are others.
USER = FIRST_USER + 500_000


@dataclass(frozen=True, slots=True)
class ConverterClient:
    """A cell's way to the converter server. ``kinds``: what can be converted; ``descriptors``: needed for it."""

    kinds: frozenset[Kind] = frozenset()
    descriptors: frozenset[int] = frozenset()

    def convert(self, kind: Kind, content: bytes) -> tuple[bytes, list[str]]:
        """Have a file converted: its pages as PDF, and what is not on them. Raises ``NotConverted``."""
        [descriptor] = self.descriptors
        heading = {"kind": kind.value, "bytes": len(content)}
        answer, pdf = {}, b""
        try:
            with os.fdopen(descriptor, "wb", closefd=False) as questions:
                questions.write(json.dumps(heading).encode() + b"\n" + content)
            with os.fdopen(descriptor, "rb", closefd=False) as answers:
                answer = json.loads(answers.readline(1_000_000) or b"{}")
                pdf = answers.read(answer.get("bytes", 0))
        except (OSError, ValueError):
            answer = {}
        if not answer or len(pdf) != answer.get("bytes", 0):
            raise NotConverted("the converter ended unexpectedly", later=True)
        if "why" in answer:
            raise NotConverted(answer["why"], opened=answer["opened"], later=answer["later"])
        return pdf, answer["left_out"]


@dataclass(frozen=True, slots=True)
class ConverterServer:
    """The foreman's way to the process that has the programs. Without a program there is none."""

    kinds: frozenset[Kind] = frozenset()
    pid: int = 0
    socket: socket.socket | None = None

    @classmethod
    def started(cls, seconds: float) -> ConverterServer:
        """Start it, in a process with one thread; ``seconds`` is what a whole document may take."""
        kinds = drawn_by_programs()
        if not kinds:
            return cls()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid:
            theirs.close()
            return cls(kinds, pid, ours)
        try:
            # It must hold nothing of what the foreman is heard by: its end would not be seen.
            os.dup2(os.open(os.devnull, os.O_RDWR), 0)
            os.dup2(2, 1)
            os.closerange(3, theirs.fileno())
            os.closerange(theirs.fileno() + 1, 4096)
            # Only here: the foreman and its cells have no use for it.
            from mailfax.render.converter_server import serve

            if os.geteuid() == 0:
                become_user(USER)
            serve(theirs, seconds)
        finally:
            os._exit(0)

    @property
    def alive(self) -> bool:
        """Whether it still works; where there is none, nothing is missing."""
        return self.socket is None or os.waitpid(self.pid, os.WNOHANG) == (0, 0)

    def connection(self) -> ConverterClient:
        """The connection of one cell; the descriptors are to be closed once the cell has them."""
        if self.socket is None:
            return ConverterClient()
        ours, theirs = socket.socketpair()
        with theirs:
            socket.send_fds(self.socket, [b"+"], [theirs.fileno()])
        return ConverterClient(self.kinds, frozenset([ours.detach()]))
