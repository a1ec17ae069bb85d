"""``mailfax trace`` and ``top``: the life of a fax, and what is going on, as an operator reads it."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.support import documents
from tests.support.site import ROOT, Site, letter, until

LIFE = (
    "Accepted and stored",
    "Its pages are being made (attempt 1)",
    "Its pages are made",
    "Being handed over to FaxCore (attempt 1)",
    "FaxCore took it (fax id ",
    "Delivered: every page reached the other side",
    "The notification is written (delivered)",
    "The notification was taken (delivered)",
)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One message to two numbers, both delivered, and a received fax; the service still runs."""
    here = Site(tmp_path_factory.mktemp("trace"))
    here.start_sandbox()
    try:
        here.start()
        del here.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"]
        here.sent = here.send("15551230100", "15551230107", mail=letter(subject="Contract 7"))  # type: ignore[attr-defined]
        met = "SELECT 1 FROM account WHERE baseline_at > 0"
        until(lambda: here.rows(met), "the account to be met", here.log)
        here.drop_in(documents.pdf(1))
        until(lambda: len(here.rows("SELECT 1 FROM letter WHERE state = 'handed-over'")) >= 2, "answers", here.log)
        yield here
    finally:
        here.close()


def told(site: Site, *words: str) -> str:
    ran = site.run("trace", *words, "--config", str(site.config))
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_a_fax_is_told_from_the_client_to_the_answer(site: Site) -> None:
    queue_id = f"{site.sent}-1"  # type: ignore[attr-defined]
    shown = told(site, queue_id.lower())
    assert shown.startswith(f"Fax {queue_id} to 15551230100 through account main, 2 pages: delivered\n")
    assert 'From alice@example.com by 127.0.0.1, listener "test"\nSubject: Contract 7\nMessage-ID: <' in shown
    places = [shown.index(sentence) for sentence in LIFE]
    assert places == sorted(places), "in the order in which it happened"
    assert len(re.findall(r"^  +[\d: -]+ +(?:\+[\d.]+ s)?  \w", shown, re.MULTILINE)) >= len(LIFE)


@pytest.mark.parametrize("known", ["contract 7", "+1 (555) 123-01", "alice@example.com"])
def test_whatever_is_known_of_it_will_do(site: Site, known: str) -> None:
    assert re.findall(r"^Fax (\S+)", told(site, known), re.MULTILINE) == [f"{site.sent}-1", f"{site.sent}-2"]  # type: ignore[attr-defined]


def test_a_received_fax_has_a_life_too(site: Site) -> None:
    [(queue_id, fax_id)] = site.rows("SELECT queue_id, fax_id FROM inbound WHERE state = 'stored'")
    shown = told(site, str(fax_id))
    assert shown.startswith(f"Received fax {queue_id} from ") and f"FaxCore's ID: {fax_id}" in shown
    assert (
        shown.index("Seen at FaxCore") < shown.index("Fetched and stored") < shown.index("The notification was taken")
    )


def test_programs_read_the_same(site: Site) -> None:
    lives = json.loads(told(site, "contract 7", "--json"))["lives"]
    assert [life["queue_id"][-2:] for life in lives] == ["-1", "-2"]
    assert lives[0]["life"][0]["sentence"] == "Accepted and stored" and lives[0]["life"][0]["time"].endswith("+00:00")


def test_what_nobody_has_is_said(site: Site) -> None:
    ran = site.run("trace", "nothing like it", "--config", str(site.config))
    assert (ran.returncode, ran.stdout) == (1, "")
    assert 'no fax has "nothing like it" in a number' in ran.stderr


def test_top_shows_what_there_is_and_stops_by_itself_in_a_pipe(site: Site) -> None:
    ran = site.run("top", "--config", str(site.config))
    assert ran.returncode == 0, ran.stderr
    assert "faxes: 2 delivered" in ran.stdout and "received faxes: 1 stored" in ran.stdout
    assert "Nothing is waiting or under way." in ran.stdout


def test_top_goes_on_until_it_is_stopped(site: Site) -> None:
    """On a terminal, as people have it."""
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "mailfax", "top", "--every", "0.3", "--config", str(site.config)]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        stdin=theirs,
        stdout=theirs,
        env=os.environ | {"TERM": "xterm"},
        # What a shell starts in the background ignores Ctrl-C, and so does what that starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    shown = b""
    try:
        while b"a minute" not in shown:
            shown += os.read(ours, 65536)
    finally:
        process.send_signal(signal.SIGINT)
        os.close(theirs)
        with contextlib.suppress(OSError):  # nobody has the terminal any more: it has ended
            while os.read(ours, 65536):
                pass
        assert process.wait(timeout=30) == 130
        os.close(ours)
    assert b"2 delivered" in shown
