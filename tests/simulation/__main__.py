"""``scripts/simulate``: run seeds, count what was promised and not kept, and tell the life of the first such fax."""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator

from tests.simulation.judge import Verdict, added
from tests.simulation.plants import PLANTS
from tests.simulation.world import simulate


def main() -> int:
    """Exit status: 0 every promise was kept, 1 one was not."""
    parser = argparse.ArgumentParser(prog="scripts/simulate", description=__doc__)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--seed", type=int, help="one seed")
    which.add_argument("--seeds", metavar="A-B", help="all of these")
    parser.add_argument("--faxes", type=int, default=100, help="sent by each seed (100)")
    parser.add_argument(
        "--plant", choices=sorted(PLANTS), default="", help="with this bug; stops at the seed that catches it"
    )
    parser.add_argument("--processes", type=int, default=1, help="seeds that run at the same time (1)")
    parser.add_argument("--json", action="store_true", help="one line of JSON a seed")
    given = parser.parse_args()
    first, _, last = (given.seeds or str(given.seed if given.seed is not None else 1)).partition("-")
    seeds = range(int(first), int(last or first) + 1)
    began, verdicts = time.monotonic(), []
    for verdict in _run(seeds, given.faxes, given.plant, given.processes):
        verdicts.append(verdict)
        if given.json:
            shown = {name: value for name, value in vars(verdict).items() if name != "life"}
            print(json.dumps(shown), flush=True)
        elif len(seeds) == 1 or not verdict.good:
            _show(verdict, len(seeds) == 1 or not given.plant)
        elif len(verdicts) % 10 == 0:
            print(f"{len(verdicts)} of {len(seeds)} seeds", file=sys.stderr, flush=True)
        if given.plant and not verdict.good:
            break
    counts = added(verdicts)
    print(
        f"{len(verdicts)} seeds in {time.monotonic() - began:.0f} s:",
        ", ".join(f"{n} {k}" for k, n in counts.items()),
    )
    return int(not all(verdict.good for verdict in verdicts))


def _run(seeds: range, faxes: int, plant: str, processes: int) -> Iterator[Verdict]:
    if processes == 1:
        for seed in seeds:
            yield simulate(seed, faxes, plant)
        return
    with multiprocessing.Pool(processes) as pool:
        yield from pool.imap(_one, ((seed, faxes, plant) for seed in seeds))


def _one(what: tuple[int, int, str]) -> Verdict:
    return simulate(*what)


def _show(verdict: Verdict, whole: bool) -> None:
    print(f"seed {verdict.seed}: {'good' if verdict.good else 'NOT GOOD'}, trace {verdict.trace},", end=" ")
    print(f"{verdict.deaths} deaths, {verdict.seconds / 3600:.1f} hours")
    for fault in verdict.faults:
        print(f"  {fault}")
    if whole and verdict.life:
        print("  Its life:")
        for line in verdict.life:
            print(f"    {line}")


if __name__ == "__main__":
    if os.environ.get("PYTHONHASHSEED") != "0":  # sets of texts are walked through in the same order each time
        os.execve(
            sys.executable,
            [sys.executable, "-m", "tests.simulation", *sys.argv[1:]],
            os.environ | {"PYTHONHASHSEED": "0"},
        )
    sys.exit(main())
