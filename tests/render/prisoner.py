"""A cell that a stranger's file has taken over: it tries everything, and tells what it could do. Run by test_jail.

In: JSON on the command line: ``user`` to become first, or null; ``without``: layers left out; ``targets``: what to go
for. Out: JSON lines: how well it was closed, for each attempt what stopped it or null, whether all ended with it.
"""
# ruff: noqa: PTH104, PTH123, PTH208, PTH211

from __future__ import annotations

import contextlib
import ctypes
import errno
import json
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from mailfax.render import jail, kernel, view

ARM = kernel.MACHINE == "aarch64"
libc = ctypes.CDLL(None, use_errno=True)
#: Larger than what ``close`` was told.
TOO_LARGE = 2_000_000


def call(x86: int, arm: int, *arguments: Any) -> int:
    return kernel.call(arm if ARM else x86, *arguments)


def connect(family: int, kind: int, address: Any) -> None:
    with socket.socket(family, kind) as made:
        made.settimeout(2)
        made.connect(address)
        made.send(b"x")


def bind() -> None:
    with socket.create_server(("127.0.0.1", 0)):
        pass


def send_to(path: str) -> None:
    """A datagram from a pair can go to any address."""
    first, _ = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    first.sendto(b"x", path)


def fill(descriptor: int) -> None:
    while os.fstat(descriptor).st_size < TOO_LARGE:
        os.write(descriptor, bytes(100_000))


def own_signals(service: int) -> None:
    """The kernel would send SIGKILL to the service when the pipe becomes readable."""
    libc.fcntl.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_long)
    out, _ = os.pipe()
    if libc.fcntl(out, 8, service) < 0:
        raise OSError(ctypes.get_errno(), "")


def execute() -> None:
    child = os.fork()
    if child == 0:
        try:
            os.execv("/bin/sh", ["sh", "-c", "exit 0"])
        except OSError as failed:
            os._exit(failed.errno or 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, "")


def bomb() -> None:
    """More processes than a cell may have, all at once."""
    made = []
    out, into = os.pipe()
    try:
        for _ in range(2 * jail.PROCESSES):
            child = os.fork()
            if child == 0:
                os.close(into)
                os.read(out, 1)  # until all of them are there
                os._exit(0)
            made.append(child)
    finally:
        os.close(into)
        os.close(out)
        for child in made:
            os.waitpid(child, 0)


def leave() -> None:
    """A child does it: who leads a group can't."""
    child = os.fork()
    if child == 0:
        try:
            os.setsid()
        except OSError as failed:
            os._exit(failed.errno or 1)
        os._exit(0)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if code:
        raise OSError(code, "")


def read_memory(pid: int) -> None:
    """Eight bytes of the other process's memory, wherever its program lies."""
    place, here = ctypes.create_string_buffer(8), 0x400000
    mine = (ctypes.c_size_t * 2)(ctypes.addressof(place), 8)
    theirs = (ctypes.c_size_t * 2)(here, 8)
    call(310, 270, pid, bytes(mine), 1, bytes(theirs), 1, 0)


def descriptors() -> None:
    """More than standard input and outputs, what it says, its mail and its document."""
    found = [number for number in range(3, 256) if is_open(number)]
    if len(found) > 3:
        raise_nothing(found)
    raise OSError(errno.EBADF, "")


def is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


def raise_nothing(_: object) -> None:
    """Reached: there is something to report, and no error."""


def attempts(target: dict[str, Any], document: int) -> dict[str, Callable[[], object]]:
    service, folder, raised = target["service"], target["folder"], (10**12, 10**12)
    return {
        "read the spool": lambda: open(target["spool"], "rb").read(),
        "write the spool": lambda: open(target["spool"], "r+b"),
        "read passwords in .env": lambda: open(target["secret"], "rb").read(),
        "read the accounts of the machine": lambda: open("/etc/passwd", "rb").read(),
        "read the service's environment": lambda: open(f"/proc/{service}/environ", "rb").read(),
        "read the service's memory": lambda: os.open(f"/proc/{service}/mem", os.O_RDONLY),
        "read memory by process_vm_readv": lambda: read_memory(service),
        "look into the folder of the spool": lambda: os.listdir(folder),
        "see the processes": lambda: os.listdir("/proc"),
        "connect by TCP": lambda: connect(socket.AF_INET, socket.SOCK_STREAM, ("127.0.0.1", target["tcp"])),
        "send by UDP": lambda: connect(socket.AF_INET, socket.SOCK_DGRAM, ("127.0.0.1", target["udp"])),
        "connect to a socket in a folder": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, target["unix"]),
        "connect to an abstract socket": lambda: connect(socket.AF_UNIX, socket.SOCK_STREAM, target["abstract"]),
        "send a datagram from a pair": lambda: send_to(target["datagram"]),
        "listen": bind,
        "signal the service": lambda: os.kill(service, 0),
        "signal everybody": lambda: os.kill(-1, 0),
        "have the kernel signal the service": lambda: own_signals(service),
        "trace the service": lambda: call(101, 117, 0x4206, service, 0, 0),
        "start a shell": execute,
        "leave its group of processes": leave,
        "start more processes than allowed": bomb,
        "write more than allowed": lambda: fill(document),
        "write into /tmp": lambda: open(f"/tmp/mailfax-prisoner-{os.getpid()}", "xb"),
        "write into /dev/shm": lambda: open(f"/dev/shm/mailfax-prisoner-{os.getpid()}", "xb"),
        "write beside its document": lambda: open(f"{folder}/beside", "xb"),
        "put a link beside its document": lambda: os.symlink("/etc/passwd", f"{folder}/link"),
        "put another file in the place of its document": lambda: os.rename(target["spool"], f"{folder}/document"),
        "make its document executable": lambda: os.fchmod(document, 0o4755),
        "hide memory in a file of its own": lambda: call(319, 279, b"x\0", 0),
        "become root": lambda: os.setuid(0) if os.getuid() else os.listdir("/root"),
        "change its groups": lambda: os.setgroups([0]),
        "raise its limits": lambda: resource.setrlimit(resource.RLIMIT_AS, raised),
        "mount": lambda: call(165, 40, b"none\0", b"/tmp\0", b"tmpfs\0", 0, b"\0"),
        "change the root": lambda: os.chroot("/usr"),
        "make a user namespace": lambda: kernel.unshare(kernel.NEW_USERS),
        "fork into a user namespace": lambda: (
            call(56, 220, kernel.NEW_USERS | signal.SIGCHLD, 0, 0, 0, 0) or os._exit(0)
        ),
        "open the machine's memory": lambda: os.open("/dev/mem", os.O_RDONLY),
        "open the terminal": lambda: os.open("/dev/tty", os.O_RDWR),
        "make a device": lambda: (
            call(133, 33, b"/tmp/mailfax-device\0", 0o20666, 0x101) if not ARM else os.mknod("/tmp/d")
        ),
        "use io_uring": lambda: call(425, 425, 4, bytes(120)),
        "load a program with bpf": lambda: call(321, 280, 0, bytes(64), 64),
        "use userfaultfd": lambda: call(323, 282, 0x800),
        "use keys": lambda: call(250, 219, 0, -3, 1),
        "watch by perf_event_open": lambda: call(298, 241, bytes(112), 0, -1, -1, 0),
        "hold a descriptor that it was not given": descriptors,
    }


def try_everything(target: dict[str, Any], document: int) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name, attempt in attempts(target, document).items():
        try:
            attempt()
            found[name] = None
        except OSError as failed:
            found[name] = errno.errorcode.get(failed.errno or 0, str(failed))
        except (ValueError, MemoryError) as failed:
            found[name] = type(failed).__name__
    return found


def outlive(say: int) -> None:
    """A grandchild that nobody waits for, which holds the pipe; where a cell can have one."""
    try:
        child = os.fork()
    except OSError:
        os.write(say, b'"alone"\n')
        return
    if child == 0:
        with contextlib.suppress(OSError):
            os.setsid()
        if os.fork() == 0:
            os.write(say, b'"lives"\n')
            time.sleep(8)
        os._exit(0)


def main() -> None:
    told = json.loads(sys.argv[1])
    os.getgrouplist("root", 0)  # whatever is loaded late
    if told["user"] is not None:
        os.setgroups([])
        os.setresgid(told["user"], told["user"], told["user"])
        os.setresuid(told["user"], told["user"], told["user"])
        kernel.show_memory(shown=True)
    document = os.open(told["document"], os.O_RDWR)
    made = jail.Jail(view.readable(), frozenset(map(jail.Layer, told["without"])))
    print(json.dumps([made.closed.level.name, sorted(made.closed.layers), str(made.closed)]), flush=True)
    out, say = os.pipe()
    source = os.memfd_create("mail")
    pid = made.fork()
    if pid == 0:
        try:
            os.setpgid(0, 0)
            kept = sorted({say, source, document, *made.descriptors})
            for first, second in zip([2, *kept], [*kept, 4096], strict=True):
                if second > first + 1:
                    os.closerange(first + 1, second)
            made.close(seconds=60, written=TOO_LARGE // 2)
            os.write(say, json.dumps(try_everything(told["targets"], document)).encode() + b"\n")
            outlive(say)
            time.sleep(60)
        except BaseException as failed:
            os.write(say, json.dumps({"failed": repr(failed)}).encode() + b"\n")
        finally:
            os._exit(0)
    os.close(say)
    with os.fdopen(out, "rb") as pipe:
        print(pipe.readline().decode(), end="", flush=True)
        pipe.readline()
        os.killpg(pid, signal.SIGKILL)
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        ended = time.monotonic()
        pipe.read()  # ends when nobody holds the other end any more
    print(json.dumps(time.monotonic() - ended < 4), flush=True)


if __name__ == "__main__":
    main()
