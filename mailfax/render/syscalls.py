"""The system calls that a cell may make, as a filter for the kernel: what is not in the list is refused.

In: a list (``CELL``, ``CONVERTER``). Out: a program of the kernel's own filter machine, for ``install``. A refused
call is an EPERM that libraries know how to take; a call by another numbering (x32, 32 bit) ends the process. A cell
opens nothing for writing: its document goes into a descriptor that it was given.

STANDARDS: seccomp(2), Linux on x86-64 and on aarch64. Numbers of asm/unistd_64.h and asm-generic/unistd.h.
LIMITS: pointers are not looked into (``clone3``, ``openat2`` are refused for that).
"""

from __future__ import annotations

import ctypes
import os
import struct
from collections.abc import Mapping
from dataclasses import dataclass

from mailfax.render.kernel import MACHINE, call

_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_SECCOMP = {"x86_64": 317, "aarch64": 277}
_X32 = 0x40000000
_LOAD, _AND, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x54, 0x15, 0x35, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_EPERM, _ENOSYS = 1, 38
_SET_FILTER, _ALL_THREADS = 1, 1


@dataclass(frozen=True, slots=True)
class Only:
    """True where an argument (32 bits), masked, is one of ``values``; with ``pointer``: where it is null."""

    argument: int
    values: tuple[int, ...]
    mask: int = 0xFFFFFFFF
    pointer: bool = False


#: name -> (number on x86-64, number on aarch64); -1: not there.
_NUMBERS: dict[str, tuple[int, int]] = {
    # read, write, look
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66), "pread64": (17, 67),
    "pwrite64": (18, 68),
    "lseek": (8, 62), "close": (3, 57), "close_range": (436, 436), "openat": (257, 56), "stat": (4, -1),
    "lstat": (6, -1), "fstat": (5, 80), "newfstatat": (262, 79), "statx": (332, 291), "access": (21, -1),
    "faccessat": (269, 48), "faccessat2": (439, 439), "readlink": (89, -1), "readlinkat": (267, 78),
    "getdents64": (217, 61), "getcwd": (79, 17), "statfs": (137, 43), "fstatfs": (138, 44), "dup": (32, 23),
    "dup2": (33, -1), "dup3": (292, 24), "fcntl": (72, 25), "pipe": (22, -1), "pipe2": (293, 59), "poll": (7, -1),
    "ppoll": (271, 73), "select": (23, -1), "pselect6": (270, 72), "epoll_create1": (291, 20), "epoll_ctl": (233, 21),
    "epoll_wait": (232, -1), "epoll_pwait": (281, 22), "eventfd2": (290, 19), "fsync": (74, 82),
    "fdatasync": (75, 83), "ftruncate": (77, 46), "fadvise64": (221, 223), "sendfile": (40, 71), "ioctl": (16, 29),
    # memory, threads, time
    "mmap": (9, 222), "munmap": (11, 215), "mprotect": (10, 226), "mremap": (25, 216), "madvise": (28, 233),
    "brk": (12, 214), "msync": (26, 227), "mincore": (27, 232), "membarrier": (324, 283), "futex": (202, 98),
    "set_robust_list": (273, 99), "rseq": (334, 293), "set_tid_address": (218, 96), "sched_yield": (24, 124),
    "sched_getaffinity": (204, 123), "sched_getparam": (143, 121), "sched_getscheduler": (145, 120),
    "sched_get_priority_max": (146, 125), "sched_get_priority_min": (147, 126), "getcpu": (309, 168),
    "arch_prctl": (158, -1), "clock_gettime": (228, 113), "clock_getres": (229, 114), "clock_nanosleep": (230, 115),
    "nanosleep": (35, 101), "gettimeofday": (96, 169), "time": (201, -1), "times": (100, 153),
    "getitimer": (36, 102), "setitimer": (38, 103), "alarm": (37, -1),
    # its own processes and signals
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "rt_sigsuspend": (130, 133),
    "rt_sigtimedwait": (128, 137), "sigaltstack": (131, 132), "restart_syscall": (219, 128), "clone": (56, 220),
    "fork": (57, -1), "vfork": (58, -1), "wait4": (61, 260), "waitid": (247, 95), "exit": (60, 93),
    "exit_group": (231, 94), "prctl": (157, 167), "prlimit64": (302, 261), "getrlimit": (97, 163),
    "getrusage": (98, 165), "getpid": (39, 172), "gettid": (186, 178), "getppid": (110, 173), "getuid": (102, 174),
    "geteuid": (107, 175), "getgid": (104, 176), "getegid": (108, 177), "getresuid": (118, 148),
    "getresgid": (120, 150), "getgroups": (115, 158), "getpgid": (121, 155), "getpgrp": (111, -1),
    "getsid": (124, 156), "getrandom": (318, 278), "uname": (63, 160), "sysinfo": (99, 179), "umask": (95, 166),
    # what it inherited, or shares with its own children
    "socketpair": (53, 199), "sendto": (44, 206), "recvfrom": (45, 207), "sendmsg": (46, 211), "recvmsg": (47, 212),
    "shutdown": (48, 210),
    # of converters only
    "socket": (41, 198), "connect": (42, 203), "bind": (49, 200), "listen": (50, 201),
    "accept": (43, 202), "accept4": (288, 242), "getsockname": (51, 204), "getpeername": (52, 205),
    "getsockopt": (55, 209), "setsockopt": (54, 208), "execve": (59, 221), "open": (2, -1),
    "chdir": (80, 49), "fchdir": (81, 50), "mkdir": (83, -1), "mkdirat": (258, 34), "rename": (82, -1),
    "renameat": (264, 38), "renameat2": (316, 276), "unlink": (87, -1), "unlinkat": (263, 35), "rmdir": (84, -1),
    "symlink": (88, -1), "symlinkat": (266, 36), "link": (86, -1), "linkat": (265, 37), "chmod": (90, -1),
    "fchmod": (91, 52), "fchmodat": (268, 53), "utimensat": (280, 88), "creat": (85, -1), "truncate": (76, 45),
    "fallocate": (285, 47), "flock": (73, 32), "inotify_init1": (294, 26), "inotify_add_watch": (254, 27),
    "inotify_rm_watch": (255, 28), "epoll_create": (213, -1), "inotify_init": (253, -1), "eventfd": (284, -1),
    "sched_setaffinity": (203, 122), "sched_setscheduler": (144, 119), "getpriority": (140, 141),
    "capget": (125, 90), "copy_file_range": (326, 285),
    # refused as if unknown: libraries then take the older call
    "clone3": (435, 435), "openat2": (437, 437),
}  # fmt: skip
_OF_CONVERTERS = list(_NUMBERS)[list(_NUMBERS).index("socket") : list(_NUMBERS).index("clone3")]
_UNKNOWN = ("clone3", "openat2")
#: Namespaces of its own would give a cell rights again.
_NO_NAMESPACES = (Only(0, (0,), mask=0x7E020000),)
_THREADS = (Only(0, (0x10000,), mask=0x7E020000 | 0x10000),)  # CLONE_THREAD: no process of its own
_ASKING_LIMITS = (Only(2, (0,), pointer=True),)
#: No F_SETOWN, F_SETSIG: by them the kernel sends signals for whoever may not. File and pipe flags, and locks.
_DESCRIPTORS = (Only(1, (0, 1, 2, 3, 4, 5, 6, 7, 36, 37, 38, 1030)),)
#: PDEATHSIG, DUMPABLE (asking), SECCOMP (asking), names, CAPBSET (asking), NO_NEW_PRIVS, names of memory.
_OF_ITSELF = (Only(0, (1, 3, 15, 16, 21, 23, 38, 39, 0x53564D41)),)
_TERMINALS = (Only(1, (0x5401, 0x5450, 0x5451, 0x5421, 0x541B)),)  # TCGETS, FIONCLEX, FIOCLEX, FIONBIO, FIONREAD
#: Not O_WRONLY, O_RDWR, O_CREAT, O_TRUNC, nor O_TMPFILE.
_READING = (Only(2, (0,), mask=0o3 | 0o100 | 0o1000 | 0o20000000),)
#: AF_UNIX and SOCK_STREAM: a datagram could be sent to any address from there.
_A_PAIR = (Only(0, (1,)), Only(1, (1,), mask=0xF))
_ON_THIS_MACHINE = (Only(0, (1,)),)  # AF_UNIX

#: name -> what must be true of its arguments, all of it.
Calls = Mapping[str, tuple[Only, ...]]
_BOTH: dict[str, tuple[Only, ...]] = {
    **{name: () for name in _NUMBERS if name not in _OF_CONVERTERS and name not in _UNKNOWN},
    "clone": _NO_NAMESPACES,
    "prlimit64": _ASKING_LIMITS,
    "fcntl": _DESCRIPTORS,
    "prctl": _OF_ITSELF,
    "ioctl": _TERMINALS,
    "socketpair": _A_PAIR,
}
#: A cell reads and computes; it opens nothing for writing, calls nobody, starts neither process nor program.
CELL: Calls = {
    **{name: conditions for name, conditions in _BOTH.items() if name not in ("fork", "vfork")},
    "clone": _THREADS,
    "openat": _READING,
}
#: A converter is a program of its own with a folder of its own, and parts that speak to each other on this machine.
CONVERTER: Calls = {
    **_BOTH,
    **dict.fromkeys(_OF_CONVERTERS, ()),
    "socket": _ON_THIS_MACHINE,
    "socketpair": _ON_THIS_MACHINE,
}


def compiled(calls: Calls, machine: str = MACHINE) -> bytes:
    """The filter for one kind of processor; raises ``OSError`` for one that is not known here."""
    if machine not in _ARCHITECTURES:
        raise OSError(_ENOSYS, "this kind of processor is not known here")
    column = list(_ARCHITECTURES).index(machine)
    program = [
        _step(_LOAD, 4),
        _step(_EQUAL, _ARCHITECTURES[machine], 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, 0),
        _step(_AT_LEAST, _X32, 0, 1),
        _step(_RETURN, _KILL),
    ]
    numbers = {name: _NUMBERS[name][column] for name in (*calls, *_UNKNOWN) if _NUMBERS[name][column] >= 0}
    for name, conditions in calls.items():
        if conditions and name in numbers:
            block = [step for only in conditions for step in _unless(only)] + [_step(_RETURN, _ALLOW)]
            program += [_step(_EQUAL, numbers[name], 0, len(block)), *block]
    for name in _UNKNOWN:
        program += [_step(_EQUAL, numbers[name], 0, 1), _step(_RETURN, _ERRNO | _ENOSYS)]
    free = [numbers[name] for name, conditions in calls.items() if not conditions and name in numbers]
    program += [_step(_EQUAL, number, len(free) - at, 0) for at, number in enumerate(free)]
    program += [_step(_RETURN, _ERRNO | _EPERM), _step(_RETURN, _ALLOW)]
    return b"".join(program)


def _unless(only: Only) -> list[bytes]:
    """Refuse unless this is true; else go on behind."""
    at, refused = 16 + 8 * only.argument, _step(_RETURN, _ERRNO | _EPERM)
    if only.pointer:
        return [_step(_LOAD, at), _step(_EQUAL, 0, 0, 2), _step(_LOAD, at + 4), _step(_EQUAL, 0, 1, 0), refused]
    values = [_step(_EQUAL, value, len(only.values) - n, 0) for n, value in enumerate(only.values)]
    return [_step(_LOAD, at), _step(_AND, only.mask), *values, refused]


def _step(code: int, value: int, if_true: int = 0, if_false: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_true, if_false, value)


def install(program: bytes) -> None:
    """The filter holds for this process and all it starts, for good. ``kernel.gain_nothing`` comes first."""
    steps = ctypes.create_string_buffer(program, len(program))
    header = struct.pack("@HP", len(program) // 8, ctypes.addressof(steps))
    if call(_SECCOMP.get(MACHINE), _SET_FILTER, _ALL_THREADS, header):
        raise OSError(_EPERM, os.strerror(_EPERM))
