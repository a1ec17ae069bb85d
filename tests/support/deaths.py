"""Deaths of a bridge or of a command at named commits, and what flows with deaths do around them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from house import House, until

#: A death is just before, or just after a commit is durable.
MOMENTS = ("before", "after")
DYING_COMMAND = Path(__file__).with_name("dying_command.py")


def dies(house: House, process: subprocess.Popen[bytes], where: str) -> None:
    until(lambda: process.poll() is not None, f"the bridge to die {where}", house.log)
    assert process.returncode == -9, f"{where}\n{house.log()}"


def command(house: House, *words: str) -> None:
    """Run a command that dies: ("before", commit, verb, …)."""
    ran = subprocess.run(
        [sys.executable, str(DYING_COMMAND), *words, "--config", str(house.config)],
        cwd=house.folder, env=house.environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert ran.returncode == -9, (words, ran.stdout, ran.stderr)


def fault(action: str, operation: str = "SendFax", count: int | None = None) -> Callable[[House], object]:
    return lambda house: house.control("faults", {"operation": operation, "action": action, "count": count})


def well_again(house: House) -> None:
    house.control("faults", method="DELETE")


def known(house: House) -> None:
    """An earlier fax, by which the account is known to give our reference back."""
    bridge = house.start()
    house.send("15550001111")
    house.answers(1)
    house.stop(bridge)
