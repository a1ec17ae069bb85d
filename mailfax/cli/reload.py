"""``mailfax reload``: have the running service read its configuration and certificates again."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import time
from pathlib import Path
from typing import TYPE_CHECKING

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.spool import Serving, Spool

HELP = "have the running service read its configuration and certificates again; no session is ended"
#: How long a service may take to say what became of it, in seconds.
PATIENCE = 30.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    # What is wrong with the file is said here at once, and the service is left alone. Passwords are its own matter.
    config = load_config(arguments, passwords=False)
    return with_spool(config, _reload)


async def _reload(spool: Spool) -> int:
    serving = await spool.processes.serving()
    here = [process for process in serving if process.is_here and _is_alive(process.pid)]
    if not here:
        elsewhere = sorted({process.host for process in serving if not process.is_here})
        raise CannotRun(
            f"no mailfax serve runs here; run this command on {' and '.join(elsewhere)}"
            if elsewhere
            else "no mailfax serve runs on this spool, so there is nothing to reload"
        )
    for process in here:
        try:
            os.kill(process.pid, signal.SIGHUP)
        except PermissionError:
            raise CannotRun(
                f"process {process.pid} belongs to another user: run this command as that user, or as root"
            ) from None
        except ProcessLookupError:
            raise CannotRun(f"process {process.pid} has just ended") from None
    problems = [await _outcome(spool, process) for process in here]
    for process, problem in zip(here, problems, strict=True):
        said = f"not reloaded, the old configuration stays: {problem}" if problem else "reloaded"
        print(f"process {process.pid}: {said}")
    return int(any(problems))


async def _outcome(spool: Spool, before: Serving) -> str:
    """Why nothing was changed; "" where it was."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        now = next((process for process in await spool.processes.serving() if process.epoch == before.epoch), None)
        if now is None:
            return "it has ended"
        if now.reloaded_at > before.reloaded_at:
            return now.problem
        await asyncio.sleep(0.1)
    return f"it has said nothing for {PATIENCE:.0f} seconds; look into its log"


def _is_alive(pid: int) -> bool:
    """Whether that process serves, and is not another one with its number."""
    try:
        return b"serve" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False
