"""``mailfax serve`` for flow tests: the same service, which can be told to die at a named commit.

Usage: dying_serve.py CONFIG [before|after COMMIT | --roles ROLE,…]. At that commit the process kills itself as
``kill -9`` would: nothing is flushed, nobody is told. Waiting times between two questions are short, so that a test
need not wait.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from mailfax import service
from mailfax.config import load
from mailfax.offramp import fax_accounts
from mailfax.onramp import collect
from mailfax.postmaster import deliver, disk
from mailfax.rules import schedule
from mailfax.service import CommitHooks, run_until_signalled

deliver.LEASE = fax_accounts.LEASE = collect.LEASE = 3.0
schedule.TRACK_FIRST = 1.0
schedule.SUBMIT_FIRST = 1.0
schedule.LETTER_FIRST = 1.0
schedule.FETCH_FIRST = 0.5
schedule.TROUBLE_FIRST = 2.0
schedule.DOUBT_WAITS = (1.0, 2.0)
service.CERTIFICATE_SECONDS = 0.5
service.MEND_SECONDS = 0.5
disk.LOOK_EVERY = 0.5


def dying_at(commit: str):
    def hook(names: Sequence[str]) -> None:
        if commit in names:
            os.kill(os.getpid(), signal.SIGKILL)

    return hook


def main() -> int:
    config = load(Path(sys.argv[1]), os.environ)
    if sys.argv[2:3] == ["--roles"]:
        return run_until_signalled(config, verbose=True, roles=sys.argv[3].split(","))
    hooks = CommitHooks(**{sys.argv[2]: dying_at(sys.argv[3])}) if len(sys.argv) > 2 else None
    return run_until_signalled(config, verbose=True, hooks=hooks)


if __name__ == "__main__":
    sys.exit(main())
