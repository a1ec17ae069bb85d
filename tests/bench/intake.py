"""Mail intake beside Postfix: the same load from Postfix's own smtp-source, turn by turn, and the ratios.

Usage: scripts/bench intake [--json] [--quick] [--turns N] [--folder DIR]. Both servers keep their mail on one file
system and answer 250 after an fsync; after every turn the mails that lie there are counted. Figures are medians of
the turns. ``messages_ratio`` is of mails a second (4 KB), ``bytes_ratio`` of bytes a second (13.5 MB), mailfax to
Postfix, both over 16 connections; ``cpu_ratio`` is of mails (4 KB) for a second of processor, all processes of each.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.servers import RECIPIENT, SENDER, HoldingPostfix, Mailfax, Server, version
from tests.support.postfix import POSTFIX, SEARCHED

SMTP_SOURCE = shutil.which("smtp-source", path=SEARCHED)
#: Longer than any load here takes by far: a server that hangs must not hang the run. In seconds.
PATIENCE = 120.0


@dataclass(frozen=True)
class Load:
    """So many mails of ``size`` bytes over so many connections at a time."""

    size: int
    connections: int
    mails: int


#: A letter, and a scan of many pages as a base64 attachment.
SMALL, LARGE = 4_000, 13_500_000
LOADS = (
    Load(SMALL, 1, 400),
    Load(SMALL, 16, 4000),
    Load(SMALL, 50, 4000),
    Load(LARGE, 1, 8),
    Load(LARGE, 16, 64),
    Load(LARGE, 50, 100),
)
COMPARED_AT = 16
#: Name in the report -> what comes in at once.
MEMORY_LOADS = {"eight_50_mb": Load(50_000_000, 8, 8), "one_400_mb": Load(400_000_000, 1, 1)}


@dataclass(frozen=True)
class Cell:
    """One load: the median of mailfax and of Postfix, in mails and in megabytes a second; and what a mail takes of
    their processors, in milliseconds."""

    load: Load
    mailfax: float
    postfix: float
    mailfax_cpu: float
    postfix_cpu: float

    @property
    def ratio(self) -> float:
        return self.mailfax / self.postfix

    def megabytes(self, rate: float) -> float:
        return rate * self.load.size / 1e6


def send(server: Server, load: Load) -> float:
    """Seconds that it took to have the load answered 250; every mail of it is in the server's store."""
    before = server.held()
    began = time.monotonic()
    subprocess.run(
        [
            *(str(SMTP_SOURCE), "-s", str(load.connections), "-m", str(load.mails), "-l", str(load.size)),
            *("-f", SENDER, "-t", RECIPIENT, "-S", "Invoice 12", f"inet:127.0.0.1:{server.port}"),
        ],
        check=True,
        timeout=PATIENCE,
    )
    seconds = time.monotonic() - began
    stored = server.held() - before
    if stored != load.mails:
        raise SystemExit(f"{server.name} answered 250 to {load.mails} mails and holds {stored}")
    return seconds


def compare(load: Load, servers: tuple[Server, ...], turns: int) -> Cell:
    """A B A B …, so that whatever else the machine does falls on both."""
    rates: dict[str, list[float]] = {server.name: [] for server in servers}
    busy: dict[str, list[float]] = {server.name: [] for server in servers}
    for _ in range(turns):
        for server in servers:
            before = server.processor()
            rates[server.name].append(load.mails / send(server, load))
            busy[server.name].append(1000 * (server.processor() - before) / load.mails)
            server.empty()
            # What one left to be written must not slow the other.
            os.sync()
    medians = (statistics.median(of[name]) for of in (rates, busy) for name in ("mailfax", "postfix"))
    return Cell(load, *medians)


def measure_memory(folder: Path) -> dict[str, float]:
    """How far the memory of mailfax rises, in MB, above what it has after its first mail."""
    server = Mailfax(folder)
    rises = {}
    with _running(server):
        send(server, Load(SMALL, 1, 1))
        for name, load in MEMORY_LOADS.items():
            server.forget_peak()
            before = server.resident()
            send(server, load)
            rises[name] = (server.resident() - before) / 1e6
            server.empty()
    return rises


def run(folder: Path, turns: int, progress: Any) -> dict[str, Any]:
    servers: tuple[Server, ...] = (Mailfax(_made(folder, "mailfax")), HoldingPostfix(_made(folder, "postfix")))
    cells = []
    with contextlib.ExitStack() as running:
        for server in servers:
            running.enter_context(_running(server))
        for server in servers:
            # A new log grows for a while, and that is slower than to fill it again.
            send(server, Load(SMALL, 16, 2000))
        for load in LOADS:
            cells.append(compare(load, servers, turns))
            print(_row(cells[-1]), file=progress, flush=True)
    compared = {cell.load.size: cell for cell in cells if cell.load.connections == COMPARED_AT}
    return {
        "messages_ratio": round(compared[SMALL].ratio, 2),
        "bytes_ratio": round(compared[LARGE].ratio, 2),
        "cpu_ratio": round(compared[SMALL].postfix_cpu / compared[SMALL].mailfax_cpu, 2),
        "loads": [
            asdict(cell.load)
            | {side: round(getattr(cell, side), 1) for side in ("mailfax", "postfix")}
            | {side: round(getattr(cell, side), 2) for side in ("mailfax_cpu", "postfix_cpu")}
            | {"ratio": round(cell.ratio, 2)}
            for cell in cells
        ],
        "memory_rise_mb": {name: round(rise, 1) for name, rise in measure_memory(_made(folder, "memory")).items()},
        "turns": turns,
        "machine": f"{os.cpu_count()} × {_processor()}, Linux {platform.release()}",
        "versions": {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version, "postfix": version()},
    }


@contextlib.contextmanager
def _running(server: Server) -> Iterator[None]:
    try:
        server.start()
        yield
    finally:
        server.stop()


def _row(cell: Cell) -> str:
    load = cell.load
    cells = [f"{load.size / 1000:>8.0f} KB", f"{load.connections:>4}"]
    cells += [f"{rate:>7.0f} {cell.megabytes(rate):>6.0f}" for rate in (cell.mailfax, cell.postfix)]
    cells += [f"{cell.ratio:>5.2f}", f"{cell.mailfax_cpu:.2f}, {cell.postfix_cpu:.2f}"]
    return " | ".join(cells)


def _processor() -> str:
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return models[0].partition(":")[2].strip() if models else platform.machine()


def _made(folder: Path, name: str) -> Path:
    (folder / name).mkdir()
    return folder / name


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench intake", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--turns", type=int, default=5, help="how often each has its turn (default: %(default)s)")
    parser.add_argument("--quick", action="store_true", help="three turns")
    parser.add_argument(
        "--folder", type=Path, help="where both keep their mail (default: the folder for temporary files)"
    )
    arguments = parser.parse_args()
    if POSTFIX is None or SMTP_SOURCE is None:
        raise SystemExit("Needs postfix with smtp-source; install the package postfix (3.7).")
    if os.geteuid() != 0:
        raise SystemExit("Needs root: Postfix starts as root only.")
    progress = sys.stderr if arguments.json else sys.stdout
    print("    size |  conn | mailfax /s, MB/s | postfix /s, MB/s | ratio | processor ms a mail", file=progress)
    folder = Path(tempfile.mkdtemp(prefix="mailfax-bench-", dir=arguments.folder))
    try:
        folder.chmod(0o755)  # user postfix must be able to enter it
        report = run(folder, 3 if arguments.quick else arguments.turns, progress)
    finally:
        shutil.rmtree(folder)
    if arguments.json:
        print(json.dumps(report, indent=2))
        return
    for name, rise in report["memory_rise_mb"].items():
        print(f"memory rise, {name}: {rise} MB")
    print(f"messages_ratio {report['messages_ratio']}, bytes_ratio {report['bytes_ratio']}")


if __name__ == "__main__":
    main()
