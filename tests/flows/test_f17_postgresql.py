"""Several bridges on one PostgreSQL database: they share the work, and what one leaves another finishes."""

from __future__ import annotations

import smtplib
import subprocess
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import documents
import pytest

from tests.support.site import Site, until

if TYPE_CHECKING:
    from tests.support.postgresql import Cluster

OFFICE = "office@example.com"
only_postgresql = pytest.mark.parametrize(
    "engine", [pytest.param("postgresql", marks=pytest.mark.needs("pg_ctl"))], indirect=True
)


def ready(site: Site, log: str) -> Callable[[], bool]:
    return lambda: "is ready" in site.log(log)


@only_postgresql
def test_whoever_lives_collects_what_the_dead_one_would_have(site: Site) -> None:
    """The account is one process's, until its lease has run out."""
    first = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.start_second()
    until(ready(site, "second.log"), "the second bridge", lambda: site.log("second.log"))
    first.kill()
    first.wait()
    site.drop_in(documents.tiff(1))
    [mail] = site.answers(1, OFFICE)
    assert mail["X-Fax-Outcome"] == "received"
    [(epoch,)] = site.rows("SELECT collecting_epoch FROM account WHERE name = 'main'")
    assert epoch == 2


@only_postgresql
def test_each_does_its_part_of_the_work(site: Site) -> None:
    """One takes mail, one faxes, one collects, one answers; each hears what the one before it has done."""
    parts = [site.start_part(role) for role in ("smtp", "offramp", "onramp", "postmaster")]
    for role in ("smtp", "offramp", "onramp", "postmaster"):
        until(ready(site, f"{role}.log"), role, lambda role=role: site.log(f"{role}.log"))
    logs = [f"{role}.log" for role in ("offramp", "onramp")]
    until(lambda: any("account-met" in site.log(log) for log in logs), "the account to be met", site.log)
    queue_id = site.send("15555550100")
    site.drop_in(documents.tiff(1))
    [mail], [received] = site.answers(1), site.answers(1, OFFICE)
    assert (mail["X-Fax-Outcome"], received["X-Fax-Outcome"]) == ("delivered", "received")
    said = {role: site.log(f"{role}.log") for role in ("smtp", "offramp", "onramp", "postmaster")}
    assert [role for role, log in said.items() if f"{queue_id}-1: submitting" in log] == ["offramp"]
    assert [role for role, log in said.items() if "listening: test" in log] == ["smtp"]
    assert [site.stop(part) for part in parts] == [0, 0, 0, 0]


def test_an_unknown_role_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    site = Site(tmp_path_factory.mktemp("site"))
    ran = site.run("serve", "--roles", "smtp,fax", "--config", str(site.configure()))
    assert ran.returncode == 1
    told = '"fax" is not a role; write some of smtp, offramp, onramp, postmaster, with commas between them'
    assert ran.stderr == f"mailfax serve: {told}\n"


@only_postgresql
def test_the_server_is_killed_and_comes_back(site: Site, cluster: Cluster) -> None:
    """What was answered 250 is faxed once and answered once; what was not, its client sends again."""
    site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    heard: list[str] = []
    numbers = [f"1555765{place:04}" for place in range(8)]
    for place, number in enumerate(numbers):
        if place == 3:
            cluster.kill()
        if place == 6:
            cluster.start()
        try:
            site.send(number)
            heard.append(number)
        except smtplib.SMTPResponseException as later:
            assert later.smtp_code in (451, 452), later
            assert 3 <= place < 7
        except smtplib.SMTPException as refused:
            assert 3 <= place < 7, refused
    assert {*numbers[:3], numbers[7]} <= set(heard)
    mails = site.answers(len(heard))
    assert {mail["X-Fax-Number"]: mail["X-Fax-Outcome"] for mail in mails} == dict.fromkeys(heard, "delivered")
    assert sorted(fax["number"] for fax in site.faxes()) == sorted(heard)
    alarms = site.mails("postmaster@example.com")
    assert all("disk" in mail["Subject"].lower() for mail in alarms)


@only_postgresql
def test_what_a_stopped_process_wakes_up_to_is_not_its_any_more(site: Site) -> None:
    """SIGSTOP in the middle of a POST, until its lease has run out: the other takes it for in doubt, and looks."""
    site.settings["timeout_seconds"] = 4
    first = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.send("15550001111")
    site.answers(1)
    site.control("quirks", {"reply_delay_seconds": 2})
    site.send("15555550124")
    until(lambda: site.rows("SELECT 1 FROM job WHERE state = 'submitting'"), "a POST", site.log)
    with suppress(ProcessLookupError):
        first.send_signal(subprocess.signal.SIGSTOP)  # type: ignore[attr-defined]
    site.start_second()
    mails = site.answers(2)
    first.send_signal(subprocess.signal.SIGCONT)  # type: ignore[attr-defined]
    assert {mail["X-Fax-Outcome"] for mail in mails} == {"delivered"}
    assert len(site.faxes()) == 2
    assert len(site.answers(2)) == 2
