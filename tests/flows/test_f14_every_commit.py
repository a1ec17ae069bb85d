"""Killed at every commit that the spool knows, just before and just after it is durable: the same truth each time.

Each scene brings one commit about. The bridge dies before it, is started again and dies after it, and is started once
more: then every fax has been sent as often as it should be, and its sender has had one answer.
``test_f01_kill_points`` has the way of an ordinary mail with one death at a time.
"""

from __future__ import annotations

import email.policy
import smtplib
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import documents
import httpx
import pytest
from deaths import MOMENTS, command, dies, fault, known, well_again
from house import NUMBER, PASSWORD, SENDER, House, letter, until

from mailfax.spool.commits import COMMITS

OFFICE, POSTMASTER = "office@example.com", "postmaster@example.com"


def nothing(house: House) -> None:
    """Most scenes need nothing before and after."""


def damaged() -> EmailMessage:
    """A mail with a PDF of which the end is missing."""
    mail = letter()
    documents.attach(mail, "offer.pdf", "application/pdf", documents.pdf(2)[:-400])
    return mail


@dataclass(frozen=True)
class Scene:
    """One mail to one number. ``first`` is there before it, ``then`` happens before the last start."""

    number: str = "15555550100"
    outcome: str = "delivered"
    faxes: int = 1
    first: Callable[[House], object] = nothing
    then: Callable[[House], object] = nothing
    mail: Callable[[], EmailMessage] = letter
    meanwhile: str = ""  #: what a person orders when the mail is there
    settings: dict[str, Any] = field(default_factory=dict)
    answers: int = 1
    moments: tuple[str, ...] = MOMENTS


MAILS = {
    "heard": Scene("15557654321", first=known, moments=("before",)),
    "rendering": Scene(),
    "document-ready": Scene(),
    "document-impossible": Scene(outcome="failed", faxes=0, mail=damaged),
    "not-sent": Scene("15555550126", moments=("after",)),
    "due": Scene("15555550126"),
    "refused": Scene("15555550110", "failed", faxes=0, moments=("after",)),
    "no-answer": Scene("15555550120", moments=("after",)),
    "found": Scene("15555550120"),
    "completed": Scene(),
    "failed-there": Scene("15555550101", "failed"),
    "cancelled-there": Scene("15555550108", "cancelled"),
    "deadline": Scene("15555550106", "unconfirmed", settings={"deadline_seconds": 4}),
    "silent": Scene(
        "15555550106", "unconfirmed", answers=2, settings={"deadline_seconds": 15, "more": "delay_seconds = 2"}
    ),
    "noted": Scene(answers=2, first=fault("unavailable"), then=well_again, settings={"more": "delay_seconds = 2"}),
    "postponed": Scene("15555550106", "unconfirmed", settings={"deadline_seconds": 12}),
    "expired": Scene(
        outcome="failed", faxes=0, first=fault("unavailable"), settings={"more": "expire_seconds = 4"}
    ),
    "account-paused": Scene(first=lambda house: (known(house), fault("unauthorized")(house)), then=well_again),
    "account-resumed": Scene(first=fault("unauthorized", count=1)),
    "reference-returned": Scene(),
    "proven-absent": Scene("15557654321", first=lambda house: (known(house), fault("drop_before", count=1)(house))),
    "cancel": Scene(outcome="cancelled", faxes=0, first=fault("unavailable"), meanwhile="cancel"),
    "previewed": Scene("preview+15557650109", "preview", faxes=0),
}  # fmt: skip


@pytest.mark.parametrize("commit", MAILS)
def test_one_fax_and_one_answer(house: House, commit: str) -> None:
    scene = MAILS[commit]
    house.settings |= scene.settings
    scene.first(house)
    earlier, sent = len(house.mails()), False
    faxes = len(house.faxes())
    for moment in scene.moments:
        bridge = house.start(moment, commit)
        if not sent:
            queue_id = house.send(scene.number, mail=scene.mail())
            sent = True
            if scene.meanwhile:
                until(lambda: house.rows("SELECT 1 FROM job WHERE state = 'deferred'"), "the fax to wait", house.log)
                house.run(scene.meanwhile, queue_id, "--config", str(house.config))
        dies(house, bridge, f"{moment} {commit}")
    scene.then(house)
    house.start()
    mails = house.answers(earlier + scene.answers)
    outcomes = {mail["X-Fax-Outcome"] for mail in mails if mail["X-Fax-Number"] != "15550001111"}
    assert outcomes - {"delayed"} == {scene.outcome}
    assert len(house.faxes()) == faxes + scene.faxes


# --- what happens when a bridge starts and stops -------------------------------------------------------------


@pytest.mark.parametrize("commit", ["process-started", "account-lease", "baseline"])
def test_dead_at_the_start(house: House, commit: str) -> None:
    for moment in MOMENTS:
        dies(house, house.start(moment, commit), f"{moment} {commit}")
    bridge = house.start()
    house.send("15555550100")
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert house.stop(bridge) == 0


def test_dead_while_stopping(house: House) -> None:
    fault("unavailable")(house)
    queue_id = ""
    for moment in MOMENTS:
        bridge = house.start(moment, "process-ended")
        queue_id = queue_id or house.send("15555550100")
        assert house.stop(bridge) == -9
    well_again(house)
    house.start()
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(house.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_old_hours_are_forgotten(house: House, moment: str) -> None:
    house.settings["more"] = "faxes_per_day = 1"
    bridge = house.start()
    house.send("15555550100")
    house.answers(1)
    house.stop(bridge)
    house.change("UPDATE spent SET hour = 1")
    dies(house, house.start(moment, "swept"), f"{moment} swept")
    house.start()
    house.send("15555550100")
    house.answers(2)


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_twice_on_one_fax(house: House, moment: str) -> None:
    """The first death leaves a lease, the second comes when that has run out."""
    known(house)
    bridge = house.start("before", "id-given")
    house.send("15555550100")
    dies(house, bridge, "before id-given")
    dies(house, house.start(moment, "lease-expired"), f"{moment} lease-expired")
    house.start()
    assert [mail["X-Fax-Outcome"] for mail in house.answers(2)] == ["delivered", "delivered"]
    assert len(house.faxes()) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_twice_on_one_answer(house: House, moment: str) -> None:
    """A mail may come twice where the first death was after the relay's 250: then it is the same mail."""
    bridge = house.start("before", "letter-taken")
    house.send("15555550100")
    dies(house, bridge, "before letter-taken")
    dies(house, house.start(moment, "letter-lease-expired"), f"{moment} letter-lease-expired")
    house.start()
    assert len({mail["Message-ID"] for mail in house.answers(2)}) == 1
    assert len(house.faxes()) == 1


# --- mail that comes again, and quotas -----------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_a_mail_comes_again(house: House, moment: str) -> None:
    """Its 250 was not heard: our side dies after the commit; the copies change nothing."""
    mail = letter()
    for place in (("after", "accept"), (moment, "same-as")):
        bridge = house.start(*place)
        with suppress(OSError, ConnectionError, Exception):
            house.send("15555550100", mail=mail)
        dies(house, bridge, " ".join(place))
    house.start()
    house.send("15555550100", mail=mail)
    [answer] = house.answers(1)
    assert answer["X-Fax-Outcome"] == "delivered" and len(house.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_it_is_noted_that_a_client_is_gone(house: House, moment: str) -> None:
    known(house)  # it may die while the fax is on its way to FaxCore
    bridge = house.start(moment, "not-heard")
    mail = letter()
    client = smtplib.SMTP("127.0.0.1", house.smtp_port, timeout=60)
    client.ehlo()
    client.mail(SENDER)
    client.rcpt("15555550100@fax.local")
    client.docmd("DATA")
    client.send(mail.as_bytes(policy=email.policy.SMTP) + b".\r\n")
    until(lambda: house.rows("SELECT 1 FROM job"), "the mail to be stored", house.log)
    time.sleep(0.1)
    client.close()  # the 250 is unread: its system resets the connection
    dies(house, bridge, f"{moment} not-heard")
    house.start()
    house.send("15555550100", mail=mail)
    assert {answer["X-Fax-Outcome"] for answer in house.answers(2)} == {"delivered"} and len(house.faxes()) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_the_ceiling_is_told(house: House, moment: str) -> None:
    house.settings["more"] = "faxes_per_day = 1"
    bridge = house.start(moment, "ceiling-reached")
    house.send("15555550100")
    house.answers(1)
    for attempt in range(2):
        with suppress(OSError, Exception):
            house.send("15555550100")
        if not attempt:
            dies(house, bridge, f"{moment} ceiling-reached")
            house.start()
    [told] = house.answers(1, POSTMASTER)
    assert told["X-Fax-Outcome"] == "alarm"
    assert len(house.faxes()) == 1


# --- received faxes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commit", "action", "mails"),
    [
        ("inbound-listed", None, 1),
        ("inbound-fetched", None, 1),
        ("inbound-not-now", "unavailable", 1),
        ("inbound-given-up", "garbled_after", 1),
        ("inbound-gone", "gone", 0),
    ],
)
def test_a_received_fax(house: House, commit: str, action: str | None, mails: int) -> None:
    meeting = house.start()
    until(lambda: "account-met" in house.log(), "the account to be met", house.log)
    house.stop(meeting)
    [fax_id] = house.drop_in(documents.tiff(1))
    if action == "gone":
        # Listed and then deleted there by somebody else: the list still has it in the first round.
        dies(house, house.start("after", "inbound-listed"), "after inbound-listed")
        house.control(f"faxes/{fax_id}", method="DELETE")
    elif action:
        fault(action, "DownloadFax")(house)
    for moment in MOMENTS:
        dies(house, house.start(moment, commit), f"{moment} {commit}")
    well_again(house)
    if commit == "inbound-given-up":
        # It is tried again daily: the day has passed.
        house.change("UPDATE inbound SET next_attempt_at = 1")
    house.start()
    reported = commit in ("inbound-given-up", "inbound-gone")
    outcomes = {mail["X-Fax-Outcome"] for mail in house.answers(mails + reported, OFFICE)}
    assert outcomes == {*["received"] * mails, *["alarm"] * reported}
    told = house.mails(POSTMASTER)
    until(lambda: len(house.mails(POSTMASTER)) == reported, "reports", house.log)
    assert len(house.mails(OFFICE)) == mails + reported, told


# --- faxes of others, wrong clocks, damaged rows -------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_a_fax_of_others_is_noted(house: House, moment: str) -> None:
    """Somebody else faxes over the same account while one of ours is looked for."""
    meeting = house.start()
    until(lambda: "account-met" in house.log(), "the account to be met", house.log)
    house.stop(meeting)
    theirs = {"recpfax": "15557770000", "subject": "Theirs", "filename": "a.txt"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    send = f"{house.settings['base_url']}SendFax"
    httpx.post(send, params=theirs, content=b"Their fax.", headers=form, auth=(NUMBER, PASSWORD)).raise_for_status()
    bridge = house.start(moment, "foreign-noted")
    house.send("15555550120")
    dies(house, bridge, f"{moment} foreign-noted")
    house.start()
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(house.requests("SendFax")) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_moments_far_ahead_are_made_due(house: House, moment: str) -> None:
    waiting(house)
    house.change("UPDATE job SET submit_at = submit_at + 86400")
    well_again(house)
    dies(house, house.start(moment, "moments-mended"), f"{moment} moments-mended")
    house.start()
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(house.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", ["moved-aside", "damage-told"])
def test_dead_while_a_damaged_row_is_moved_aside(house: House, commit: str, moment: str) -> None:
    first = waiting(house)
    well_again(house)
    assert house.run("requeue", f"{first}-1", "--config", str(house.config)).returncode == 0
    house.change("UPDATE job SET notify = 'SOMETIMES'")
    dies(house, house.start(moment, commit), f"{moment} {commit}")
    house.start()
    house.send("15555550100")
    until(lambda: len(house.faxes()) == 1, "the other fax", house.log)
    outcomes = [mail["X-Fax-Outcome"] for mail in house.answers(2)]
    assert sorted(outcomes) == ["delivered", "unconfirmed"], "its sender hears, once"
    assert house.rows("SELECT damaged FROM job WHERE message = ?", first) == [(2,)]


def waiting(house: House) -> str:
    """A fax that FaxCore does not take now, and a bridge that has stopped; its queue ID."""
    fault("unavailable")(house)
    bridge = house.start()
    queue_id = house.send("15555550100")
    until(lambda: house.rows("SELECT 1 FROM job WHERE state = 'deferred'"), "the fax to wait", house.log)
    house.stop(bridge)
    return queue_id


# --- commands of a person ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("verb", "commit", "outcome", "faxes"),
    [
        ("hold", "hold", "delivered", 1),
        ("release", "release", "delivered", 1),
        ("cancel", "noted", "cancelled", 0),
    ],
)
def test_a_person_steers_a_fax_that_waits(house: House, verb: str, commit: str, outcome: str, faxes: int) -> None:
    queue_id = waiting(house) + "-1"
    if verb == "release":
        assert house.run("hold", queue_id, "--config", str(house.config)).returncode == 0
    for moment in MOMENTS:
        command(house, moment, commit, verb, queue_id)
    well_again(house)
    house.start()
    if verb == "hold":
        time.sleep(2)
        assert house.faxes() == [], "it is held"
        assert house.run("release", queue_id, "--config", str(house.config)).returncode == 0
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == outcome and len(house.faxes()) == faxes


@pytest.mark.parametrize(("verb", "commit"), [("release", "release-without-document"), ("requeue", "document-now")])
def test_a_person_steers_a_fax_without_pages(house: House, verb: str, commit: str) -> None:
    bridge = house.start("after", "accept")
    with suppress(OSError, Exception):
        house.send("15555550100")
    dies(house, bridge, "after accept")
    [(queue_id,)] = house.rows("SELECT queue_id FROM job")
    if verb == "release":
        assert house.run("hold", queue_id, "--config", str(house.config)).returncode == 0
    for moment in MOMENTS:
        command(house, moment, commit, verb, queue_id)
    house.start()
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(house.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_person_sends_a_failed_fax_again(house: House, moment: str) -> None:
    bridge = house.start()
    queue_id = house.send("15555550101") + "-1"
    house.answers(1)
    house.stop(bridge)
    command(house, moment, "resent", "resend", queue_id)
    house.start()
    assert len(house.answers(1 if moment == "before" else 2)) == len(house.faxes())


# --- what is rare --------------------------------------------------------------------------------------------


def test_an_id_that_is_learned_late(house: House) -> None:
    """…0129 is seen in the lists only after ten minutes; by then it was taken for absent, and waits again."""
    known(house)
    fault("hidden_after", count=1)(house)
    bridge = house.start("after", "late-id")
    house.send("15557654321")
    until(lambda: "in-doubt" in house.log(), "doubt", house.log)
    fault("unavailable")(house)
    until(lambda: ": deferred " in house.log(), "it to be taken for absent, and to wait", house.log)
    well_again(house)
    house.control("clock", {"advance_seconds": 660})
    fault("drop_after", count=1)(house)
    house.send("15557654322")  # while this one is looked for, the other is seen
    dies(house, bridge, "after late-id")
    well_again(house)
    house.start()
    assert {mail["X-Fax-Outcome"] for mail in house.answers(3)} == {"delivered"}
    assert len(house.faxes()) == 3


@pytest.mark.parametrize("moment", MOMENTS)
def test_pages_that_can_not_be_made_now(house: House, moment: str) -> None:
    """The folder for temporary files is gone: that says nothing against the mail."""
    temporary = house.folder / "temporary"
    temporary.mkdir()
    house.environment["TMPDIR"] = str(temporary)
    bridge = house.start(moment, "document-later")
    for folder in temporary.iterdir():
        folder.rename(house.folder / "gone")
    house.send("15555550100")
    dies(house, bridge, f"{moment} document-later")
    house.start()
    [mail] = house.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(house.faxes()) == 1


def test_every_commit_has_a_flow() -> None:
    """The table of commits, and where each is killed."""
    here = Path(__file__).parent
    flows = "".join(file.read_text() for file in here.glob("test_f*.py"))
    assert sorted(name for name in COMMITS if f'"{name}"' not in flows) == []
