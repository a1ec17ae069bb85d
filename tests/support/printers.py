"""Printing as an office has it: CUPS in a folder of its own with two queues, and the printers behind them.

A printer is a port that takes what a queue's backend sends: one connection is one job on paper.
"""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

_PATH = {**os.environ, "PATH": f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin", "LC_ALL": "C"}
_CUPSD = """
Listen 127.0.0.1:{port}
LogLevel debug
Browsing Off
WebInterface No
DefaultAuthType None
PreserveJobHistory Yes
<Location />
  Order allow,deny
  Allow all
</Location>
"""
_FILES = """
ServerRoot {folder}
StateDir {folder}/run
RequestRoot {folder}/spool
CacheDir {folder}/cache
TempDir {folder}/spool/tmp
ErrorLog {folder}/error_log
AccessLog {folder}/access_log
PageLog {folder}/page_log
ServerKeychain {folder}
Sandboxing relaxed
"""


@dataclass
class Paper:
    """A printer without paper: ``jobs`` is what it was sent, each as it came."""

    port: int = 0
    jobs: list[bytes] = field(default_factory=list)


@contextlib.contextmanager
def paper() -> Iterator[Paper]:
    """A printer that takes raw data at a port (as those at 9100 do)."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        here = Paper(server.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    line, _ = server.accept()
                    with line:
                        job = b"".join(iter(lambda line=line: line.recv(65536), b""))
                    if job:  # a backend that only looks sends nothing
                        here.jobs.append(job)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield here
        server.shutdown(socket.SHUT_RDWR)
        thread.join(5)


@dataclass
class Cups:
    """``raw`` passes documents on as they are, ``postscript`` makes PostScript of them as for a real printer."""

    port: int
    folder: Path
    raw: Paper
    postscript: Paper

    def uri(self, queue: str) -> str:
        return f"ipp://127.0.0.1:{self.port}/printers/{queue}"

    def run(self, *command: str) -> str:
        """A command of CUPS, at this server."""
        environment = {**_PATH, "CUPS_SERVER": f"127.0.0.1:{self.port}"}
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=30, check=False)
        assert not done.returncode, (command, done.stderr)
        return done.stdout

    def jobs(self, which: str = "all") -> list[str]:
        """Its jobs, a line each: "completed", "not-completed" or "all"."""
        return self.run("lpstat", "-W", which, "-o").splitlines()

    def printed(self, which: Paper, count: int, seconds: float = 30.0) -> list[bytes]:
        """What a printer was sent, once it is so many jobs and the queues are empty."""
        until = time.monotonic() + seconds
        while len(which.jobs) < count or self.jobs("not-completed"):
            assert time.monotonic() < until, (self.folder / "error_log").read_text()[-3000:]
            time.sleep(0.1)
        return which.jobs


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return int(free.getsockname()[1])


@contextlib.contextmanager
def cups(folder: Path) -> Iterator[Cups]:
    """A CUPS server of our own; ``folder`` is made, and must be one that other users may enter."""
    port = free_port()
    for part in ("run", "spool/tmp", "cache"):
        (folder / part).mkdir(parents=True)
    (folder / "cupsd.conf").write_text(_CUPSD.format(port=port))
    (folder / "cups-files.conf").write_text(_FILES.format(folder=folder))
    command = ["cupsd", "-f", "-c", str(folder / "cupsd.conf"), "-s", str(folder / "cups-files.conf")]
    with paper() as raw, paper() as postscript:
        process = subprocess.Popen(command, env=_PATH)
        try:
            here = Cups(port, folder, raw, postscript)
            _listens(port, process)
            for name, where, model in (
                ("raw", raw, "raw"),
                ("postscript", postscript, "drv:///sample.drv/generic.ppd"),
            ):
                here.run("lpadmin", "-p", name, "-v", f"socket://127.0.0.1:{where.port}", "-E", "-m", model)
            yield here
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int, process: subprocess.Popen[bytes]) -> None:
    for _ in range(200):
        assert process.poll() is None, "it ended at once"
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("it does not listen")
