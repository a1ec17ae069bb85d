"""What mailfax does when something is wrong around it, or when much lies in its spool: one figure each.

Usage: scripts/faults [--json] [ROW …]; without rows all, in about eight minutes. Every row is a bridge, a sandbox and
a spool of its own on loopback, bounded in time, and says what it found beside what it should be.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import random
import signal
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PIL import Image

from tests.bench.filling import copies, opened, spool_of
from tests.support import documents
from tests.support.ports import free_port
from tests.support.site import Site, letter, until
from tests.support.smarthost import OK, REJECTED, smarthost

POSTMASTER = "postmaster@example.com"
LIMITS = "messages_per_minute = 0\nfaxes_per_day = 0\nfaxes_per_number = 0\nrecipients = 1000\n"
#: Ends "completed" at once; stays in FaxCore's queue for ever.
QUICK, FOR_EVER = "15555550100", "15555550106"


@dataclass(frozen=True)
class Row:
    """What is done, what should come of it, and the function that does it and tells what came of it."""

    what: str
    aim: str
    measure: Callable[[Site], dict[str, Any]]


# --- the relay, the fax service, the clock -------------------------------------------------------------------


def relay_550(site: Site) -> dict[str, Any]:
    port = free_port()
    site.settings["relay"] = f'address = "127.0.0.1:{port}"'
    with smarthost(port) as relay:
        relay.reply = REJECTED
        site.start_installed()
        for sender in range(5):
            site.send(QUICK, sender=f"user{sender}@example.com")
        site.drop_in(documents.pdf(1))
        until(lambda: "relay-paused" in site.log(), "the trouble to be seen", site.log)
        time.sleep(25)
        relay.reply = OK
        people = {f"user{sender}@example.com" for sender in range(5)} | {"office@example.com", POSTMASTER}
        with contextlib.suppress(AssertionError):
            until(lambda: {to for mail in relay.taken for to in mail.rcpt_tos} == people, "all", patience=330)
    heard = [mail.rcpt_tos[0] for mail in relay.taken]
    return {
        "lost": len(people - set(heard)),
        "doubled": len(heard) - len(set(heard)),
        "postmaster_heard": heard.count(POSTMASTER),
    }


def connections_closed(site: Site) -> dict[str, Any]:
    site.start_installed()
    site.control("faults", {"operation": "SendFax", "action": "drop_before", "count": None})
    for mail in range(10):
        site.send(*(f"1555{mail:03d}{number:04d}" for number in range(2000, 2200)))
    time.sleep(25)
    [(doubted,)] = site.rows("SELECT count(*) FROM job WHERE state = 'in-doubt'")
    [(paused,)] = site.rows("SELECT count(*) FROM account WHERE paused_at > 0")
    return {
        "faxes": 2000,
        "in_doubt": doubted,
        "account_paused": bool(paused),
        "alarms": len(site.mails(POSTMASTER)),
    }


def clock_a_day_ahead(site: Site) -> dict[str, Any]:
    clock = site.folder / "clock"
    clock.write_text("0")
    site.environment["CLOCK_FILE"] = str(clock)
    site.start_with(Path(documents.__file__).with_name("wrong_clock.py"))
    senders = [f"user{number}@example.com" for number in range(14)]
    for sender in senders[:5]:
        site.send(QUICK, sender=sender)
    clock.write_text("86400")
    for sender in senders[5:]:
        site.send(QUICK, sender=sender)
        time.sleep(4)
    clock.write_text("0")
    began = time.monotonic()
    with contextlib.suppress(AssertionError):
        until(lambda: all(site.mails(sender) for sender in senders), "all", patience=120)
    silent = [sender for sender in senders if not site.mails(sender)]
    return {"senders": 14, "silent": len(silent), "seconds_to_the_last": round(time.monotonic() - began, 1)}


# --- somebody else's load ------------------------------------------------------------------------------------


def slow_pictures(site: Site) -> dict[str, Any]:
    site.settings["render_seconds"] = 120
    site.start_installed()
    noise = Image.effect_noise((6000, 6000), 90).convert("RGB")
    file = io.BytesIO()
    noise.save(file, "JPEG", quality=20)  # three of them are a mail of 40 MB
    for _ in range(4):
        mail = letter()
        for page in range(3):
            documents.attach(mail, f"{page}.jpg", "image/jpeg", file.getvalue())
        site.send(QUICK, mail=mail, sender="pictures@example.com")
    names = []
    for number in range(40):
        names.append(site.send(QUICK, mail=letter(text=f"Line {number}."), sender="lines@example.com"))
        time.sleep(0.25)
    until(lambda: len(site.mails("lines@example.com")) >= 40, "the lines", site.log)
    took = site.rows(
        "SELECT submitting_at - accepted_at FROM job JOIN message ON message.queue_id = job.message "
        "WHERE sender = 'lines@example.com'"
    )
    waits = sorted(seconds for (seconds,) in took)
    return {"p50_s": round(statistics.median(waits), 2), "worst_s": round(waits[-1], 2)}


def ten_thousand_submitted(site: Site) -> dict[str, Any]:
    bridge = site.start_installed()
    empty, empty_intake = _to_sendfax(site), _intake(site)
    site.send(FOR_EVER)
    until(lambda: site.rows(f"SELECT 1 FROM job WHERE number = '{FOR_EVER}' AND state = 'submitted'"), "it", site.log)
    site.stop(bridge)
    copies(spool_of(site), "job", f"number = '{FOR_EVER}'", 10_000)
    bridge = site.start_installed()
    time.sleep(20)  # the first round of questions
    before, began = _processor(bridge.pid), time.monotonic()
    time.sleep(20)
    at_rest = (_processor(bridge.pid) - before) / (time.monotonic() - began)
    return {
        "core_at_rest": round(at_rest, 2),
        "to_sendfax_ratio": round(_to_sendfax(site) / empty, 2),
        "intake_ratio": round(_intake(site) / empty_intake, 2),
    }


def _to_sendfax(site: Site) -> float:
    """Seconds from 250 to SendFax, the median of 15 mails one after the other."""
    waits = []
    for _ in range(15):
        name = site.send(QUICK) + "-1"
        until(lambda name=name: site.rows("SELECT 1 FROM job WHERE queue_id = ? AND submitted_at > 0", name), "it")
        waits += site.rows("SELECT submitting_at - accepted_at FROM job WHERE queue_id = ?", name)
    return statistics.median(seconds for (seconds,) in waits)


def _intake(site: Site) -> float:
    """Mails taken in a second, over one connection each, 100 of them; they are held by a number that is refused."""
    began = time.monotonic()
    for _ in range(100):
        site.send("15555550110")
    return 100 / (time.monotonic() - began)


def _processor(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(ticks) for ticks in fields[11:13]) / os.sysconf("SC_CLK_TCK")


# --- a spool that is full ------------------------------------------------------------------------------------


def stale_documents(site: Site) -> dict[str, Any]:
    """5,000 documents whose jobs have ended, beside 5,000 jobs that wait for theirs: one claim."""
    site.start_installed()
    site.control("faults", {"operation": "*", "action": "unauthorized", "count": None})
    site.send(QUICK)
    until(lambda: site.rows("SELECT 1 FROM job WHERE state = 'ready'"), "its pages", site.log)
    site.close()
    with opened(spool_of(site)) as database:
        database.execute("UPDATE document SET state = 'pending', next_attempt_at = 1, lease_until = 0")
        database.execute("UPDATE job SET state = 'accepted'")
    for table in ("message", "document", "job"):
        copies(spool_of(site), table, "1", 10_000)
    with opened(spool_of(site)) as database:
        database.execute("UPDATE job SET state = 'cancelled' WHERE rowid % 2 = 0")
    return {"claim_ms": round(1000 * _claims(site, 50), 2)}


def _claims(site: Site, number: int) -> float:
    """Seconds of one claim of a document, the median."""
    import asyncio

    from mailfax.spool import Spool

    async def run() -> float:
        spool = await Spool.open(f"sqlite:///{site.folder / 'spool.db'}", site.folder)
        took = []
        try:
            for _ in range(number):
                began = time.perf_counter()
                assert await spool.documents.claim(60)
                took.append(time.perf_counter() - began)
        finally:
            await spool.close()
        return statistics.median(took)

    return asyncio.run(run())


def a_long_queue(site: Site) -> dict[str, Any]:
    """100,000 jobs that ended or wait: pages of the queue, a search, and the first page of everything."""
    bridge = site.start_installed()
    site.send(QUICK)
    until(lambda: site.mails(), "its answer", site.log)
    site.stop(bridge)
    for table in ("message", "document", "job"):
        copies(spool_of(site), table, "1", 100_000)

    def seconds(*command: str) -> float:
        began = time.monotonic()
        ran = site.run(*command, "--config", str(site.config))
        assert ran.returncode in (0, 1), ran.stderr
        return round(time.monotonic() - began, 2)

    return {
        "empty_page_s": seconds("queue", "--state", "held"),
        "first_page_s": seconds("queue", "--all"),
        "page_900_s": seconds("queue", "--all", "--page", "900"),
        "find_number_s": seconds("find", QUICK),
        "find_nothing_s": seconds("find", "nothing like it"),
    }


# --- being killed --------------------------------------------------------------------------------------------


def kills(site: Site) -> dict[str, Any]:
    """Killed twenty times at random moments while the service answers badly now and then."""
    chance = random.Random(20)
    known = site.start()
    site.send("15550001111")
    site.answers(1)
    site.stop(known)
    for operation, action in (("SendFax", "drop_after"), ("SendFax", "error_after"), ("*", "unavailable")):
        rule = {"operation": operation, "action": action, "count": None, "probability": 0.1, "seed": 7}
        site.control("faults", rule)
    accepted = []
    for number in range(20):
        bridge = site.start()
        for mail in range(3):
            with contextlib.suppress(OSError, Exception):
                site.send(f"1555777{number:02d}{mail:02d}")
                accepted.append(f"1555777{number:02d}{mail:02d}")
        time.sleep(chance.uniform(0, 3))
        bridge.send_signal(signal.SIGKILL)
        bridge.wait()
    site.control("faults", method="DELETE")
    site.start()
    until(lambda: not site.rows("SELECT 1 FROM job WHERE ended_at = 0"), "all to end", site.log, 300)
    until(lambda: not site.rows("SELECT 1 FROM report"), "all reports", site.log)
    until(lambda: not site.rows("SELECT 1 FROM letter WHERE state != 'handed-over'"), "all letters", site.log)
    faxed = [fax["number"] for fax in site.faxes()]
    told = {mail["Message-ID"]: mail["X-Fax-Number"] for mail in site.mails()}
    return {
        "accepted": len(accepted),
        "not_faxed": len(set(accepted) - set(faxed)),
        "faxed_twice": len(faxed) - len(set(faxed)),
        "silent": len(set(accepted) - set(told.values())),
    }


ROWS = {
    "relay-550": Row("the relay refuses everything for 25 s", "0 lost", relay_550),
    "connections-closed": Row(
        "FaxCore closes every connection for 25 s", "at most 10 in doubt, paused, one alarm", connections_closed
    ),
    "clock": Row("the clock is a day ahead for 40 s", "all told within a minute", clock_a_day_ahead),
    "slow-pictures": Row("four slow mails of another sender", "99 of 100 lines within 5 s", slow_pictures),
    "submitted": Row("10,000 faxes at FaxCore", "at most 1.3 x of empty", ten_thousand_submitted),
    "stale-documents": Row("5,000 documents that nobody needs", "a claim in 2 ms", stale_documents),
    "queue": Row("100,000 faxes in the spool", "a page in 0.3 s beyond the start of Python", a_long_queue),
    "kills": Row("20 kills while the service fails", "none lost, doubled or silent", kills),
}


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/faults", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("rows", nargs="*", metavar="ROW", help=f"of {', '.join(ROWS)}")
    asked = parser.parse_args()
    if unknown := set(asked.rows) - set(ROWS):
        parser.error(f"no such row: {', '.join(sorted(unknown))}")
    results = {}
    for name in asked.rows or ROWS:
        row = ROWS[name]
        with tempfile.TemporaryDirectory(prefix="mailfax-faults-") as folder:
            site = Site(Path(folder), more=LIMITS)
            try:
                site.start_sandbox()
                results[name] = row.measure(site)
            finally:
                site.close()
        told = ", ".join(f"{key} {value}" for key, value in results[name].items())
        print(
            f"{name}: {row.what}: {told} (to be: {row.aim})",
            file=sys.stderr if asked.json else sys.stdout,
            flush=True,
        )
    if asked.json:
        print(json.dumps(results, indent=2))


if __name__ == "__main__":
    main()
