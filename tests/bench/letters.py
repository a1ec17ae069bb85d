"""Letters to the relay, measured beside Postfix: how fast each hands its full queue to the same mail server.

Usage: scripts/bench letters [--json] [--quick] [--letters N]. Both begin with so many mails of 4 KB that wait, on one
file system, and hand them to one Postfix with ``smtp-sink`` behind it, turn by turn. Counted is what that one took
on, from its first mail of a turn to its last. ``letters_ratio`` is of mails a second, mailfax to Postfix;
``connections`` is how many mailfax opened; ``doubled`` and ``lost`` are by Message-ID, and are to be 0.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mailfax.config import load
from mailfax.rules.job import Letter
from mailfax.spool import open_spool
from tests.bench.servers import version
from tests.support.ports import free_port
from tests.support.postfix import POSTFIX, SEARCHED, Postfix
from tests.support.site import PASSWORD, Site, listens, until

SIZE, PATIENCE = 4_000, 900.0
SENDER, RECIPIENT = "fax@example.com", "alice@example.org"


class Relay(Postfix):
    """The mail server that takes the letters of both, with a sink behind it."""

    def __init__(self, folder: Path, sink: int) -> None:
        super().__init__(folder, routes={"example.org": f"smtp:[127.0.0.1]:{sink}"})
        self._read, self._rest = 0, b""
        self.named: list[bytes] = []
        self.connections = 0

    def look(self) -> int:
        """How many mails it has taken on, by its log; what was read is not read again."""
        with (self.folder / "maillog").open("rb") as log:
            log.seek(self._read)
            new = log.read()
        self._read += len(new)
        *lines, self._rest = (self._rest + new).split(b"\n")
        self.named += [line.rpartition(b"message-id=")[2] for line in lines if b"message-id=" in line]
        self.connections += sum(b"smtpd[" in line and b": connect from" in line for line in lines)
        return len(self.named)


@contextmanager
def sink() -> Iterator[int]:
    """Postfix's own program that takes mail and forgets it."""
    port = free_port()
    command = ["smtp-sink", "-u", "postfix", f"127.0.0.1:{port}", "1000"]
    process = subprocess.Popen(command, env={"PATH": SEARCHED})
    try:
        until(lambda: listens(port), "smtp-sink")
        yield port
    finally:
        process.terminate()
        process.wait(10)


def timed(relay: Relay, letters: int, begin: Callable[[], None]) -> float:
    """Mails a second that the relay took on of a turn; it is at rest before and after."""
    before = relay.look()
    begin()
    deadline, first = time.monotonic() + PATIENCE, 0.0
    while (taken := relay.look() - before) < letters:
        if taken and not first:
            first, had = time.monotonic(), taken
        if time.monotonic() > deadline:
            raise SystemExit(f"only {taken} of {letters} mails in {PATIENCE:.0f} s\n{relay.log()[-2000:]}")
        time.sleep(0.02)
    rate = (taken - had) / (time.monotonic() - first)
    until(lambda: not relay.queue(), "the relay at rest", patience=PATIENCE)
    return rate


def from_postfix(folder: Path, relay: Relay, letters: int) -> float:
    """Postfix with so many mails on hold, released at once."""
    postfix = Postfix(folder, main={"relayhost": f"[127.0.0.1]:{relay.port}"})
    postfix.start()
    etc, environment = str(postfix.folder / "etc"), {"PATH": SEARCHED}
    try:
        subprocess.run(
            [
                *("smtp-source", "-s", "16", "-m", str(letters), "-l", str(SIZE)),
                *("-f", SENDER, "-t", RECIPIENT, f"inet:127.0.0.1:{postfix.port}"),
            ],
            check=True, timeout=PATIENCE, env=environment,
        )  # fmt: skip
        os.sync()

        def release() -> None:
            subprocess.run(["postsuper", "-c", etc, "-H", "ALL"], check=True, capture_output=True, env=environment)
            postfix.flush()

        rate = timed(relay, letters, release)
        postfix.until_empty()
        return rate
    finally:
        postfix.stop()


def from_mailfax(folder: Path, relay: Relay, letters: int) -> tuple[float, int]:
    """mailfax with so many letters in its outbox, started; and how many connections it opened."""
    site = Site(folder, relay=f'address = "127.0.0.1:{relay.port}"')
    try:
        asyncio.run(_fill(site, letters))
        os.sync()
        opened = relay.connections
        rate = timed(relay, letters, lambda: (site.start_installed(), None)[1])
        until(lambda: not site.rows("SELECT 1 FROM letter WHERE state <> 'handed-over' LIMIT 1"), "its commits")
        return rate, relay.connections - opened
    finally:
        site.close()


async def _fill(site: Site, letters: int) -> None:
    config = load(site.configure(), {"MAILFAX_ACCOUNT_MAIN_PASSWORD": PASSWORD})
    spool = await open_spool(config)
    try:
        for first in range(0, letters, 500):
            now = time.time()
            await spool.outbox.owe([_letter(number, now) for number in range(first, min(first + 500, letters))])
    finally:
        await spool.close()


def _letter(number: int, now: float) -> Letter:
    message_id = f"<{number}@fax.example.com>"
    top = f"From: {SENDER}\r\nTo: {RECIPIENT}\r\nSubject: Delivered\r\nMessage-ID: {message_id}\r\n\r\n".encode()
    line = b"x" * 76 + b"\r\n"
    content = top + line * ((SIZE - len(top)) // len(line))
    return Letter(
        letter_id=f"B{number:09d}", kind="delivered", about="", sender=SENDER, recipients=(RECIPIENT,),
        message_id=message_id, content=content, decided_at=now, next_attempt_at=now,
    )  # fmt: skip


def run(folder: Path, letters: int, turns: int, progress: Any) -> dict[str, Any]:
    rates: dict[str, list[float]] = {"mailfax": [], "postfix": []}
    connections = lost = doubled = 0
    (folder / "relay").mkdir()
    with sink() as port:
        relay = Relay(folder / "relay", port)
        relay.start()
        try:
            for turn in range(turns):
                ours = folder / f"mailfax-{turn}"
                ours.mkdir()
                before = len(relay.named)
                rate, opened = from_mailfax(ours, relay, letters)
                taken = [name for name in relay.named[before:] if re.match(rb"<[0-9]+@fax\.example\.com>", name)]
                lost, doubled = lost + letters - len(set(taken)), doubled + len(taken) - len(set(taken))
                connections = max(connections, opened)
                rates["mailfax"].append(rate)
                theirs = folder / f"postfix-{turn}"
                theirs.mkdir()
                rates["postfix"].append(from_postfix(theirs, relay, letters))
                print(f"turn {turn + 1}: " + ", ".join(f"{who} {of[-1]:.0f} /s" for who, of in rates.items()),
                      file=progress, flush=True)  # fmt: skip
        finally:
            relay.stop()
    mailfax, postfix = (statistics.median(of) for of in rates.values())
    return {
        "letters_ratio": round(mailfax / postfix, 2),
        "mailfax_per_second": round(mailfax),
        "postfix_per_second": round(postfix),
        "letters": letters,
        "turns": turns,
        "connections": connections,
        "lost": lost,
        "doubled": doubled,
        "machine": f"{os.cpu_count()} processors, Python {platform.python_version()}, Postfix {version()}",
    }


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/bench letters", description=__doc__.partition("\n")[0])
    parser.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    parser.add_argument("--quick", action="store_true", help="2,000 letters a turn, two turns")
    parser.add_argument("--letters", type=int, help="a turn (20,000)")
    parser.add_argument("--turns", type=int, help="how often each has its turn (1)")
    asked = parser.parse_args()
    if POSTFIX is None or shutil.which("smtp-sink", path=SEARCHED) is None:
        raise SystemExit("Needs postfix with smtp-sink and smtp-source; install the package postfix (3.7).")
    if os.geteuid() != 0:
        raise SystemExit("Needs root: Postfix starts as root only.")
    progress = sys.stderr if asked.json else sys.stdout
    folder = Path(tempfile.mkdtemp(prefix="mailfax-bench-"))
    try:
        folder.chmod(0o755)  # user postfix must be able to enter it
        letters, turns = asked.letters or (2_000 if asked.quick else 20_000), asked.turns or (2 if asked.quick else 1)
        report = run(folder, letters, turns, progress)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(json.dumps(report, indent=2) if asked.json else report)


if __name__ == "__main__":
    main()
