"""What the kernel offers for closing a cell, and Python does not: namespaces, mounts, Landlock, capabilities.

In: numbers and paths. Out: nothing, or ``OSError``. Through ctypes, since the standard library has none of it in
Python 3.11; ``PyDLL`` keeps the interpreter's lock, which a fork needs.

STANDARDS: clone(2), unshare(2), mount(2), pivot_root(2), capset(2), landlock(7); Linux on x86-64 and on aarch64.
"""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Sequence
from pathlib import Path

_libc = ctypes.PyDLL(None, use_errno=True)
_CLONE = {"x86_64": 56, "aarch64": 220}
_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_CAPSET = {"x86_64": 126, "aarch64": 91}
_LANDLOCK_CREATE, _LANDLOCK_ADD, _LANDLOCK_RESTRICT = 444, 445, 446
#: As the kernel calls it; a 32-bit Python on a 64-bit kernel has other numbers and gets none of this.
MACHINE = os.uname().machine if ctypes.sizeof(ctypes.c_void_p) == 8 else "32 bit"

NEW_MOUNTS, NEW_NAMES, NEW_IPC = 0x00020000, 0x04000000, 0x08000000
NEW_USERS, NEW_PROCESSES, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
READ_ONLY, NO_SUID, NO_DEVICES, NO_EXEC = 1, 2, 4, 8
#: These have the same numbers in statvfs(3) and in mount(2).
_KEPT = os.ST_RDONLY | os.ST_NOSUID | os.ST_NODEV | os.ST_NOEXEC | os.ST_NOATIME | os.ST_NODIRATIME
_RELATIVE_TIMES = 1 << 21
_REMOUNT, _BIND, _RECURSIVE, _PRIVATE, _DETACH = 32, 4096, 16384, 1 << 18, 2
_PDEATHSIG, _DUMPABLE, _NO_NEW_PRIVS, _SUBREAPER = 1, 4, 38, 36

#: Landlock's rights over files. What is not granted is refused; rights of a newer kernel are as "all" says.
EXECUTE, WRITE_FILE, READ_FILE, READ_FOLDER, MAKE_SOCKET, TRUNCATE = 1, 2, 4, 8, 1 << 9, 1 << 14
#: What a path can be granted: each version takes of it what it knows.
EVERYTHING = (1 << 16) - 1
_FILE_RIGHTS = EXECUTE | WRITE_FILE | READ_FILE | TRUNCATE
#: How many rights each version knows: ABI -> number of bits.
_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_RIGHTS = 16
_TCP = 3
_ABSTRACT_SOCKETS_AND_SIGNALS = 3


def call(number: int | None, *arguments: int | bytes | ctypes.Array[ctypes.c_char]) -> int:
    """A system call by its number; raises ``OSError``."""
    if number is None:
        raise OSError(38, "this kind of processor is not known here")
    result = int(_libc.syscall(ctypes.c_long(number), *(_long(value) for value in arguments)))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _long(value: object) -> object:
    return ctypes.c_long(value) if isinstance(value, int) else value


def _checked(result: int) -> None:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))


def unshare(namespaces: int) -> None:
    """From now on in namespaces of our own."""
    _checked(_libc.unshare(namespaces))


def fork(namespaces: int) -> int:
    """``os.fork`` into new namespaces. In a process with one thread only."""
    ctypes.pythonapi.PyOS_BeforeFork()
    try:
        pid = call(_CLONE.get(MACHINE), namespaces | signal.SIGCHLD, 0, 0, 0, 0)
    except OSError:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
        raise
    if pid == 0:
        ctypes.pythonapi.PyOS_AfterFork_Child()
    else:
        ctypes.pythonapi.PyOS_AfterFork_Parent()
    return pid


def mount(source: str, target: str, kind: str | None, flags: int, options: str = "") -> None:
    """mount(2)."""
    kind_of = kind.encode() if kind else None
    _checked(_libc.mount(source.encode(), target.encode(), kind_of, ctypes.c_ulong(flags), options.encode()))


def bind(source: str, target: str) -> None:
    """Show what is at ``source`` at ``target``, too, with all that is mounted below."""
    mount(source, target, None, _BIND | _RECURSIVE)


def keep_mounts_to_ourselves() -> None:
    mount("none", "/", None, _PRIVATE | _RECURSIVE)


def remount(target: str, flags: int) -> None:
    """Take rights from a mount. Those that it lacks already must be named again, or the kernel refuses."""
    have = os.statvfs(target).f_flag
    relative = _RELATIVE_TIMES if have & os.ST_RELATIME else 0
    mount("none", target, None, _REMOUNT | _BIND | (have & _KEPT) | relative | flags)


def change_root(folder: str) -> None:
    """``folder``, itself a mount, becomes the root, and the old root is gone."""
    os.chdir(folder)
    call(_PIVOT_ROOT.get(MACHINE), b".", b".")
    _checked(_libc.umount2(b".", _DETACH))
    os.chdir("/")


def die_with_parent() -> None:
    """The kernel ends this process when its parent dies: nobody else would. A change of user takes it back."""
    _libc.prctl(_PDEATHSIG, signal.SIGKILL)


def keep_orphans() -> None:
    """A grandchild whose parent ends becomes our child, and is found and ended as such."""
    _libc.prctl(_SUBREAPER, 1)


def gain_nothing() -> None:
    """No program that is executed from here on gives more rights than there are."""
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0))


def show_memory(*, shown: bool) -> None:
    """Whether other processes of our user may read our memory and environment, and we write our own files in /proc.

    A change of user takes it away; the execution of a program gives it back.
    """
    _checked(_libc.prctl(_DUMPABLE, shown, 0, 0, 0))


def drop_capabilities() -> None:
    header = (0x20080522).to_bytes(4, "little") + bytes(4)
    call(_CAPSET.get(MACHINE), header, bytes(24))


def landlock_version() -> int:
    """The ABI that this kernel has; raises ``OSError`` where it has none, or where it is switched off."""
    return call(_LANDLOCK_CREATE, 0, 0, 1)


def ruleset(grants: Sequence[tuple[Path, int]]) -> int:
    """A Landlock ruleset: everything is refused but what ``grants`` give, each to a path and all below it.

    A descriptor for ``restrict``. TCP (ABI 4), abstract sockets and signals to others (ABI 6) are refused where the
    kernel can.
    """
    version = landlock_version()
    everything = (1 << _RIGHTS.get(version, _NEWEST_RIGHTS)) - 1
    words = [everything]
    if version >= 4:
        words.append(_TCP)
    if version >= 6:
        words.append(_ABSTRACT_SOCKETS_AND_SIGNALS)
    wanted = b"".join(word.to_bytes(8, "little") for word in words)
    rules = call(_LANDLOCK_CREATE, wanted, len(wanted), 0)
    for path, rights in grants:
        try:
            place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        except OSError:
            continue  # what is not there need not be granted
        allowed = rights & everything & (-1 if path.is_dir() else _FILE_RIGHTS)
        call(_LANDLOCK_ADD, rules, 1, allowed.to_bytes(8, "little") + place.to_bytes(4, "little"), 0)
        os.close(place)
    return rules


def restrict(rules: int) -> None:
    """The ruleset holds for this process and all it starts, for good."""
    gain_nothing()
    call(_LANDLOCK_RESTRICT, rules, 0)
