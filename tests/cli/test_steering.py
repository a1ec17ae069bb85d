"""An operator's day, by commands alone: find a fax, see why it waits, hold, release, cancel and resend it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.bench.filling import copies, spool_of
from tests.support.site import Site, letter, until


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    here = Site(tmp_path)
    here.start_sandbox()
    try:
        here.start()
        del here.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"]  # no command here speaks to FaxCore
        yield here
    finally:
        here.close()


def order(site: Site, *command: str) -> subprocess.CompletedProcess[str]:
    ran = site.run(*command, "--config", str(site.config), patience=240.0)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def faxes(site: Site, *options: str) -> dict[str, dict[str, str]]:
    listing = json.loads(order(site, "queue", "--json", *options).stdout)
    return {fax["queue_id"]: fax for fax in listing["faxes"]}


def state(site: Site, queue_id: str) -> str:
    return str(site.rows("SELECT state FROM job WHERE queue_id = ?", queue_id)[0][0])


def test_an_outage_and_what_can_be_done_meanwhile(site: Site) -> None:
    site.control("faults", {"operation": "*", "action": "unauthorized", "count": None})
    held = site.send("15551230001", mail=letter(subject="Contract 7")) + "-1"
    until(lambda: site.rows("SELECT 1 FROM account WHERE paused_at > 0"), "the account to be paused", site.log)
    unwanted = site.send("15551230002", mail=letter(subject="Menu")) + "-1"
    until(lambda: state(site, unwanted) == "ready", "its pages", site.log)

    found = order(site, "find", "+1 (555) 123-0001")
    assert held in found.stdout and unwanted not in found.stdout
    queued = faxes(site)
    assert queued[unwanted]["sender"] == "alice@example.com" and queued[unwanted]["subject"] == "Menu"
    assert queued[unwanted]["reason"].startswith("account main paused since ")
    assert "user name and password" in queued[unwanted]["reason"]
    assert datetime.fromisoformat(queued[unwanted]["accepted_at"]).tzinfo is not None
    told = " ".join(order(site, "queue").stdout.split())
    assert f'{unwanted}: alice@example.com "Menu": account main paused since ' in told

    assert (
        order(site, "hold", held).stdout == f"{held}: held; it waits until it is released, and expires as any other\n"
    )
    assert order(site, "cancel", unwanted).returncode == 0
    assert state(site, unwanted) == "cancelled"
    assert set(faxes(site, "--state", "held")) == {held}
    assert set(faxes(site, "--to", "0002", "--all")) == {unwanted}
    assert faxes(site, "--since", "2099-01-01") == {} == faxes(site, "--sender", "@example.net")

    site.control("faults", method="DELETE")
    site.send("15551230003")
    until(lambda: len(site.faxes()) == 1, "the account to work again", site.log)
    assert state(site, held) == "held"
    assert order(site, "release", "--all").stdout == f"{held}: released\n"
    until(lambda: len(site.faxes()) == 2, "the released one", site.log)
    again = order(site, "resend", unwanted)
    assert again.stdout == f"{unwanted}: is sent again as {unwanted[:-1]}2\n"
    until(lambda: len(site.faxes()) == 3, "what is sent again", site.log)
    assert sorted(fax["number"] for fax in site.faxes()) == ["15551230001", "15551230002", "15551230003"]


def test_what_faxcore_has_can_not_be_taken_back_and_that_is_said(site: Site) -> None:
    """…0106 stays in FaxCore's queue for ever."""
    queue_id = site.send("15555550106") + "-1"
    until(lambda: state(site, queue_id) == "submitted", "submission", site.log)
    for verb in ("hold", "cancel"):
        told = order(site, verb, queue_id)
        assert told.returncode == 1 and "FaxCore has it" in told.stdout, told.stdout
    assert state(site, queue_id) == "submitted"
    assert faxes(site)[queue_id]["reason"].endswith("it is to be cancelled")


def test_what_is_not_there_and_what_is_not_said(site: Site) -> None:
    gone = order(site, "hold", "NOSUCHID42")
    assert (gone.returncode, gone.stdout) == (1, "NOSUCHID42: no message, fax or notification has this queue ID\n")
    nothing = order(site, "cancel")
    assert nothing.returncode == 1 and "say which" in nothing.stderr
    both = order(site, "cancel", "X", "--all")
    assert both.returncode == 1
    assert order(site, "find", "nothing like it").returncode == 1
    assert "write one of accepted" in order(site, "queue", "--state", "lost").stderr


def test_pages_of_the_queue_have_no_silent_end(site: Site) -> None:
    site.control("faults", {"operation": "*", "action": "unauthorized", "count": None})
    sent = [site.send(f"1555123{number:04d}") + "-1" for number in range(5)]
    seen: list[str] = []
    for page in ("1", "2", "3"):
        listed = order(site, "queue", "--limit", "2", "--page", page).stdout
        seen += [name for name in sent if f"{name}: " in listed]
        assert ("give --page" in listed) == (page != "3")
    assert sorted(seen) == sorted(sent)
    assert set(faxes(site)) == set(sent), "scripts get all of them"


@pytest.mark.timeout(400)
def test_paging_through_100_000_faxes_shows_each_of_them_once(site: Site) -> None:
    sent = site.send("15555550101")  # busy
    until(lambda: site.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "its answer", site.log)
    for table in ("message", "document", "job"):
        copies(spool_of(site), table, "1", 99_999)
    seen: list[str] = []
    for page in ("1", "2", "3", "4"):
        ran = order(site, "queue", "--all", "--json", "--limit", "30000", "--page", page)
        seen += [fax["queue_id"] for fax in json.loads(ran.stdout)["faxes"]]
    assert len(seen) == len(set(seen)) == 100_000 and f"{sent}-1" in seen


def test_a_failed_fax_is_sent_again_and_the_first_stays_what_it_was(site: Site) -> None:
    failed = site.send("15555550101", mail=letter(subject="Contract 7")) + "-1"
    site.answers(1)
    assert failed in order(site, "find", "Contract 7").stdout
    assert order(site, "resend", failed).returncode == 0
    outcomes = [mail["X-Fax-Outcome"] for mail in site.answers(2)]
    assert outcomes == ["failed", "failed"] and len(site.faxes()) == 2, "busy is busy"
    shown = order(site, "show", failed).stdout
    assert "sent again by a person" in shown, shown
