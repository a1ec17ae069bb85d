"""Killed at every commit that the spool knows, just before and just after it is durable: the same truth each time.

Each scene brings one commit about. The bridge dies before it, is started again and dies after it, and is started once
more: then every fax has been sent as often as it should be, and its sender has had one answer.
``test_f01_kill_points`` has the way of an ordinary mail with one death at a time.
"""

from __future__ import annotations

import email.policy
import json
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

from mailfax.spool.commits import COMMITS
from tests.support.site import NUMBER, PASSWORD, SENDER, Site, letter, until

OFFICE, POSTMASTER = "office@example.com", "postmaster@example.com"


def nothing(site: Site) -> None:
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
    first: Callable[[Site], object] = nothing
    then: Callable[[Site], object] = nothing
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
    "account-paused": Scene(first=lambda site: (known(site), fault("unauthorized")(site)), then=well_again),
    "account-resumed": Scene(first=fault("unauthorized", count=1)),
    "reference-returned": Scene(),
    "proven-absent": Scene("15557654321", first=lambda site: (known(site), fault("drop_before", count=1)(site))),
    "cancel": Scene(outcome="cancelled", faxes=0, first=fault("unavailable"), meanwhile="cancel"),
    "previewed": Scene("preview+15557650109", "preview", faxes=0),
}  # fmt: skip


@pytest.mark.parametrize("commit", MAILS)
def test_one_fax_and_one_answer(site: Site, commit: str) -> None:
    scene = MAILS[commit]
    site.settings |= scene.settings
    scene.first(site)
    earlier, sent = len(site.mails()), False
    faxes = len(site.faxes())
    for moment in scene.moments:
        bridge = site.start(moment, commit)
        if not sent:
            queue_id = site.send(scene.number, mail=scene.mail())
            sent = True
            if scene.meanwhile:
                until(lambda: site.rows("SELECT 1 FROM job WHERE state = 'deferred'"), "the fax to wait", site.log)
                site.run(scene.meanwhile, queue_id, "--config", str(site.config))
        dies(site, bridge, f"{moment} {commit}")
    scene.then(site)
    site.start()
    mails = site.answers(earlier + scene.answers)
    outcomes = {mail["X-Fax-Outcome"] for mail in mails if mail["X-Fax-Number"] != "15550001111"}
    assert outcomes - {"delayed"} == {scene.outcome}
    assert len(site.faxes()) == faxes + scene.faxes


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", ["reported", "completed", "failed-there"])
def test_one_report_for_all_recipients(site: Site, commit: str, moment: str) -> None:
    """…0101 fails, …0100 is delivered: whatever dies meanwhile, one notification tells of both, once."""
    bridge = site.start(moment, commit)
    queue_id = site.send("15555550100", "15555550101", "+1-555-555-0101", mail=letter())
    dies(site, bridge, f"{moment} {commit}")
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "mixed" and mail["X-Fax-Queue-ID"] == queue_id
    assert sorted(result.split("; ")[1:] for result in mail.get_all("X-Fax-Result")) == [
        ["15555550100", "delivered"],
        ["15555550101", "failed"],
    ]
    [machine] = [part for part in mail.walk() if part.get_content_type() == "message/delivery-status"]
    assert [block["Final-Recipient"] for block in machine.get_payload()[1:]] == [
        "rfc822; 15555550101@fax.local",
        "rfc822; +1-555-555-0101@fax.local",
    ]
    assert len(site.faxes()) == 2 and site.rows("SELECT 1 FROM report") == []


# --- what happens when a bridge starts and stops -------------------------------------------------------------


@pytest.mark.parametrize("commit", ["process-started", "account-lease", "baseline"])
def test_dead_at_the_start(site: Site, commit: str) -> None:
    for moment in MOMENTS:
        dies(site, site.start(moment, commit), f"{moment} {commit}")
    bridge = site.start()
    site.send("15555550100")
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert site.stop(bridge) == 0


def test_dead_while_stopping(site: Site) -> None:
    fault("unavailable")(site)
    queue_id = ""
    for moment in MOMENTS:
        bridge = site.start(moment, "process-ended")
        queue_id = queue_id or site.send("15555550100")
        assert site.stop(bridge) == -9
    well_again(site)
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(site.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_old_hours_are_forgotten(site: Site, moment: str) -> None:
    site.settings["more"] = "faxes_per_day = 1"
    bridge = site.start()
    site.send("15555550100")
    site.answers(1)
    site.stop(bridge)
    site.change("UPDATE spent SET hour = 1")
    dies(site, site.start(moment, "swept"), f"{moment} swept")
    site.start()
    site.send("15555550100")
    site.answers(2)


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_the_history_is_sealed(site: Site, moment: str) -> None:
    bridge = site.start()
    site.send("15555550100")
    site.answers(1)
    site.stop(bridge)
    dies(site, site.start(moment, "sealed"), f"{moment} sealed")
    bridge = site.start()
    until(lambda: site.rows("SELECT 1 FROM seal"), "the seal", site.log)
    verified = site.run("verify", "--json", "--config", str(site.config))
    assert verified.returncode == 0 and json.loads(verified.stdout)["seals"] >= 1, verified
    site.stop(bridge)
    site.change("UPDATE history SET detail = 'nobody' WHERE seq = 2")
    verified = site.run("verify", "--config", str(site.config))
    assert verified.returncode == 1 and verified.stdout.startswith("line 2 ("), verified


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_twice_on_one_fax(site: Site, moment: str) -> None:
    """The first death leaves a lease, the second comes when that has run out."""
    known(site)
    bridge = site.start("before", "id-given")
    site.send("15555550100")
    dies(site, bridge, "before id-given")
    dies(site, site.start(moment, "lease-expired"), f"{moment} lease-expired")
    site.start()
    assert [mail["X-Fax-Outcome"] for mail in site.answers(2)] == ["delivered", "delivered"]
    assert len(site.faxes()) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_twice_on_one_answer(site: Site, moment: str) -> None:
    """A mail may come twice where the first death was after the relay's 250: then it is the same mail."""
    bridge = site.start("before", "letter-taken")
    site.send("15555550100")
    dies(site, bridge, "before letter-taken")
    dies(site, site.start(moment, "letter-lease-expired"), f"{moment} letter-lease-expired")
    site.start()
    assert len({mail["Message-ID"] for mail in site.answers(2)}) == 1
    assert len(site.faxes()) == 1


# --- mail that comes again, and quotas -----------------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_a_mail_comes_again(site: Site, moment: str) -> None:
    """Its 250 was not heard: our side dies after the commit; the copies change nothing."""
    mail = letter()
    for place in (("after", "accept"), (moment, "same-as")):
        bridge = site.start(*place)
        with suppress(OSError, ConnectionError, Exception):
            site.send("15555550100", mail=mail)
        dies(site, bridge, " ".join(place))
    site.start()
    site.send("15555550100", mail=mail)
    [answer] = site.answers(1)
    assert answer["X-Fax-Outcome"] == "delivered" and len(site.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_it_is_noted_that_a_client_is_gone(site: Site, moment: str) -> None:
    known(site)  # it may die while the fax is on its way to FaxCore
    bridge = site.start(moment, "not-heard")
    mail = letter()
    client = smtplib.SMTP("127.0.0.1", site.smtp_port, timeout=60)
    client.ehlo()
    client.mail(SENDER)
    client.rcpt("15555550100@fax.local")
    client.docmd("DATA")
    client.send(mail.as_bytes(policy=email.policy.SMTP) + b".\r\n")
    until(lambda: site.rows("SELECT 1 FROM job"), "the mail to be stored", site.log)
    time.sleep(0.1)
    client.close()  # the 250 is unread: its system resets the connection
    dies(site, bridge, f"{moment} not-heard")
    site.start()
    site.send("15555550100", mail=mail)
    assert {answer["X-Fax-Outcome"] for answer in site.answers(2)} == {"delivered"} and len(site.faxes()) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_the_ceiling_is_told(site: Site, moment: str) -> None:
    site.settings["more"] = "faxes_per_day = 1"
    bridge = site.start(moment, "ceiling-reached")
    site.send("15555550100")
    site.answers(1)
    for attempt in range(2):
        with suppress(OSError, Exception):
            site.send("15555550100")
        if not attempt:
            dies(site, bridge, f"{moment} ceiling-reached")
            site.start()
    [told] = site.answers(1, POSTMASTER)
    assert told["X-Fax-Outcome"] == "alarm"
    assert len(site.faxes()) == 1


# --- received faxes ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("commit", "action", "mails"),
    [
        ("inbound-listed", None, 1),
        ("inbound-fetched", None, 1),
        ("inbound-junked", "junk", 0),
        ("inbound-not-now", "unavailable", 1),
        ("inbound-given-up", "garbled_after", 1),
        ("inbound-gone", "gone", 0),
    ],
)
def test_a_received_fax(site: Site, commit: str, action: str | None, mails: int) -> None:
    if action == "junk":
        site.settings["more"] = '[[route]]\ncaller = ["1555201*"]\njunk = true'
    meeting = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.stop(meeting)
    [fax_id] = site.drop_in(documents.tiff(1), caller="15552010013")
    if action == "junk":
        pass
    elif action == "gone":
        # Listed and then deleted there by somebody else: the list still has it in the first round.
        dies(site, site.start("after", "inbound-listed"), "after inbound-listed")
        site.control(f"faxes/{fax_id}", method="DELETE")
    elif action:
        fault(action, "DownloadFax")(site)
    for moment in MOMENTS:
        dies(site, site.start(moment, commit), f"{moment} {commit}")
    well_again(site)
    if commit == "inbound-given-up":
        # It is tried again daily: the day has passed.
        site.change("UPDATE inbound SET next_attempt_at = 1")
    site.start()
    reported = commit in ("inbound-given-up", "inbound-gone")
    outcomes = {mail["X-Fax-Outcome"] for mail in site.answers(mails + reported, OFFICE)}
    assert outcomes == {*["received"] * mails, *["alarm"] * reported}
    told = site.mails(POSTMASTER)
    until(lambda: len(site.mails(POSTMASTER)) == reported, "reports", site.log)
    assert len(site.mails(OFFICE)) == mails + reported, told
    if action == "junk":
        states = "SELECT state FROM inbound WHERE content_id <> ''"
        until(lambda: site.rows(states) == [("junk",)], "its pages to be kept", site.log)
        assert site.mails() == []
        assert "Junk: 1 received fax; mailfax queue --all" in site.run("queue", "--config", str(site.config)).stdout
        assert " junk " in site.run("queue", "--all", "--config", str(site.config)).stdout


@pytest.mark.parametrize("moment", MOMENTS)
def test_an_account_that_is_silent_for_unusually_long(site: Site, moment: str) -> None:
    """Forty faxes, one an hour, and then none for nine days."""
    meeting = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.stop(meeting)
    row = (
        "INSERT INTO inbound (account, fax_id, state, listed_at, next_attempt_at, version, attempts, queue_id, "
        "caller, content_id, problem) VALUES ('main', ?, 'vanished', ?, 0, 1, 0, ?, '', '', '')"
    )
    for number in range(40):
        site.change(row, f"old{number}", time.time() - 9 * 86_400 - 3600.0 * number, f"R{number}")
    dies(site, site.start(moment, "account-quiet"), f"{moment} account-quiet")
    bridge = site.start()
    [alarm] = site.answers(1, POSTMASTER)
    assert "nothing for unusually long" in alarm["Subject"]
    site.drop_in(documents.tiff(1))
    site.answers(1, OFFICE)
    site.stop(bridge)
    dies(site, site.start(moment, "account-heard"), f"{moment} account-heard")
    site.start()
    assert {mail["Subject"].rpartition('"')[2] for mail in site.answers(2, POSTMASTER)} == {
        " has received nothing for unusually long",
        " receives faxes again",
    }


@pytest.mark.parametrize("junk", [False, True])
def test_a_person_wants_a_received_fax_again(site: Site, junk: bool) -> None:
    """Dead while it is asked for, and while it is brought; then its pages are damaged here, and FaxCore has them."""
    if junk:
        site.settings["more"] = '[[route]]\ncaller = ["1555201*"]\njunk = true'
    bridge = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.drop_in(documents.tiff(2), caller="15552010013")
    until(lambda: site.rows("SELECT 1 FROM inbound WHERE state IN ('stored', 'junk')"), "the fax", site.log)
    first = [] if junk else site.answers(1, OFFICE)
    site.stop(bridge)
    [(queue_id,)] = site.rows("SELECT queue_id FROM inbound")
    for moment in MOMENTS:
        command(site, moment, "inbound-resend", "resend", queue_id)
    for moment in MOMENTS:
        dies(site, site.start(moment, "inbound-brought"), f"{moment} inbound-brought")
    bridge = site.start()
    mails = site.answers(1 + len(first), OFFICE)
    assert len({mail["Message-ID"] for mail in mails}) == len(mails), "each is a mail of its own"
    assert {mail["X-Fax-Queue-ID"] for mail in mails} == {queue_id}
    shown = site.run("show", queue_id, "--config", str(site.config)).stdout
    assert "sent again by a person" in shown and "brought once more" in shown
    if junk:
        return
    site.stop(bridge)
    damaged = b"%PDF-1.7 damaged"
    site.change("UPDATE content SET bytes = ? WHERE content_id = (SELECT content_id FROM inbound)", damaged)
    assert site.run("resend", queue_id, "--config", str(site.config)).returncode == 0
    for moment in MOMENTS:
        dies(site, site.start(moment, "inbound-content-lost"), f"{moment} inbound-content-lost")
    site.start()
    assert len(site.answers(3, OFFICE)) == 3


# --- faxes of others, wrong clocks, damaged rows -------------------------------------------------------------


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_a_fax_of_others_is_noted(site: Site, moment: str) -> None:
    """Somebody else faxes over the same account while one of ours is looked for."""
    meeting = site.start()
    until(lambda: "account-met" in site.log(), "the account to be met", site.log)
    site.stop(meeting)
    theirs = {"recpfax": "15557770000", "subject": "Theirs", "filename": "a.txt"}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    send = f"{site.settings['base_url']}SendFax"
    httpx.post(send, params=theirs, content=b"Their fax.", headers=form, auth=(NUMBER, PASSWORD)).raise_for_status()
    bridge = site.start(moment, "foreign-noted")
    site.send("15555550120")
    dies(site, bridge, f"{moment} foreign-noted")
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered"
    assert len(site.requests("SendFax")) == 2


@pytest.mark.parametrize("moment", MOMENTS)
def test_dead_while_moments_far_ahead_are_made_due(site: Site, moment: str) -> None:
    waiting(site)
    site.change("UPDATE job SET submit_at = submit_at + 86400")
    well_again(site)
    dies(site, site.start(moment, "moments-corrected"), f"{moment} moments-corrected")
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(site.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("commit", ["moved-aside", "damage-told"])
def test_dead_while_a_damaged_row_is_moved_aside(site: Site, commit: str, moment: str) -> None:
    first = waiting(site)
    well_again(site)
    assert site.run("requeue", f"{first}-1", "--config", str(site.config)).returncode == 0
    site.change("UPDATE job SET notify = 'SOMETIMES'")
    dies(site, site.start(moment, commit), f"{moment} {commit}")
    site.start()
    site.send("15555550100")
    until(lambda: len(site.faxes()) == 1, "the other fax", site.log)
    outcomes = [mail["X-Fax-Outcome"] for mail in site.answers(2)]
    assert sorted(outcomes) == ["delivered", "unconfirmed"], "its sender hears, once"
    assert site.rows("SELECT damaged FROM job WHERE message = ?", first) == [(2,)]


def waiting(site: Site) -> str:
    """A fax that FaxCore does not take now, and a bridge that has stopped; its queue ID."""
    fault("unavailable")(site)
    bridge = site.start()
    queue_id = site.send("15555550100")
    until(lambda: site.rows("SELECT 1 FROM job WHERE state = 'deferred'"), "the fax to wait", site.log)
    site.stop(bridge)
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
def test_a_person_steers_a_fax_that_waits(site: Site, verb: str, commit: str, outcome: str, faxes: int) -> None:
    queue_id = waiting(site) + "-1"
    if verb == "release":
        assert site.run("hold", queue_id, "--config", str(site.config)).returncode == 0
    for moment in MOMENTS:
        command(site, moment, commit, verb, queue_id)
    well_again(site)
    site.start()
    if verb == "hold":
        time.sleep(2)
        assert site.faxes() == [], "it is held"
        assert site.run("release", queue_id, "--config", str(site.config)).returncode == 0
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == outcome and len(site.faxes()) == faxes


@pytest.mark.parametrize(("verb", "commit"), [("release", "release-without-document"), ("requeue", "document-now")])
def test_a_person_steers_a_fax_without_pages(site: Site, verb: str, commit: str) -> None:
    bridge = site.start("after", "accept")
    with suppress(OSError, Exception):
        site.send("15555550100")
    dies(site, bridge, "after accept")
    [(queue_id,)] = site.rows("SELECT queue_id FROM job")
    if verb == "release":
        assert site.run("hold", queue_id, "--config", str(site.config)).returncode == 0
    for moment in MOMENTS:
        command(site, moment, commit, verb, queue_id)
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(site.faxes()) == 1


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_person_sends_a_failed_fax_again(site: Site, moment: str) -> None:
    bridge = site.start()
    queue_id = site.send("15555550101") + "-1"
    site.answers(1)
    site.stop(bridge)
    command(site, moment, "resent", "resend", queue_id)
    site.start()
    assert len(site.answers(1 if moment == "before" else 2)) == len(site.faxes())


# --- what is rare --------------------------------------------------------------------------------------------


def test_an_id_that_is_learned_late(site: Site) -> None:
    """…0129 is seen in the lists only after ten minutes; by then it was taken for absent, and waits again."""
    known(site)
    fault("hidden_after", count=1)(site)
    bridge = site.start("after", "late-id")
    site.send("15557654321")
    until(lambda: "in-doubt" in site.log(), "doubt", site.log)
    fault("unavailable")(site)
    until(lambda: ": deferred " in site.log(), "it to be taken for absent, and to wait", site.log)
    well_again(site)
    site.control("clock", {"advance_seconds": 660})
    fault("drop_after", count=1)(site)
    site.send("15557654322")  # while this one is looked for, the other is seen
    dies(site, bridge, "after late-id")
    well_again(site)
    site.start()
    assert {mail["X-Fax-Outcome"] for mail in site.answers(3)} == {"delivered"}
    assert len(site.faxes()) == 3


@pytest.mark.parametrize("moment", MOMENTS)
def test_pages_that_can_not_be_made_now(site: Site, moment: str) -> None:
    """The folder for temporary files is gone: that says nothing against the mail."""
    temporary = site.folder / "temporary"
    temporary.mkdir()
    site.environment["TMPDIR"] = str(temporary)
    bridge = site.start(moment, "document-later")
    for folder in temporary.iterdir():
        folder.rename(site.folder / "gone")
    site.send("15555550100")
    dies(site, bridge, f"{moment} document-later")
    site.start()
    [mail] = site.answers(1)
    assert mail["X-Fax-Outcome"] == "delivered" and len(site.faxes()) == 1


def test_every_commit_has_a_flow() -> None:
    """The table of commits, and where each is killed."""
    here = Path(__file__).parent
    flows = "".join(file.read_text() for file in here.glob("test_f*.py"))
    assert sorted(name for name in COMMITS if f'"{name}"' not in flows) == []
