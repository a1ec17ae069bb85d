"""A try that may fail, hang or die: work done in a child process of the cell.

In: what to do, and for how long. Out: its bytes, or None. The child ends itself when its time is over: a cell may
send no signals.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

from mailfax.render.kernel import die_with_parent


def attempt(work: Callable[[], bytes], seconds: float) -> bytes | None:
    """Do ``work`` in a process of its own; None if it failed, died, or took longer than ``seconds``."""
    out, into = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            die_with_parent()
            signal.setitimer(signal.ITIMER_REAL, max(seconds, 0.001))
            os.close(out)
            with os.fdopen(into, "wb") as pipe:
                pipe.write(work())
            code = 0
        finally:
            os._exit(code)
    os.close(into)
    with os.fdopen(out, "rb") as pipe:
        made = pipe.read()
    _, result = os.waitpid(child, 0)
    return made if result == 0 and made else None
