"""A converter's own kind of cell: an installed program that lives on across documents, with one folder to work in.

In: ``confine_converter``, called in the child between fork and exec (``preexec_fn``): it closes the process and all
that it starts, for good. Out: nothing, or ``OSError``, and then the program must not be started. ``taken`` reads what
a converter left in its folder, ``excess`` says when it has to be ended.

What it has: ``folder``, to read and write, as its home, its working directory and its /tmp; libraries and fonts, to
read; ``program``, the only one that it may execute; sockets of this machine between its own parts. What it has not: a
network, any other file, a signal to others, a session of its own (so that ``os.killpg`` ends all of it), root.

    to start:   start_new_session=True, preexec_fn=lambda: confine_converter(folder, program)
    to read:    content = taken(folder / "out.pdf", 200_000_000)
    to watch:   every 0.2 s: excess(process.pid, folder, memory=..., room=...), and os.killpg where it says something

As root the caller becomes another user first (``jail.become_user``): a converter runs as whoever starts it, since
both work in one folder. Where there are no namespaces, /tmp is the machine's: sockets may be made there and nothing
else, and whoever starts the program removes them.

LIMITS: ``memory`` of one process (private and writable: RLIMIT_DATA), ``written`` bytes in one file, ``processes``
where the kernel counts them for us alone. What the whole folder holds is bounded by who asks ``excess``.
"""

from __future__ import annotations

import contextlib
import os
import resource
import stat
from collections.abc import Sequence
from pathlib import Path

from mailfax.render import kernel, syscalls, view
from mailfax.render.jail import enter_world, lower, tried

_LOADERS = ("/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1")
#: What converters look for beside /usr.
_SETTINGS = (
    "/etc/libreoffice",
    "/etc/ghostscript",
    "/etc/papersize",
    "/var/lib/ghostscript",
    "/var/spool/libreoffice",
    "/var/cache/fontconfig",
)
OPEN_FILES = 512


def confine_converter(
    folder: Path,
    program: Path,
    *,
    memory: int = 1024**3,
    written: int = 200_000_000,
    shown: Sequence[Path] = (),
    processes: int = 200,
    seconds: int | None = None,
) -> None:
    """Close this process for a converter; then execute ``program``, and nothing else.

    ``memory`` and ``written`` in bytes; ``shown`` may be read beside the system's own; ``seconds`` of processor time,
    None for one that is kept.
    """
    if os.geteuid() == 0:
        raise PermissionError(1, "a converter is never run as root")
    kernel.die_with_parent()
    kernel.show_memory(shown=True)  # for the two files of /proc that are written here
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_bytes(b"1000")
    seen = view.system(*_SETTINGS, *map(str, shown), str(program))
    shared = Path("/tmp")  # noqa: S108 - where LibreOffice puts its sockets, whatever TMPDIR says
    alone = False
    own = [(folder, str(shared)), (folder, str(folder))]
    with contextlib.suppress(OSError):
        tried(lambda: enter_world(seen, own, program))
        enter_world(seen, own, program)
        kernel.drop_capabilities()
        alone = True
    os.chdir(folder)
    lower(
        {
            resource.RLIMIT_DATA: memory,
            resource.RLIMIT_FSIZE: written,
            resource.RLIMIT_NOFILE: OPEN_FILES,
            resource.RLIMIT_CORE: 0,
            resource.RLIMIT_MSGQUEUE: 0,
            resource.RLIMIT_MEMLOCK: 0,
            **({resource.RLIMIT_NPROC: processes} if alone else {}),
            **({resource.RLIMIT_CPU: seconds} if seconds else {}),
        }
    )
    kernel.gain_nothing()
    reading = kernel.READ_FILE | kernel.READ_FOLDER
    grants = [(path, reading) for path in (*seen, *map(Path, view.DEVICES))]
    grants += [(path, reading | kernel.EXECUTE) for path in (program, *map(Path, _LOADERS))]
    grants += [(Path("/dev/null"), kernel.READ_FILE | kernel.WRITE_FILE)]
    grants += [(folder, kernel.EVERYTHING & ~kernel.EXECUTE), (shared, kernel.MAKE_SOCKET)]
    try:
        rules = kernel.ruleset(grants)
    except OSError:
        if not alone:
            raise  # neither of the two: it would see everything
    else:
        kernel.restrict(rules)
        os.close(rules)
    syscalls.install(syscalls.compiled(syscalls.CONVERTER))


def taken(path: Path, most: int) -> bytes:
    """What a converter wrote there; b"" where that is no plain file, or longer than ``most`` bytes.

    It may have put anything in the place of its file: a link to one of ours, a pipe that never ends.
    """
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return b""
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        return b""
    with os.fdopen(file, "rb") as opened:
        content = opened.read(most + 1)
    return content if len(content) <= most else b""


def excess(pid: int, folder: Path, *, memory: int, room: int) -> str:
    """Why a converter has to be ended now, or "": ``memory`` of one process, ``room`` in its folder, in bytes."""
    with contextlib.suppress(OSError, IndexError):
        if int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") > memory:
            return "it needs more memory than it may have"
    used = 0
    for where, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(OSError):
                used += Path(where, name).lstat().st_blocks * 512
    return "it writes more than it may" if used > room else ""
