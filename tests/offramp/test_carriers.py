"""The carriers, round by round: what is committed, what is owed, and what is never done twice."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from mailfax.config import Account
from mailfax.faxcore.errors import AccountTrouble, Trouble, Unavailable
from mailfax.faxcore.values import FaxDetails
from mailfax.offramp.submit import Submit
from mailfax.onramp.meet import meet
from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobEvent, JobState
from mailfax.rules.status import Cause, status
from tests.offramp.street import NUMBER, PASSWORD, Clock, Sandbox, Street, opened

pytestmark = pytest.mark.anyio


async def test_submitted_tracked_delivered_with_one_letter(street: Street, sandbox: Sandbox) -> None:
    [job] = await street.mail("15551234567")
    assert await street.submit.round()
    assert (await street.job(job.queue_id)).state is JobState.SUBMITTED
    assert not await street.track.round(), "not due yet"
    await street.forward(30)
    assert await street.track.round()
    ended = await street.job(job.queue_id)
    assert ended.state is JobState.DELIVERED and (ended.pages, ended.pages_delivered) == (2, 2)
    [letter] = await street.letters(job.queue_id)
    assert letter.kind == "delivered" and letter.recipients == ("alice@example.com",)
    assert (await street.spool.accounts.state("main")).reference_returned
    [fax] = await sandbox.faxes()
    assert job.reference in fax["subject"]


async def test_nothing_is_submitted_before_the_account_was_met(tmp_path: Path, account: Account) -> None:
    async with opened(tmp_path, Clock(), account) as street:
        await street.mail("15551234567")
        assert not await street.submit.round()
        await meet(street.spool, street.desk.client("main"), account)
        assert await street.submit.round()


async def test_many_pending_are_settled_by_one_list(street: Street, sandbox: Sandbox) -> None:
    for n in range(10):
        await street.mail(f"1555123000{n}")
    while await street.submit.round():
        pass
    await sandbox.control("requests", method="DELETE")
    await street.forward(30)
    await street.track.round()
    assert (await street.spool.counts()).jobs == {"delivered": 10}
    calls = [request["operation"] for request in await sandbox.control("requests", method="GET")]
    assert calls.count("GetFaxList") == 1 and calls.count("FaxStatus") == 0 and calls.count("GetFaxDetails") == 10


@pytest.mark.parametrize("trouble", [False, True])
async def test_who_has_waited_longest_is_settled_first_and_nobody_in_trouble(
    street: Street, monkeypatch: pytest.MonkeyPatch, trouble: bool
) -> None:
    for n in range(10):
        await street.mail(f"1555123000{n}")
    while await street.submit.round():
        street.clock.now += 0.1
    waiting = [
        job.fax_id for job in sorted(await street.spool.jobs.tracked("main"), key=lambda job: job.submitted_at)
    ]
    client, asked = street.desk.client("main"), list[str]()
    details = client.fax_details

    async def heard(fax_id: str, *, submitted: datetime | None = None) -> FaxDetails:
        asked.append(fax_id)
        if trouble:
            raise AccountTrouble(Trouble.LOGIN)
        return await details(fax_id, submitted=submitted)

    monkeypatch.setattr(client, "fax_details", heard)
    await street.forward(30)
    await street.track.round()
    assert asked == (waiting[:1] if trouble else waiting)


async def test_what_is_still_in_the_outbox_costs_neither_a_call_nor_a_commit(
    street: Street, sandbox: Sandbox
) -> None:
    for n in range(10):
        await street.mail(f"1{200 + n}5550106" if n else "15551230000")  # …0106 stays In Queue for ever
    while await street.submit.round():
        pass
    before = [await street.spool.jobs.tracked("main")]
    await sandbox.control("requests", method="DELETE")
    for _ in range(600):
        street.clock.now += 1
        await street.track.round()
    calls = [request["operation"] for request in await sandbox.control("requests", method="GET")]
    assert calls.count("GetFaxList") <= 60, "six a minute"
    assert calls.count("GetFaxDetails") == 1 and calls.count("FaxStatus") == 0
    [was] = before
    assert {job.queue_id: job.version for job in await street.spool.jobs.tracked("main")}.items() <= {
        job.queue_id: job.version for job in was
    }.items()


async def test_account_trouble_pauses_with_one_alarm_and_freezes_expiry(street: Street) -> None:
    jobs = [*await street.mail("15551234567"), *await street.mail("15557654321")]
    await street.desk.trouble("main", AccountTrouble(Trouble.LOGIN))
    await street.desk.trouble("main", AccountTrouble(Trouble.LOGIN))
    assert not await street.submit.round()
    assert [letter.kind for letter in await street.letters()] == ["alarm"]
    await street.forward(3 * 86_400)
    assert not await street.deadlines.round(), "the clock leapt, and the account is paused"
    await street.desk.round()
    assert [letter.kind for letter in await street.letters()] == ["alarm", "alarm"]
    for job in jobs:
        assert (await street.job(job.queue_id)).expires_at >= street.clock() + 86_000
    assert await street.submit.round()


async def test_what_could_not_be_submitted_in_time_expires_with_a_report(street: Street) -> None:
    [job] = await street.mail("15551234567")
    for _ in range(25):
        await street.forward(3600)
        # The monotonic clock of this street moves along: that is waiting, no leap.
        await street.deadlines.round()
    ended = await street.job(job.queue_id)
    assert ended.state is JobState.FAILED and ended.status is not None and ended.status.code == "5.4.7"
    assert [letter.kind for letter in await street.letters(job.queue_id)] == ["failed"]


async def test_while_the_wall_clock_leaps_nothing_expires(street: Street) -> None:
    [job] = await street.mail("15551234567")
    street.clock.leap(2 * 86_400)
    await street.deadlines.round()
    assert (await street.job(job.queue_id)).state is JobState.READY
    await street.forward(4000)
    await street.deadlines.round()
    assert (await street.job(job.queue_id)).state is JobState.FAILED


@pytest.mark.parametrize("leap", [2 * 86_400, -2 * 86_400], ids=["set forward", "set back, and right again"])
async def test_while_the_wall_clock_leaps_what_has_time_left_is_sent(leap: float, street: Street) -> None:
    """Not past its time only because the clock is: it would be neither sent nor ended for an hour, and then fail."""
    if leap < 0:
        street.clock.leap(leap)
        await street.deadlines.round()
    [job] = await street.mail("15551234567")
    street.clock.leap(abs(leap))
    await street.submit.round()
    assert (await street.job(job.queue_id)).state is JobState.SUBMITTED


async def test_what_has_expired_while_nobody_was_there_is_not_sent(
    tmp_path: Path, street: Street, account: Account
) -> None:
    [job] = await street.mail("15551234567")
    await street.forward(2 * 86_400)
    async with opened(tmp_path, street.clock, account) as restarted:
        await restarted.submit.round()
        assert (await restarted.job(job.queue_id)).state is JobState.READY


async def delivered_once(street: Street) -> None:
    """The account has given a reference of ours back."""
    await street.mail("15550009999")
    await street.submit.round()
    await street.forward(30)
    await street.track.round()
    assert (await street.spool.accounts.state("main")).reference_returned


async def look_until_settled(street: Street) -> None:
    for _ in range(12):
        await street.forward(400)
        await street.reconcile.round()


async def test_a_subject_that_comes_back_cut_proves_nothing(street: Street, sandbox: Sandbox) -> None:
    """The service cuts long subjects, and with them the reference: our own fax must not be taken for a stranger's,
    or it would be "proven absent" and sent again and again (A38)."""
    await delivered_once(street)
    await sandbox.control("quirks", {"cut_subject": 40})
    [job] = await street.mail("15555550120", subject="A subject that is longer than the service lets it be")
    await street.submit.round()
    await look_until_settled(street)
    assert (await street.job(job.queue_id)).state is JobState.IN_DOUBT
    assert len([fax for fax in await sandbox.faxes() if fax["number"] == "15555550120"]) == 1


async def test_an_account_that_sends_no_reference_any_more_proves_no_absence(
    tmp_path: Path, street: Street, account: Account, sandbox: Sandbox
) -> None:
    await delivered_once(street)
    async with opened(tmp_path, street.clock, replace(account, reference="off")) as changed:
        [job] = await changed.mail("15555550120")
        await changed.submit.round()
        await look_until_settled(changed)
        # Out of the time window (this clock is not the service's): not found, and not sent again.
        assert (await changed.job(job.queue_id)).state is JobState.IN_DOUBT
    assert len([fax for fax in await sandbox.faxes() if fax["number"] == "15555550120"]) == 1


async def test_a_clock_that_leaps_during_a_post_proves_no_absence(street: Street, sandbox: Sandbox) -> None:
    """The wall says that the lease is long over and the settling time, too; the POST goes on by its own clock."""
    await delivered_once(street)
    [job] = await street.mail("15551234567")
    claimed = await street.spool.jobs.claim(["main"], 6.0)
    assert claimed is not None
    street.clock.leap(3 * 3600)
    for _ in range(3):
        await street.deadlines.round()
        await street.reconcile.round()
        street.clock.now += 40
    doubted = await street.job(job.queue_id)
    assert doubted.state is JobState.IN_DOUBT
    await street.submit._hand_over(claimed, may_finish=lambda: True)
    assert (await street.job(job.queue_id)).state is JobState.SUBMITTED
    assert len([fax for fax in await sandbox.faxes() if fax["number"] == "15551234567"]) == 1


async def in_doubt(street: Street, sandbox: Sandbox) -> FaxJob:
    """A fax that never reached the service, and whose answer was not heard; another was delivered before."""
    await delivered_once(street)
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    [job] = await street.mail("15551234567")
    await street.submit.round()
    doubted = await street.job(job.queue_id)
    assert doubted.state is JobState.IN_DOUBT
    return doubted


async def looked_for(street: Street, job: FaxJob) -> JobState:
    """Its state after three more looks."""
    for _ in range(3):
        await street.spool.jobs.postpone(await street.job(job.queue_id), street.clock())
        await street.reconcile.round()
        if (await street.job(job.queue_id)).state is not JobState.IN_DOUBT:
            break
    return (await street.job(job.queue_id)).state


@pytest.mark.parametrize("leap", [0.0, 30 * 86_400.0, -30 * 86_400.0], ids=["steady", "set forward", "set back"])
async def test_the_settling_time_is_measured_whatever_the_wall_clock_does(
    leap: float, street: Street, sandbox: Sandbox
) -> None:
    job = await in_doubt(street, sandbox)
    street.clock.leap(leap)
    await street.forward(890)
    assert await looked_for(street, job) is JobState.IN_DOUBT
    await street.forward(20)
    assert await looked_for(street, job) is JobState.DEFERRED


@pytest.mark.parametrize("leap", [0.0, 30 * 86_400.0, -30 * 86_400.0], ids=["steady", "set forward", "set back"])
async def test_the_settling_time_goes_on_over_a_restart(
    leap: float, tmp_path: Path, street: Street, account: Account, sandbox: Sandbox
) -> None:
    job = await in_doubt(street, sandbox)
    await street.forward(800)
    street.clock.leap(leap)
    async with opened(tmp_path, street.clock, account) as restarted:
        assert await looked_for(restarted, job) is JobState.IN_DOUBT
        await restarted.forward(110)
        assert await looked_for(restarted, job) is JobState.DEFERRED


async def test_the_settling_time_begins_anew_when_the_machine_does(
    tmp_path: Path, street: Street, account: Account, sandbox: Sandbox
) -> None:
    """What the wall says of the time before a start of the machine can't be measured any more."""
    job = await in_doubt(street, sandbox)
    await street.forward(890)
    async with opened(tmp_path, street.clock, account) as rebooted:
        rebooted.reconcile._boot = "another boot"
        await rebooted.forward(890)
        assert await looked_for(rebooted, job) is JobState.IN_DOUBT
        await rebooted.forward(20)
        assert await looked_for(rebooted, job) is JobState.DEFERRED


async def test_each_attempt_has_to_be_missed_anew(street: Street, sandbox: Sandbox) -> None:
    """Listings that missed an earlier attempt prove nothing about a later one."""
    await delivered_once(street)
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 2})
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await look_until_settled(street)
    again = await street.job(job.queue_id)
    assert again.state is JobState.DEFERRED and again.absences >= 2
    await street.submit.round()
    assert (await street.job(job.queue_id)).absences == 0


async def test_doubt_that_can_not_be_settled_does_not_flood_the_service(street: Street, sandbox: Sandbox) -> None:
    """A recent fax of ours was deleted over there: no listing is worth anything, and still few are asked for."""
    await delivered_once(street)
    [known] = await sandbox.faxes()
    await sandbox.control(f"faxes/{known['id']}", method="DELETE")
    await street.mail("15555550121")
    await street.submit.round()
    await sandbox.control("requests", method="DELETE")
    for _ in range(600):
        street.clock.now += 1
        await street.reconcile.round()
    lists = [request["operation"] for request in await sandbox.control("requests", method="GET")]
    assert lists.count("GetFaxList") <= 60, "six a minute"


async def test_trouble_that_shows_only_in_sending_is_one_incident(street: Street, sandbox: Sandbox) -> None:
    """SendFax is refused, every question is answered: one alarm, and the fax expires rather than waits for ever."""
    await sandbox.control("faults", {"operation": "SendFax", "action": "unauthorized", "count": None})
    [job] = await street.mail("15551234567")
    for _ in range(400):
        street.clock.now += 300
        await street.desk.round()
        await street.submit.round()
        await street.deadlines.round()
    assert (await street.job(job.queue_id)).state is JobState.FAILED
    assert sorted(letter.kind for letter in await street.letters()) == ["alarm", "failed"]
    await sandbox.control("faults", method="DELETE")
    [other] = await street.mail("15557654321")
    for _ in range(10):
        street.clock.now += 300
        await street.desk.round()
        await street.submit.round()
    assert (await street.job(other.queue_id)).state is JobState.SUBMITTED
    kinds = sorted(letter.kind for letter in await street.letters())
    assert kinds == ["alarm", "alarm", "failed"], "the all-clear comes with the first fax that is taken"


async def test_a_deadline_needs_an_answer(street: Street, sandbox: Sandbox) -> None:
    """After a week-end off, the first question brings a 503: nobody is told "unconfirmed" on that."""
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await street.forward(3 * 86_400)
    await sandbox.control("faults", {"operation": "*", "action": "unavailable", "count": 1})
    await street.track.round()
    assert (await street.job(job.queue_id)).state is JobState.SUBMITTED
    await street.forward(400)
    await street.track.round()
    assert (await street.job(job.queue_id)).state is JobState.DELIVERED


async def test_a_paused_account_leaves_nobody_without_an_answer(street: Street) -> None:
    """What waits, waits; what FaxCore may have ends unconfirmed at its deadline, though nobody can ask."""
    [sent] = await street.mail("15551234567")
    await street.submit.round()
    [waiting] = await street.mail("15557654321")
    await street.desk.trouble("main", AccountTrouble(Trouble.LOGIN))
    for _ in range(30):
        await street.forward(3600)
        await street.deadlines.round()
    assert (await street.job(sent.queue_id)).state is JobState.UNCONFIRMED
    assert (await street.job(waiting.queue_id)).state is JobState.READY


async def test_a_fax_that_shows_up_after_its_answer_is_history_and_an_alarm(street: Street, sandbox: Sandbox) -> None:
    [job] = await street.mail("15555550120")
    await street.submit.round()
    doubted = await street.job(job.queue_id)
    ended = await street.ending.end(doubted, JobEvent.DEADLINE, status(Cause.UNCONFIRMED))
    await street.mail("15555550121")
    await street.submit.round()
    await street.forward(60)
    await street.reconcile.round()
    assert (await street.job(job.queue_id)).state is ended.state
    alarm = [letter for letter in await street.letters() if letter.kind == "alarm"]
    assert len(alarm) == 1
    assert any("its fax is at FaxCore" in line.detail for line in await street.spool.history.of(job.queue_id))
    await street.forward(400)
    await street.reconcile.round()
    assert len([letter for letter in await street.letters() if letter.kind == "alarm"]) == 1


async def test_a_dead_process_leaves_doubt_and_the_fax_is_found(
    tmp_path: Path, street: Street, account: Account, sandbox: Sandbox
) -> None:
    """Killed between FaxCore's answer and our commit: the lease runs out, the reference finds the fax."""
    [job] = await street.mail("15551234567")
    claimed = await street.spool.jobs.claim(["main"], 6.0)
    assert claimed is not None
    async with street.compose.sending(account, claimed.message, claimed.document, claimed.job) as sending:
        client = street.desk.client("main")
        fax_id = await client.send_fax(sending.upload, sending.chunks, may_finish=lambda: True)
    async with opened(tmp_path, street.clock, account) as other:
        await other.deadlines.round()
        assert (await other.job(job.queue_id)).state is JobState.SUBMITTING, "its lease still runs"
        await street.forward(100)
        await other.deadlines.round()
        await other.reconcile.round()
        found = await other.job(job.queue_id)
        assert (found.state, found.fax_id) == (JobState.SUBMITTED, fax_id)
        assert not await other.submit.round()
    assert len(await sandbox.faxes()) == 1


async def test_an_answer_that_comes_after_the_lease_is_a_late_id(street: Street, sandbox: Sandbox) -> None:
    """Stalled in the middle of a POST until the lease ran out: the job is in doubt, then the id arrives after all."""
    await sandbox.control("quirks", {"reply_delay_seconds": 1})
    [late] = await street.mail("15555550124")

    async def stall() -> None:
        while (await street.job(late.queue_id)).state is not JobState.SUBMITTING:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await street.forward(100)
        await street.deadlines._orphaned()
        assert (await street.job(late.queue_id)).state is JobState.IN_DOUBT

    await asyncio.gather(street.submit.round(), stall())
    after = await street.job(late.queue_id)
    assert after.state is JobState.SUBMITTED and after.fax_id
    assert len(await sandbox.faxes()) == 1


async def test_the_last_bytes_are_held_back_where_the_lease_is_too_short(street: Street, sandbox: Sandbox) -> None:
    """A lease that may run out while FaxCore answers must not be spent: nothing is sent, and the job waits."""
    [job] = await street.mail("15551234567")
    claim = street.spool.jobs.claim

    async def slow_claim(*args, **kwargs):
        claimed = await claim(*args, **kwargs)
        street.clock.now += 5.0  # of a lease of six, with two to be left for the answer
        return claimed

    street.spool.jobs.claim = slow_claim
    await street.submit.round()
    assert (await street.job(job.queue_id)).state is JobState.DEFERRED
    assert await sandbox.faxes() == []


async def test_a_cancel_in_flight_is_honoured_only_when_nothing_was_sent(street: Street, sandbox: Sandbox) -> None:
    await sandbox.control("faults", {"operation": "SendFax", "action": "unavailable", "count": 1})
    [job] = await street.mail("15551234567")
    claimed = await street.spool.jobs.claim(["main"], 60.0)
    assert claimed is not None
    noted = claimed.job.after(JobEvent.CANCEL, cancel_requested=True)
    noted = await street.spool.jobs.advance(claimed.job, noted, JobEvent.CANCEL)
    assert noted.state is JobState.SUBMITTING
    # The answer belongs to the attempt, though a cancel was noted meanwhile.
    await street.submit._hand_over(claimed, may_finish=lambda: True)
    assert (await street.job(job.queue_id)).state is JobState.DEFERRED
    await street.deadlines.round()
    ended = await street.job(job.queue_id)
    assert ended.state is JobState.CANCELLED
    assert [letter.kind for letter in await street.letters(job.queue_id)] == ["cancelled"]
    assert await sandbox.faxes() == []


async def test_without_references_the_window_finds_the_fax(
    tmp_path: Path, sandbox: Sandbox, account: Account
) -> None:
    clock = Clock()
    clock.now = time.time()  # the service tells the true time, and the window is around it
    async with opened(tmp_path, clock, replace(account, reference="off")) as street:
        await meet(street.spool, street.desk.client("main"), street.account)
        [job] = await street.mail("15555550120")
        await street.forward(1)
        [waiting] = await street.mail("15555550120")
        await street.submit.round()
        assert (await street.job(job.queue_id)).state is JobState.IN_DOUBT
        assert not await street.submit.round(), "one fax in flight per number"
        await street.forward(10)
        await street.reconcile.round()
        assert (await street.job(job.queue_id)).state is JobState.SUBMITTED
        assert (await street.job(waiting.queue_id)).state is JobState.READY
        [fax] = await sandbox.faxes()
        assert fax["subject"] == "Invoice 12"


async def test_faxes_of_others_are_asked_about_once(street: Street, sandbox: Sandbox) -> None:
    """Somebody uses FaxCore's own pages: their faxes are noted as foreign, and never asked about again."""
    async with httpx.AsyncClient(trust_env=False, auth=(NUMBER, PASSWORD)) as http:
        await http.post(f"{sandbox.base_url}SendFax?recpfax=15551112222&filename=a.txt&subject=theirs", content=b"hi")
    [job] = await street.mail("15555550121")
    await street.submit.round()
    for _ in range(3):
        await street.forward(400)
        await street.reconcile.round()
    requests = await sandbox.control("requests", method="GET")
    assert [request["operation"] for request in requests].count("GetFaxDetails") == 1
    assert (await street.job(job.queue_id)).state is JobState.IN_DOUBT


async def test_the_same_number_twice_in_a_mail_is_one_fax(street: Street) -> None:
    assert len(await street.mail("15551234567", "15551234567", "15557654321")) == 2


async def test_an_account_taken_out_of_the_configuration_leaves_nobody_without_an_answer(
    tmp_path: Path, street: Street, account: Account
) -> None:
    """Faxes that FaxCore may have end unconfirmed; those that never left wait, and expire with a report."""
    [sent] = await street.mail("15551234567")
    await street.submit.round()
    [waiting] = await street.mail("15557654321")
    async with opened(tmp_path, street.clock, replace(account, name="other")) as later:
        for _ in range(26):
            await later.forward(3600)
            await later.track.round()
            await later.reconcile.round()
            await later.submit.round()
            await later.deadlines.round()
        assert (await later.job(sent.queue_id)).state is JobState.UNCONFIRMED
        assert (await later.job(waiting.queue_id)).state is JobState.FAILED
        kinds = {letter.about: letter.kind for letter in await later.letters()}
    assert kinds == {sent.queue_id: "unconfirmed", waiting.queue_id: "failed"}


async def test_several_submitters_that_meet_one_trouble_owe_one_alarm(street: Street) -> None:
    trouble = AccountTrouble(Trouble.NO_CONNECTION)
    await asyncio.gather(*(street.desk.trouble("main", trouble, sending=True) for _ in range(4)))
    assert [letter.kind for letter in await street.letters()] == ["alarm"]
    assert street.desk.lines["main"].trials == 1


async def test_after_an_outage_noticed_in_sending_the_waiting_get_their_time_back(street: Street) -> None:
    [job] = await street.mail("15551234567")
    await asyncio.gather(
        *(street.desk.trouble("main", AccountTrouble(Trouble.NO_CONNECTION), sending=True) for _ in range(4))
    )
    await street.forward(30 * 3600)
    await street.desk.round()
    assert not (await street.spool.accounts.state("main")).paused
    assert (await street.job(job.queue_id)).expires_at > street.clock() + 80_000


async def test_one_all_clear_for_one_incident(street: Street) -> None:
    await street.desk.trouble("main", AccountTrouble(Trouble.LOGIN), sending=True)
    await street.desk.well("main")
    assert len(await street.letters()) == 1, "a POST that was under way proves nothing while it is paused"
    await street.forward(600)
    await street.desk.round()
    await asyncio.gather(*(street.desk.well("main") for _ in range(3)))
    assert len(await street.letters()) == 2


async def test_a_clock_put_back_keeps_no_account_paused(street: Street) -> None:
    street.clock.leap(400 * 86_400)
    await street.desk.trouble("main", AccountTrouble(Trouble.LOGIN))
    street.clock.leap(-400 * 86_400)
    street.desk.lines["main"].try_at = 0.0
    await street.desk.round()
    assert not (await street.spool.accounts.state("main")).paused


async def test_a_folder_that_never_answers_ends_in_unconfirmed_though_others_do(
    street: Street, sandbox: Sandbox
) -> None:
    [job] = await street.mail("15555550121")
    await street.submit.round()
    for hour in range(30):
        await sandbox.control("faults", {"operation": "GetFaxList", "action": "unavailable", "count": 1})
        await street.reconcile.round()
        await sandbox.control("faults", method="DELETE")
        await street.mail(f"1555700{hour:04d}")
        await street.submit.round()
        await street.forward(3600)
        await street.track.round()
        await street.deadlines.round()
    assert (await street.job(job.queue_id)).state is JobState.UNCONFIRMED


async def test_a_passing_pause_ends_nothing(street: Street) -> None:
    """Off over a week-end, no DNS at boot: the account is paused for a minute, and everything is past its time."""
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await street.forward(3 * 86_400)
    await street.desk.trouble("main", AccountTrouble(Trouble.NO_CONNECTION))
    await street.deadlines.round()
    assert (await street.job(job.queue_id)).state is JobState.SUBMITTED
    await street.forward(120)
    await street.desk.round()
    await street.track.round()
    assert (await street.job(job.queue_id)).state is JobState.DELIVERED


async def test_a_restart_launders_no_leap(tmp_path: Path, street: Street, account: Account, sandbox: Sandbox) -> None:
    """The wall leapt while nobody looked: a settling time has to pass in this process before absence is believed."""
    await delivered_once(street)
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await street.forward(10)
    await street.reconcile.round()
    street.clock.leap(2 * 3600)
    async with opened(tmp_path, street.clock, account) as born:
        for _ in range(3):
            await born.forward(5)
            await born.reconcile.round()
        assert (await born.job(job.queue_id)).state is JobState.IN_DOUBT
        await born.forward(1000)
        await born.reconcile.round()
        assert (await born.job(job.queue_id)).state is JobState.DEFERRED


async def test_a_forwarded_copy_of_an_old_fax_is_nobody_s_obstacle(street: Street, sandbox: Sandbox) -> None:
    """Somebody sent a delivered fax on from FaxCore's own pages: it carries our reference, to another number."""
    await delivered_once(street)
    [sent] = await sandbox.faxes()
    async with httpx.AsyncClient(trust_env=False, auth=(NUMBER, PASSWORD)) as http:
        query = f"recpfax=15558887777&filename=a.txt&subject={sent['subject'].replace(' ', '%20')}"
        await http.post(f"{sandbox.base_url}SendFax?{query}", content=b"hi")
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await look_until_settled(street)
    assert (await street.job(job.queue_id)).state is JobState.DEFERRED


async def test_a_fax_whose_details_never_come_ends_at_its_deadline(street: Street, sandbox: Sandbox) -> None:
    """FaxStatus says "Completed" every time, GetFaxDetails never answers: silence is the answer in the end."""
    [job] = await street.mail("15551234567")
    await street.submit.round()
    await sandbox.control("faults", {"operation": "GetFaxDetails", "action": "unavailable", "count": None})
    for _ in range(30):
        await street.forward(3600)
        await street.track.round()
    assert (await street.job(job.queue_id)).state is JobState.UNCONFIRMED


async def test_three_faxes_that_bring_no_answer_starve_no_other(
    street: Street, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job for n in range(6) for job in await street.mail(f"1555123000{n}")]
    while await street.submit.round():
        pass
    ids = sorted([(await street.job(job.queue_id)).fax_id for job in jobs])
    client = street.desk.client("main")
    ask = client.fax_status

    async def fax_status(fax_id: str) -> str:
        if fax_id in ids[:3]:
            raise Unavailable("x")
        return await ask(fax_id)

    monkeypatch.setattr(client, "fax_status", fax_status)
    street.track._list_cost = 10**9  # each is asked for singly
    for _ in range(8):
        await street.forward(600)
        await street.track.round()
        street.track._list_cost = 10**9
    assert (await street.spool.counts()).jobs["delivered"] >= 3
    assert {(await street.job(job.queue_id)).state for job in jobs} <= {JobState.DELIVERED, JobState.SUBMITTED}


async def test_a_fax_without_a_cover_page_sends_no_field_and_the_window_finds_it(
    tmp_path: Path, sandbox: Sandbox, account: Account
) -> None:
    """A reference would force a cover page: without one, number, time and pages decide, one fax to a number."""
    clock = Clock()
    clock.now = time.time()
    async with opened(tmp_path, clock, account) as street:
        await meet(street.spool, street.desk.client("main"), street.account)
        [job] = await street.mail("15555550120", cover="no")
        await street.forward(1)
        [bare] = await street.mail("15555550120", cover="no")
        await street.submit.round()
        assert (await street.job(job.queue_id)).state is JobState.IN_DOUBT
        assert not await street.submit.round(), "one such fax in flight per number"
        await street.forward(10)
        await street.reconcile.round()
        assert (await street.job(job.queue_id)).state is JobState.SUBMITTED
        assert (await street.job(bare.queue_id)).state is JobState.READY
        [fax] = await sandbox.faxes()
        assert fax["cover"] is None and fax["subject"] == ""


async def test_a_fax_that_may_be_another_s_with_its_reference_cut_off_is_nobody_s(
    tmp_path: Path, sandbox: Sandbox, account: Account
) -> None:
    clock = Clock()
    clock.now = time.time()
    await sandbox.control("quirks", {"cut_subject": 5})
    async with opened(tmp_path, clock, account) as street:
        await meet(street.spool, street.desk.client("main"), street.account)
        unbounded = replace(street.context, limits=replace(street.context.limits, faxes_per_number=0))
        street.submit = Submit(unbounded, street.desk, street.ending, street.compose)
        [bare] = await street.mail("15555550120", cover="no")
        await street.submit.round()
        [referenced] = await street.mail("15555550120")
        await street.submit.round()
        assert {(await street.job(one.queue_id)).state for one in (bare, referenced)} == {JobState.IN_DOUBT}
        await street.forward(10)
        await street.reconcile.round()
        assert (await street.job(bare.queue_id)).state is JobState.IN_DOUBT


async def test_absence_is_never_proven_for_a_fax_without_a_reference(street: Street, sandbox: Sandbox) -> None:
    await delivered_once(street)
    for cover, state in (("yes", JobState.DEFERRED), ("no", JobState.IN_DOUBT)):
        [job] = await street.mail("15551234567", cover=cover)
        assert await street.spool.jobs.claim(["main"], 6.0) is not None
        await street.forward(100)
        await street.deadlines.round()
        await look_until_settled(street)
        assert (await street.job(job.queue_id)).state is state


async def test_a_preview_is_never_claimed_for_submission(street: Street) -> None:
    [job] = await street.mail("15551234567")
    [preview] = await street.mail("15551234567", preview=True)
    claimed = await street.spool.jobs.claim(["main"], 60.0)
    assert claimed is not None and claimed.job.queue_id == job.queue_id
    assert await street.spool.jobs.claim(["main"], 60.0) is None
    found = await street.spool.jobs.preview()
    assert found is not None and found.queue_id == preview.queue_id
