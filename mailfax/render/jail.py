"""A cell is closed in layers, each by its own part of the kernel, and each is tried before it is relied upon.

In: what cells may read. Out: ``Jail``, made once in the foreman: it forks and closes cells; how well (``Level``).

| layer | what it takes away |
|---|---|
| user | as root: being root. Each cell is a user of its own, without groups and capabilities |
| namespaces | files, network, other processes: the cell's world holds libraries, fonts and itself |
| files | Landlock: all files but libraries and fonts; TCP, signals to others where the kernel is new enough |
| calls | seccomp: all system calls but some 120; no socket, signal, process, file to write, namespace, tracing |

``full`` is all of them; ``good`` is calls, with namespaces or files, and never root; ``low`` is less than that.

LIMITS: what the kernel itself gets wrong; how long and how much a cell works is seen by others on the machine.
"""

from __future__ import annotations

import contextlib
import enum
import os
import resource
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from mailfax.render import kernel, syscalls, view

#: Address space of a cell in bytes: a mail of 50 MB needs 400 MB here.
MEMORY = 1536 * 1024 * 1024
OPEN_FILES = 64
#: Threads of one cell: itself and those of a codec, which are as many as processors. Processes, where nothing else
#: keeps it from having some.
PROCESSES = 64
#: Users that nobody has: outside of what distributions and container managers hand out.
FIRST_USER = 1_900_000_000
_NOBODY = 65_534
_WORLD = kernel.NEW_MOUNTS | kernel.NEW_NETWORK | kernel.NEW_IPC | kernel.NEW_NAMES


class Level(enum.IntEnum):
    """How well a cell is closed."""

    low = 0
    good = 1
    full = 2


class Layer(enum.StrEnum):
    user = "a user of its own"
    namespaces = "namespaces"
    files = "Landlock"
    calls = "seccomp"


@dataclass(frozen=True, slots=True)
class Closed:
    """Which layers hold; ``missing`` says why the others don't."""

    layers: frozenset[Layer]
    missing: tuple[tuple[Layer, str], ...]

    @property
    def level(self) -> Level:
        if len(self.layers) == len(Layer):
            return Level.full
        if {Layer.user, Layer.calls} <= self.layers and self.layers & {Layer.namespaces, Layer.files}:
            return Level.good
        return Level.low

    def __str__(self) -> str:
        lacks = "; ".join(f"{layer} ({why})" for layer, why in self.missing) or "nothing"
        return f"{self.level.name}; missing: {lacks}"


class Jail:
    """Closes cells. Made once in a process with one thread, which gives up its own view of the machine by it.

    ``without`` leaves layers out: for tests of the others.
    """

    def __init__(self, readable: Sequence[Path], without: frozenset[Layer] = frozenset()) -> None:
        # Opened before the view changes: the foreman watches its cells through it.
        self.processes = os.open("/proc", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        self._is_root, self._rules, self._filter = os.geteuid() == 0, -1, b""
        self._cells = 0
        rights = kernel.READ_FILE | kernel.READ_FOLDER
        places = [(path, rights) for path in (*readable, *map(Path, view.DEVICES))]
        self.closed = Closed(frozenset(), ())
        for layer in Layer:
            try:
                if layer in without:
                    raise OSError(0, "switched off")
                if layer is Layer.user:
                    tried(self._become_somebody_else)
                elif layer is Layer.namespaces:
                    tried(lambda: self._try_world(readable))
                    enter_world(readable)
                elif layer is Layer.files:
                    # All of it in a child first: where a call is forbidden, it may end the process.
                    tried(lambda: kernel.restrict(kernel.ruleset(places)))
                    self._rules = kernel.ruleset(places)
                else:
                    self._filter = syscalls.compiled(syscalls.CELL)
                    tried(self._limit_calls)
            except OSError as failed:
                self.closed = Closed(self.closed.layers, (*self.closed.missing, (layer, failed.strerror or "failed")))
            else:
                self.closed = Closed(self.closed.layers | {layer}, self.closed.missing)

    def fork(self) -> int:
        """``os.fork`` for a new cell: it is the first process of a world of its own, where that can be had.

        When it ends, the kernel ends all that it started.
        """
        self._cells += 1
        return self._fork_apart() if Layer.namespaces in self.closed.layers else os.fork()

    def _fork_apart(self) -> int:
        return kernel.fork(kernel.NEW_PROCESSES | (0 if self._is_root else kernel.NEW_USERS))

    def _try_world(self, readable: Sequence[Path]) -> None:
        enter_world(readable)
        child = self._fork_apart()
        if child == 0:
            os._exit(0)
        os.waitpid(child, 0)

    @property
    def descriptors(self) -> frozenset[int]:
        """What ``close`` needs open."""
        return frozenset({self.processes, self._rules} - {-1})

    def close(self, *, seconds: float, written: int) -> None:
        """Close the cell that we are in, for good. Descriptors that it shall not have are closed by now.

        ``seconds`` of processor time, ``written`` bytes in one file; raises ``OSError``.
        """
        with contextlib.suppress(OSError):  # where /proc can't be written, the kernel chooses as ever
            adjust = os.open("self/oom_score_adj", os.O_WRONLY, dir_fd=self.processes)
            os.write(adjust, b"1000")
            os.close(adjust)
        os.close(self.processes)
        alone = self._become_somebody_else()
        # Python ignores SIGXFSZ: a file that grows too large is an OSError, and that is an answer.
        lower(
            {
                resource.RLIMIT_AS: MEMORY,
                resource.RLIMIT_CPU: int(seconds) + 1,
                resource.RLIMIT_FSIZE: written,
                resource.RLIMIT_NOFILE: OPEN_FILES,
                resource.RLIMIT_CORE: 0,
                resource.RLIMIT_MSGQUEUE: 0,
                resource.RLIMIT_MEMLOCK: 0,
                **({resource.RLIMIT_NPROC: PROCESSES} if alone else {}),
            }
        )
        kernel.keep_orphans()
        kernel.die_with_parent()
        if Layer.files in self.closed.layers:
            self._limit_files()
        if Layer.calls in self.closed.layers:
            self._limit_calls()

    def _become_somebody_else(self) -> bool:
        """Whether this cell's user is its own, so that its processes can be counted."""
        if not self._is_root:
            if Layer.namespaces in self.closed.layers:
                kernel.drop_capabilities()
            return Layer.namespaces in self.closed.layers
        return become_user(FIRST_USER + self._cells % 100_000)

    def _limit_files(self) -> None:
        kernel.restrict(self._rules)
        os.close(self._rules)

    def _limit_calls(self) -> None:
        kernel.gain_nothing()
        syscalls.install(self._filter)


def become_user(number: int) -> bool:
    """Root becomes a user that nobody has; nobody, where the machine does not know so many. Whether it is the first.

    Raises ``OSError``: root stays root.
    """
    os.setgroups([])
    for each in (number, _NOBODY):
        with contextlib.suppress(OSError):
            os.setresgid(each, each, each)
            os.setresuid(each, each, each)
            return each == number
    raise OSError(1, "root could not become another user")


def enter_world(
    shown: Sequence[Path], writable: Sequence[tuple[Path, str]] = (), program: Path | None = None
) -> None:
    """From here on we see what ``view.enter`` shows, and no network; raises ``OSError``.

    To have a say there, a plain user needs to be root of its own: ``kernel.drop_capabilities`` ends that.
    """
    user, group = os.geteuid(), os.getegid()
    kernel.unshare(_WORLD | (kernel.NEW_USERS if user else 0))
    if user:
        for name, line in (("uid_map", f"{user} {user} 1"), ("setgroups", "deny"), ("gid_map", f"{group} {group} 1")):
            Path("/proc/self", name).write_bytes(line.encode())
    view.enter(shown, writable, program)


def lower(limits: Mapping[int, int]) -> None:
    """Set resource limits, or keep those that are lower already."""
    for what, limit in limits.items():
        hard = resource.getrlimit(what)[1]
        least = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        resource.setrlimit(what, (least, least))


def tried(trial: Callable[[], object]) -> None:
    """Try in a child, so that what fails half-way changes nothing here; raises ``OSError`` as the trial did."""
    child = os.fork()
    if child == 0:
        code = 255
        try:
            trial()
            code = 0
        except OSError as failed:
            code = failed.errno or 255
        finally:
            os._exit(code)
    _, ended = os.waitpid(child, 0)
    if ended:
        code = os.waitstatus_to_exitcode(ended)
        raise OSError(code, os.strerror(code) if 0 < code < 255 else "failed")
