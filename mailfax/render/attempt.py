"""A try that may fail, hang or die: work done in a child process of the cell.

In: what to do, and for how long. Out: its bytes, or None.
"""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable

PR_SET_PDEATHSIG = 1


def attempt(work: Callable[[], bytes], seconds: float) -> bytes | None:
    """Do ``work`` in a process of its own; None if it failed, died, or took longer than ``seconds``."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_with_parent()
            os.close(out)
            with os.fdopen(into, "wb") as pipe:
                pipe.write(work())
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    deadline = time.monotonic() + seconds
    made = bytearray()
    os.set_blocking(out, False)
    while time.monotonic() < deadline:
        try:
            block = os.read(out, 1 << 20)
        except BlockingIOError:
            time.sleep(0.002)
            continue
        if not block:
            break
        made += block
    else:
        os.kill(child, signal.SIGKILL)
    os.close(out)
    _, result = os.waitpid(child, 0)
    return bytes(made) if result == 0 and made else None


def die_with_parent() -> None:
    """The kernel ends this process when its parent dies: nobody else would."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
