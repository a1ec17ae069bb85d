"""An operator's day, by commands alone: find a fax, see why it waits, hold, release, cancel and resend it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from tests.bench.filling import copies, spool_of
from tests.support.house import House, letter, until


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    here = House(tmp_path)
    here.start_sandbox()
    try:
        here.start()
        del here.environment["MAILFAX_ACCOUNT_MAIN_PASSWORD"]  # no command here speaks to FaxCore
        yield here
    finally:
        here.close()


def order(house: House, *command: str) -> subprocess.CompletedProcess[str]:
    ran = house.run(*command, "--config", str(house.config), patience=240.0)
    assert "Traceback" not in ran.stderr, ran.stderr
    return ran


def faxes(house: House, *options: str) -> dict[str, dict[str, str]]:
    listing = json.loads(order(house, "queue", "--json", *options).stdout)
    return {fax["queue_id"]: fax for fax in listing["faxes"]}


def state(house: House, queue_id: str) -> str:
    return str(house.rows("SELECT state FROM job WHERE queue_id = ?", queue_id)[0][0])


def test_an_outage_and_what_can_be_done_meanwhile(house: House) -> None:
    house.control("faults", {"operation": "*", "action": "unauthorized", "count": None})
    held = house.send("15551230001", mail=letter(subject="Contract 7")) + "-1"
    until(lambda: house.rows("SELECT 1 FROM account WHERE paused_at > 0"), "the account to be paused", house.log)
    unwanted = house.send("15551230002", mail=letter(subject="Menu")) + "-1"
    until(lambda: state(house, unwanted) == "ready", "its pages", house.log)

    found = order(house, "find", "+1 (555) 123-0001")
    assert held in found.stdout and unwanted not in found.stdout
    queued = faxes(house)
    assert queued[unwanted]["sender"] == "alice@example.com" and queued[unwanted]["subject"] == "Menu"
    assert queued[unwanted]["reason"].startswith("account main paused since ")
    assert "user name and password" in queued[unwanted]["reason"]
    assert datetime.fromisoformat(queued[unwanted]["accepted_at"]).tzinfo is not None
    told = " ".join(order(house, "queue").stdout.split())
    assert f'{unwanted}: alice@example.com "Menu": account main paused since ' in told

    assert (
        order(house, "hold", held).stdout
        == f"{held}: held; it waits until it is released, and expires as any other\n"
    )
    assert order(house, "cancel", unwanted).returncode == 0
    assert state(house, unwanted) == "cancelled"
    assert set(faxes(house, "--state", "held")) == {held}
    assert set(faxes(house, "--to", "0002", "--all")) == {unwanted}
    assert faxes(house, "--since", "2099-01-01") == {} == faxes(house, "--sender", "@example.net")

    house.control("faults", method="DELETE")
    house.send("15551230003")
    until(lambda: len(house.faxes()) == 1, "the account to work again", house.log)
    assert state(house, held) == "held"
    assert order(house, "release", "--all").stdout == f"{held}: released\n"
    until(lambda: len(house.faxes()) == 2, "the released one", house.log)
    again = order(house, "resend", unwanted)
    assert again.stdout == f"{unwanted}: is sent again as {unwanted[:-1]}2\n"
    until(lambda: len(house.faxes()) == 3, "what is sent again", house.log)
    assert sorted(fax["number"] for fax in house.faxes()) == ["15551230001", "15551230002", "15551230003"]


def test_what_faxcore_has_can_not_be_taken_back_and_that_is_said(house: House) -> None:
    """…0106 stays in FaxCore's queue for ever."""
    queue_id = house.send("15555550106") + "-1"
    until(lambda: state(house, queue_id) == "submitted", "submission", house.log)
    for verb in ("hold", "cancel"):
        told = order(house, verb, queue_id)
        assert told.returncode == 1 and "FaxCore has it" in told.stdout, told.stdout
    assert state(house, queue_id) == "submitted"
    assert faxes(house)[queue_id]["reason"].endswith("it is to be cancelled")


def test_what_is_not_there_and_what_is_not_said(house: House) -> None:
    gone = order(house, "hold", "NOSUCHID42")
    assert (gone.returncode, gone.stdout) == (1, "NOSUCHID42: no mail, fax or letter has this queue ID\n")
    nothing = order(house, "cancel")
    assert nothing.returncode == 1 and "say which" in nothing.stderr
    both = order(house, "cancel", "X", "--all")
    assert both.returncode == 1
    assert order(house, "find", "nothing like it").returncode == 1
    assert "write one of accepted" in order(house, "queue", "--state", "lost").stderr


def test_pages_of_the_queue_have_no_silent_end(house: House) -> None:
    house.control("faults", {"operation": "*", "action": "unauthorized", "count": None})
    sent = [house.send(f"1555123{number:04d}") + "-1" for number in range(5)]
    seen: list[str] = []
    for page in ("1", "2", "3"):
        listed = order(house, "queue", "--limit", "2", "--page", page).stdout
        seen += [name for name in sent if f"{name}: " in listed]
        assert ("give --page" in listed) == (page != "3")
    assert sorted(seen) == sorted(sent)
    assert set(faxes(house)) == set(sent), "scripts get all of them"


@pytest.mark.timeout(400)
def test_paging_through_100_000_faxes_shows_each_of_them_once(house: House) -> None:
    sent = house.send("15555550101")  # busy
    until(lambda: house.rows("SELECT 1 FROM letter WHERE state = 'handed-over'"), "its answer", house.log)
    for table in ("message", "document", "job"):
        copies(spool_of(house), table, "1", 99_999)
    seen: list[str] = []
    for page in ("1", "2", "3", "4"):
        ran = order(house, "queue", "--all", "--json", "--limit", "30000", "--page", page)
        seen += [fax["queue_id"] for fax in json.loads(ran.stdout)["faxes"]]
    assert len(seen) == len(set(seen)) == 100_000 and f"{sent}-1" in seen


def test_a_failed_fax_is_sent_again_and_the_first_stays_what_it_was(house: House) -> None:
    failed = house.send("15555550101", mail=letter(subject="Contract 7")) + "-1"
    house.answers(1)
    assert failed in order(house, "find", "Contract 7").stdout
    assert order(house, "resend", failed).returncode == 0
    outcomes = [mail["X-Fax-Outcome"] for mail in house.answers(2)]
    assert outcomes == ["failed", "failed"] and len(house.faxes()) == 2, "busy is busy"
    shown = order(house, "show", failed).stdout
    assert "sent again by a person" in shown, shown
