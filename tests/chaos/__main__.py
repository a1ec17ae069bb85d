"""``scripts/chaos``: real processes are killed and stopped at random; then what was promised is counted."""

from __future__ import annotations

import argparse
import contextlib
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.storm import storm
from tests.simulation.judge import Verdict, added
from tests.support.postgresql import Cluster


def main() -> int:
    """Exit status: 0 every promise was kept, 1 one was not."""
    parser = argparse.ArgumentParser(prog="scripts/chaos", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, help="one seed")
    which.add_argument("--seeds", metavar="A-B", help="all of these, one after the other")
    parser.add_argument("--faxes", type=int, default=300, help="sent by each seed (300)")
    parser.add_argument("--kills", type=int, default=60, help="so many times a process is killed (60)")
    parser.add_argument("--engine", choices=("sqlite", "postgresql"), default="sqlite", help="of the spool (sqlite)")
    parser.add_argument("--processes", type=int, help="that share the spool (1 on sqlite, 3 on postgresql)")
    parser.add_argument("--keep", metavar="FOLDER", type=Path, help="where the logs of a bad seed stay")
    given = parser.parse_args()
    if given.faxes < 1 or given.kills < 1 or (given.processes is not None and given.processes < 1):
        parser.error("--faxes, --kills and --processes are numbers from 1")
    processes = given.processes or (3 if given.engine == "postgresql" else 1)
    first, _, last = (given.seeds or str(given.seed if given.seed is not None else 1)).partition("-")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # then everything that was started is ended, too
    verdicts = []
    with server(given.engine) as cluster, progress() as bars:
        for seed in range(int(first), int(last or first) + 1):
            bar = bars.add_task(f"seed {seed}", total=2.0)

            def report(part: str, done: float, bar: object = bar, seed: int = seed) -> None:
                bars.update(bar, completed=done + (part == "calm"), description=f"seed {seed}: {part}")  # type: ignore[arg-type]

            folder = Path(tempfile.mkdtemp(prefix="chaos-"))
            try:
                verdict = storm(
                    folder,
                    seed,
                    faxes=given.faxes,
                    kills=given.kills,
                    processes=processes,
                    hidden_minutes=1,
                    cluster=cluster,
                    report=report,
                )
                if given.keep and not verdict.good:
                    shutil.copytree(folder, given.keep / f"seed-{seed}", dirs_exist_ok=True)
            finally:
                shutil.rmtree(folder, ignore_errors=True)
            bars.remove_task(bar)
            verdicts.append(verdict)
            show(verdict)
    print(f"{given.engine}, {processes} processes, {len(verdicts)} seeds:", counted(added(verdicts)))
    return int(not all(verdict.good for verdict in verdicts))


def counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{number} {kind}" for kind, number in counts.items())


def show(verdict: Verdict) -> None:
    word = "good" if verdict.good else "NOT GOOD"
    print(f"seed {verdict.seed}: {word} in {verdict.seconds:.0f} s: {counted(verdict.counts())}", flush=True)
    for fault in verdict.faults:
        print(f"  {fault}")
    if verdict.life:
        print("  The life of the first:")
        for line in verdict.life:
            print(f"    {line}", flush=True)


def progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    return Progress(*columns, console=Console(stderr=True))


@contextlib.contextmanager
def server(engine: str) -> Iterator[Cluster | None]:
    """A PostgreSQL server of our own, where one is wanted."""
    cluster = Cluster() if engine == "postgresql" else None
    try:
        yield cluster
    finally:
        if cluster is not None:
            cluster.stop()


if __name__ == "__main__":
    sys.exit(main())
