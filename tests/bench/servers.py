"""The two mail servers of the comparison. Each takes mail, makes it durable, answers 250, and leaves it there.

In: a folder of its own. Out: a ``port``; how many mails it holds, counted where they lie; and ``empty()``.
"""

from __future__ import annotations

import contextlib
import os
import smtplib
import subprocess
import sys
from pathlib import Path
from typing import Protocol

from tests.support.postfix import SEARCHED, Postfix
from tests.support.site import Site, until

#: A limit that the 400 MB mail fits under, and no brakes: everything comes from one address here.
LIMITS = "message_bytes = 450_000_000\nconnections_per_client = 100\nmessages_per_minute = 0\nfaxes_per_day = 0\n"
SENDER, RECIPIENT = "alice@example.com", "15551234567@fax.local"


class Server(Protocol):
    """What is measured."""

    name: str
    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def held(self) -> int:
        """How many mails are stored."""

    def empty(self) -> None:
        """Give the disk back what large mails took; not measured."""

    def processor(self) -> float:
        """Seconds of processor that all its processes have used so far, those that ended included."""


class Mailfax:
    """The real service, handler and spool, in a process of its own; its workers rest, as Postfix's do under hold."""

    name = "mailfax"

    def __init__(self, folder: Path) -> None:
        self._site = Site(folder, more=LIMITS)
        self.port = self._site.smtp_port
        self._config = self._site.configure()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with (self._site.folder / "serve.log").open("ab") as output:
            self._process = process = subprocess.Popen(
                [sys.executable, "-m", "tests.bench.accepting", str(self._config)],
                env=self._site.environment,
                stdout=output,
                stderr=output,
            )
        until(lambda: _greets(self.port) or process.poll() is not None, "mailfax", self._site.log)
        if process.poll() is not None:
            raise SystemExit(f"mailfax did not start:\n{self._site.log()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            try:
                self._process.wait(timeout=60)
            finally:
                self._process.kill()

    def held(self) -> int:
        [(number,)] = self._site.rows("SELECT COUNT(*) FROM message")
        return int(number)

    def empty(self) -> None:
        for file in (self._site.folder / "content").glob("??/*"):
            file.unlink()

    def resident(self) -> int:
        """Bytes of memory of the service and its helpers, at their highest since ``forget_peak``."""
        return sum(_peak(pid) for pid in self._family())

    def forget_peak(self) -> None:
        for pid in self._family():
            Path(f"/proc/{pid}/clear_refs").write_text("5")

    def processor(self) -> float:
        assert self._process is not None
        return _processor(self._process.pid)

    def _family(self) -> list[int]:
        assert self._process is not None
        return _with_descendants(self._process.pid)


class HoldingPostfix(Postfix):
    """Postfix as Debian configures it, with every mail put on hold as it arrives."""

    name = "postfix"

    def held(self) -> int:
        return sum(1 for _ in (self.folder / "queue" / "hold").rglob("*") if _.is_file())

    def empty(self) -> None:
        command = ["postsuper", "-c", str(self.folder / "etc"), "-d", "ALL"]
        subprocess.run(command, check=True, capture_output=True, env={"PATH": SEARCHED})

    def processor(self) -> float:
        return _processor(int((self.folder / "queue" / "pid" / "master.pid").read_text()))


def version() -> str:
    """Of the Postfix that is compared with."""
    told = subprocess.run(
        ["postconf", "-d", "-h", "mail_version"], check=True, capture_output=True, env={"PATH": SEARCHED}
    )
    return told.stdout.decode().strip()


def _greets(port: int) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=10):
            return True
    except OSError:
        return False


def _with_descendants(pid: int) -> list[int]:
    """A process and its descendants."""
    found: list[int] = []
    with contextlib.suppress(FileNotFoundError):  # it has just ended
        children = Path(f"/proc/{pid}/task").glob("*/children")
        found += [int(child) for file in children for child in file.read_text().split()]
    return [pid, *(member for child in found for member in _with_descendants(child))]


def _peak(pid: int) -> int:
    """VmHWM (proc(5)): the highest resident size, of which clear_refs "5" makes the present one."""
    status = Path(f"/proc/{pid}/status").read_text()
    return 1024 * int(status.partition("VmHWM:")[2].split()[0])


def _processor(pid: int) -> float:
    """utime, stime, cutime and cstime (proc(5)) of a process and its descendants, in seconds."""
    ticks = 0
    for member in _with_descendants(pid):
        with contextlib.suppress(FileNotFoundError):  # it has just ended: its parent has its time
            ticks += sum(map(int, Path(f"/proc/{member}/stat").read_text().rpartition(")")[2].split()[11:15]))
    return ticks / os.sysconf("SC_CLK_TCK")
