"""How long pages take with a million faxes behind them: what people wait for, by HTTP, of a service that runs.

Usage: scripts/bench visits [--json] [--quick] [--rows N] [--spool sqlite|postgresql]. Each page is asked for
``TURNS`` times, after one more; ``first_ms`` is that one. The faxes lie over thirty days, and every hundredth is of
one user, who asks, too. Wanted: ``p95_ms`` of at most 200.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.bench.filling import copies, move_to, spool_of
from tests.bench.street import spool_for
from tests.support.pages import PagesSite, Visitor
from tests.support.site import listens, until

TURNS, WANTED_MS = 40, 200
TABLES = ("message", "document", "job", "letter", "history", "history")
OPERATOR = (
    "/",
    "/faxes",
    "/faxes?view=all",
    "/faxes?view=all&page=2000",
    "/faxes?view=delivered",
    "/faxes?view=failed",
    "/faxes?view=all&sender=alice@example.com",
    "/find?q=555-0100",
    "/find?q=nobody",
    "/received",
    "/notifications",
)
USER = ("/", "/faxes", "/faxes?view=all", "/received", "/send")


def filled(folder: Path, rows: int, spool: str) -> PagesSite:
    """A site with so many faxes that were delivered, in the spool of that URL."""
    site = PagesSite(folder)
    site.open()
    site.send("15555550100")
    until(lambda: site.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "its answer", site.log)
    site.stop(site.processes[-1])
    for table in TABLES:
        copies(spool_of(site), table, "1", rows)
    with closing(sqlite3.connect(spool_of(site))) as database, database:
        for table, column in (("job", "accepted_at"), ("message", "received_at")):
            database.execute(f"UPDATE {table} SET {column} = {column} - rowid * 86400.0 * 30 / {rows}")
        database.execute("UPDATE message SET sender = 'anna@example.com' WHERE rowid % 100 = 0")
    move_to(site, spool)
    site.start_installed()
    until(lambda: listens(site.pages_port), "the pages", site.log)
    return site


def asked(visitor: Visitor, path: str) -> dict[str, Any]:
    times = []
    for _ in range(TURNS + 1):
        began = time.perf_counter()
        answer = visitor.get(path)
        times.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, (path, answer.status_code)
    first, *others = times
    p95 = statistics.quantiles(others, n=20)[-1]
    return {"first_ms": round(first), "p50_ms": round(statistics.median(others)), "p95_ms": round(p95)}


def main() -> None:
    parser = argparse.ArgumentParser(description="How long pages take with a million faxes behind them.")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--quick", action="store_true", help="20,000 faxes")
    parser.add_argument("--rows", type=int, default=1_000_000, help="faxes (default: %(default)s)")
    parser.add_argument("--spool", choices=("sqlite", "postgresql"), default="sqlite")
    arguments = parser.parse_args()
    rows = 20_000 if arguments.quick else arguments.rows
    with tempfile.TemporaryDirectory(prefix="mailfax-bench-") as folder, spool_for(arguments.spool) as spool:
        site = filled(Path(folder), rows, spool)
        try:
            olga, anna = site.visitor("olga"), site.visitor("anna")
            [(fax,), *_] = site.rows("SELECT queue_id FROM job WHERE queue_id NOT LIKE '%/%'")
            figures = {f"operator {path}": asked(olga, path) for path in (*OPERATOR, f"/faxes/{fax}")}
            figures |= {f"user {path}": asked(anna, path) for path in USER}
        finally:
            site.close()
    told = {"rows": rows, "spool": arguments.spool, "wanted_ms": WANTED_MS, "pages": figures}
    if arguments.json:
        print(json.dumps(told, indent=2))
        return
    print(f"{rows:,} faxes; wanted: p95 of at most {WANTED_MS} ms")
    for page, each in figures.items():
        print(f"{page:<48} first {each['first_ms']:>5}  p50 {each['p50_ms']:>4}  p95 {each['p95_ms']:>4} ms")


if __name__ == "__main__":
    main()
