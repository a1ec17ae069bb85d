"""Deaths of a bridge or of a command at named commits, and what flows with deaths do around them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from tests.support.site import Site, until

#: A death is just before, or just after a commit is durable.
MOMENTS = ("before", "after")
DYING_COMMAND = Path(__file__).with_name("dying_command.py")


def dies(site: Site, process: subprocess.Popen[bytes], where: str) -> None:
    until(lambda: process.poll() is not None, f"the bridge to die {where}", site.log)
    assert process.returncode == -9, f"{where}\n{site.log()}"


def command(site: Site, *words: str) -> None:
    """Run a command that dies: ("before", commit, verb, …)."""
    ran = subprocess.run(
        [sys.executable, str(DYING_COMMAND), *words, "--config", str(site.config)],
        cwd=site.folder, env=site.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == -9, (words, ran.stdout, ran.stderr)


def fault(action: str, operation: str = "SendFax", count: int | None = None) -> Callable[[Site], object]:
    return lambda site: site.control("faults", {"operation": operation, "action": action, "count": count})


def well_again(site: Site) -> None:
    site.control("faults", method="DELETE")


def known(site: Site) -> None:
    """An earlier fax, by which the account is known to give our reference back."""
    bridge = site.start()
    site.send("15550001111")
    site.answers(1)
    site.stop(bridge)
