"""Received faxes, measured: how long from "ended at the fax service" to "handed over", what is asked of the service
when nothing is new, and what is left of 1,000 faxes after a storm.

Usage: scripts/bench inbound [--json] [--quick] [--accounts N] [--seed N]. The sandbox shares the machine.
``p95_s``: from the sandbox's answer that the fax is there to the mail's file in its Maildir, faxes coming in at
random moments for random ones of 200 accounts in one process; ``bound_s``: one polling interval and two seconds.
``calls_idle``: calls of an account in a round in which nothing is new, at most. ``storm``: 1,000 faxes on 20 accounts
while the relay fails at random, DownloadFax answers in each form of A10 and with errors, and the process is killed
(tests/support/inbound_storm.py): ``lost`` and ``doubled`` are to be 0.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import random
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from tests.support import documents
from tests.support.inbound_storm import storm
from tests.support.many_accounts import many, username
from tests.support.site import Site, until

POLL_SECONDS = 10.0
#: Of all accounts together: 7,200 an hour.
FAXES_PER_SECOND = 2.0


def latency(folder: Path, accounts: int, faxes: int) -> dict[str, Any]:
    """Figures of one run with nothing else to do."""
    site, chance = many(folder, accounts, POLL_SECONDS), random.Random(7)
    try:
        site.start_installed()
        until(lambda: site.log().count("account-met") > accounts, "all accounts to be met", site.log, 300)
        ended = {}
        file = documents.tiff(2)
        for number in range(faxes):
            account, caller = chance.randrange(accounts), f"15559{number:06d}"
            site.drop_in(file, caller=caller, account=username(account))
            ended[caller] = time.time()
            time.sleep(chance.uniform(0.0, 2.0 / FAXES_PER_SECOND))
        until(lambda: len(_handed_over(site)) == faxes, f"{faxes} mails", lambda: site.log()[-3000:], 120)
        waits = sorted(at - ended[caller] for caller, at in _handed_over(site).items())
        calls = _idle(site, rounds=3)
    finally:
        site.close()
    return {
        "accounts": accounts,
        "faxes": faxes,
        "faxes_per_second": FAXES_PER_SECOND,
        "poll_seconds": POLL_SECONDS,
        "p50_s": round(statistics.median(waits), 2),
        "p95_s": round(statistics.quantiles(waits, n=20)[-1], 2),
        "most_s": round(waits[-1], 2),
        "bound_s": POLL_SECONDS + 2,
        **calls,
    }


def _handed_over(site: Site) -> dict[str, float]:
    """Caller to the moment at which its mail was in its Maildir."""
    found = {}
    for path in (site.folder / "mail").glob("branch*@example.com/new/*"):
        head = path.read_bytes().partition(b"\n\n")[0].decode("ascii", "replace")
        if "X-Fax-Number: " in head:
            found[head.partition("X-Fax-Number: ")[2].split("\n")[0]] = path.stat().st_mtime
    return found


def _idle(site: Site, rounds: int) -> dict[str, Any]:
    """What is asked of the service while nothing is new."""
    site.control("requests", method="DELETE")
    time.sleep(rounds * POLL_SECONDS)
    heard = site.control("requests")
    by_account = Counter(request["account"] for request in heard)
    first = username(0)[:6]
    most = max((calls for account, calls in by_account.items() if account.startswith(first)), default=0)
    return {
        # A round is up to a tenth shorter or longer, so that one more may begin within the time.
        "calls_idle": round(most / (rounds + 1), 2),
        "kinds_idle": sorted({request["operation"] for request in heard}),
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench inbound", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--quick", action="store_true", help="fewer accounts and faxes")
    parser.add_argument("--accounts", type=int, help="of the first part (200)")
    parser.add_argument("--seed", type=int, default=7, help="of the storm (7)")
    asked = parser.parse_args()
    accounts = asked.accounts or (40 if asked.quick else 200)
    faxes, on, kills, poison = (100, 5, 8, 4) if asked.quick else (1000, 20, 40, 20)
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        for part in ("calm", "storm"):
            (Path(folder) / part).mkdir()
        measured = latency(Path(folder) / "calm", accounts, 60 if asked.quick else 300)
        counted = storm(
            Path(folder) / "storm", asked.seed, faxes=faxes, accounts=on, kills=kills, poison=poison, patience=900
        )
    result = {
        **measured,
        "in_time": measured["p95_s"] < measured["bound_s"],
        "storm": {
            "faxes": faxes,
            "accounts": on,
            "kills": kills,
            "lost": len(counted.lost),
            "doubled": len(counted.doubled),
            "in_wrong_box": len(counted.wrong_box),
            "with_wrong_pages": len(counted.wrong_pages),
            "out_of_order": len(counted.out_of_order),
            "unreadable": poison,
            "unreadable_that_were_reported": counted.reported["postmaster@example.com"],
            "answers_of_the_relay": dict(counted.relay),
            "copies_with_the_same_message_id": counted.copies,
            "seconds": round(counted.seconds),
        },
        "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}",
    }
    print(json.dumps(result, indent=2) if asked.json else result)


if __name__ == "__main__":
    main()
