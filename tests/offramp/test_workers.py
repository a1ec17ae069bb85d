"""The workers, round by round: what is committed, what is owed, and what is never done twice."""

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
from tests.offramp.pipeline import NUMBER, PASSWORD, Clock, Pipeline, Sandbox, opened

pytestmark = pytest.mark.anyio


async def test_submitted_tracked_delivered_with_one_letter(pipeline: Pipeline, sandbox: Sandbox) -> None:
    [job] = await pipeline.mail("15551234567")
    assert await pipeline.submit.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED
    assert not await pipeline.track.round(), "not due yet"
    await pipeline.forward(30)
    assert await pipeline.track.round()
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.DELIVERED and (ended.pages, ended.pages_delivered) == (2, 2)
    [letter] = await pipeline.letters(job.queue_id)
    assert letter.kind == "delivered" and letter.recipients == ("alice@example.com",)
    assert (await pipeline.spool.accounts.state("main")).reference_returned
    [fax] = await sandbox.faxes()
    assert job.reference in fax["subject"]


async def test_nothing_is_submitted_before_the_account_was_met(tmp_path: Path, account: Account) -> None:
    async with opened(tmp_path, Clock(), account) as pipeline:
        await pipeline.mail("15551234567")
        assert not await pipeline.submit.round()
        await meet(pipeline.spool, pipeline.fax_accounts.client("main"), account)
        assert await pipeline.submit.round()


async def test_many_pending_are_settled_by_one_list(pipeline: Pipeline, sandbox: Sandbox) -> None:
    for n in range(10):
        await pipeline.mail(f"1555123000{n}")
    while await pipeline.submit.round():
        pass
    await sandbox.control("requests", method="DELETE")
    await pipeline.forward(30)
    await pipeline.track.round()
    assert (await pipeline.spool.counts()).jobs == {"delivered": 10}
    calls = [request["operation"] for request in await sandbox.control("requests", method="GET")]
    assert calls.count("GetFaxList") == 1 and calls.count("FaxStatus") == 0 and calls.count("GetFaxDetails") == 10


@pytest.mark.parametrize("trouble", [False, True])
async def test_who_has_waited_longest_is_settled_first_and_nobody_in_trouble(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, trouble: bool
) -> None:
    for n in range(10):
        await pipeline.mail(f"1555123000{n}")
    while await pipeline.submit.round():
        pipeline.clock.now += 0.1
    waiting = [
        job.fax_id for job in sorted(await pipeline.spool.jobs.tracked("main"), key=lambda job: job.submitted_at)
    ]
    client, asked = pipeline.fax_accounts.client("main"), list[str]()
    details = client.fax_details

    async def heard(fax_id: str, *, submitted: datetime | None = None) -> FaxDetails:
        asked.append(fax_id)
        if trouble:
            raise AccountTrouble(Trouble.LOGIN)
        return await details(fax_id, submitted=submitted)

    monkeypatch.setattr(client, "fax_details", heard)
    await pipeline.forward(30)
    await pipeline.track.round()
    assert asked == (waiting[:1] if trouble else waiting)


async def test_what_is_still_in_the_outbox_costs_neither_a_call_nor_a_commit(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    for n in range(10):
        await pipeline.mail(f"1{200 + n}5550106" if n else "15551230000")  # …0106 stays In Queue for ever
    while await pipeline.submit.round():
        pass
    before = [await pipeline.spool.jobs.tracked("main")]
    await sandbox.control("requests", method="DELETE")
    for _ in range(600):
        pipeline.clock.now += 1
        await pipeline.track.round()
    calls = [request["operation"] for request in await sandbox.control("requests", method="GET")]
    assert calls.count("GetFaxList") <= 60, "six a minute"
    assert calls.count("GetFaxDetails") == 1 and calls.count("FaxStatus") == 0
    [was] = before
    assert {job.queue_id: job.version for job in await pipeline.spool.jobs.tracked("main")}.items() <= {
        job.queue_id: job.version for job in was
    }.items()


async def test_account_trouble_pauses_with_one_alarm_and_freezes_expiry(pipeline: Pipeline) -> None:
    jobs = [*await pipeline.mail("15551234567"), *await pipeline.mail("15557654321")]
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.LOGIN))
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.LOGIN))
    assert not await pipeline.submit.round()
    assert [letter.kind for letter in await pipeline.letters()] == ["alarm"]
    await pipeline.forward(3 * 86_400)
    assert not await pipeline.deadlines.round(), "the clock leapt, and the account is paused"
    await pipeline.fax_accounts.round()
    assert [letter.kind for letter in await pipeline.letters()] == ["alarm", "alarm"]
    for job in jobs:
        assert (await pipeline.job(job.queue_id)).expires_at >= pipeline.clock() + 86_000
    assert await pipeline.submit.round()


async def test_what_could_not_be_submitted_in_time_expires_with_a_report(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    for _ in range(25):
        await pipeline.forward(3600)
        # The monotonic clock of this pipeline moves along: that is waiting, no leap.
        await pipeline.deadlines.round()
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.FAILED and ended.status is not None and ended.status.code == "5.4.7"
    assert [letter.kind for letter in await pipeline.letters(job.queue_id)] == ["failed"]


async def test_while_the_wall_clock_leaps_nothing_expires(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    pipeline.clock.leap(2 * 86_400)
    await pipeline.deadlines.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.READY
    await pipeline.forward(4000)
    await pipeline.deadlines.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.FAILED


@pytest.mark.parametrize("leap", [2 * 86_400, -2 * 86_400], ids=["set forward", "set back, and right again"])
async def test_while_the_wall_clock_leaps_what_has_time_left_is_sent(leap: float, pipeline: Pipeline) -> None:
    """Not past its time only because the clock is: it would be neither sent nor ended for an hour, and then fail."""
    if leap < 0:
        pipeline.clock.leap(leap)
        await pipeline.deadlines.round()
    [job] = await pipeline.mail("15551234567")
    pipeline.clock.leap(abs(leap))
    await pipeline.submit.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED


async def test_what_has_expired_while_nobody_was_there_is_not_sent(
    tmp_path: Path, pipeline: Pipeline, account: Account
) -> None:
    [job] = await pipeline.mail("15551234567")
    await pipeline.forward(2 * 86_400)
    async with opened(tmp_path, pipeline.clock, account) as restarted:
        await restarted.submit.round()
        assert (await restarted.job(job.queue_id)).state is JobState.READY


async def delivered_once(pipeline: Pipeline) -> None:
    """The account has given a reference of ours back."""
    await pipeline.mail("15550009999")
    await pipeline.submit.round()
    await pipeline.forward(30)
    await pipeline.track.round()
    assert (await pipeline.spool.accounts.state("main")).reference_returned


async def look_until_settled(pipeline: Pipeline) -> None:
    for _ in range(12):
        await pipeline.forward(400)
        await pipeline.reconcile.round()


async def test_a_subject_that_comes_back_cut_proves_nothing(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """The service cuts long subjects, and with them the reference: our own fax must not be taken for a stranger's,
    or it would be "proven absent" and sent again and again (A38)."""
    await delivered_once(pipeline)
    await sandbox.control("quirks", {"cut_subject": 40})
    [job] = await pipeline.mail("15555550120", subject="A subject that is longer than the service lets it be")
    await pipeline.submit.round()
    await look_until_settled(pipeline)
    assert (await pipeline.job(job.queue_id)).state is JobState.IN_DOUBT
    assert len([fax for fax in await sandbox.faxes() if fax["number"] == "15555550120"]) == 1


async def test_an_account_that_sends_no_reference_any_more_proves_no_absence(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    await delivered_once(pipeline)
    async with opened(tmp_path, pipeline.clock, replace(account, reference="off")) as changed:
        [job] = await changed.mail("15555550120")
        await changed.submit.round()
        await look_until_settled(changed)
        # Out of the time window (this clock is not the service's): not found, and not sent again.
        assert (await changed.job(job.queue_id)).state is JobState.IN_DOUBT
    assert len([fax for fax in await sandbox.faxes() if fax["number"] == "15555550120"]) == 1


async def test_a_clock_that_leaps_during_a_post_proves_no_absence(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """The wall says that the lease is long over and the settling time, too; the POST goes on by its own clock."""
    await delivered_once(pipeline)
    [job] = await pipeline.mail("15551234567")
    claimed = await pipeline.spool.jobs.claim(["main"], 6.0)
    assert claimed is not None
    pipeline.clock.leap(3 * 3600)
    for _ in range(3):
        await pipeline.deadlines.round()
        await pipeline.reconcile.round()
        pipeline.clock.now += 40
    doubted = await pipeline.job(job.queue_id)
    assert doubted.state is JobState.IN_DOUBT
    await pipeline.submit._hand_over(claimed, may_finish=lambda: True)
    assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED
    assert len([fax for fax in await sandbox.faxes() if fax["number"] == "15551234567"]) == 1


async def in_doubt(pipeline: Pipeline, sandbox: Sandbox) -> FaxJob:
    """A fax that never reached the service, and whose answer was not heard; another was delivered before."""
    await delivered_once(pipeline)
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    doubted = await pipeline.job(job.queue_id)
    assert doubted.state is JobState.IN_DOUBT
    return doubted


async def looked_for(pipeline: Pipeline, job: FaxJob) -> JobState:
    """Its state after three more looks."""
    for _ in range(3):
        await pipeline.spool.jobs.postpone(await pipeline.job(job.queue_id), pipeline.clock())
        await pipeline.reconcile.round()
        if (await pipeline.job(job.queue_id)).state is not JobState.IN_DOUBT:
            break
    return (await pipeline.job(job.queue_id)).state


@pytest.mark.parametrize("leap", [0.0, 30 * 86_400.0, -30 * 86_400.0], ids=["steady", "set forward", "set back"])
async def test_the_settling_time_is_measured_whatever_the_wall_clock_does(
    leap: float, pipeline: Pipeline, sandbox: Sandbox
) -> None:
    job = await in_doubt(pipeline, sandbox)
    pipeline.clock.leap(leap)
    await pipeline.forward(890)
    assert await looked_for(pipeline, job) is JobState.IN_DOUBT
    await pipeline.forward(20)
    assert await looked_for(pipeline, job) is JobState.DEFERRED


@pytest.mark.parametrize("leap", [0.0, 30 * 86_400.0, -30 * 86_400.0], ids=["steady", "set forward", "set back"])
async def test_the_settling_time_goes_on_over_a_restart(
    leap: float, tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    job = await in_doubt(pipeline, sandbox)
    await pipeline.forward(800)
    pipeline.clock.leap(leap)
    async with opened(tmp_path, pipeline.clock, account) as restarted:
        assert await looked_for(restarted, job) is JobState.IN_DOUBT
        await restarted.forward(110)
        assert await looked_for(restarted, job) is JobState.DEFERRED


async def test_the_settling_time_begins_anew_when_the_machine_does(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    """What the wall says of the time before a start of the machine can't be measured any more."""
    job = await in_doubt(pipeline, sandbox)
    await pipeline.forward(890)
    async with opened(tmp_path, pipeline.clock, account) as rebooted:
        rebooted.reconcile._ages._boot = "another boot"
        await rebooted.forward(890)
        assert await looked_for(rebooted, job) is JobState.IN_DOUBT
        await rebooted.forward(20)
        assert await looked_for(rebooted, job) is JobState.DEFERRED


@pytest.mark.parametrize("number", ["15555550121", "15555550106"], ids=["in doubt", "submitted"])
@pytest.mark.parametrize("leap", [0.0, 86_400.0, -86_400.0], ids=["steady", "set forward", "set back"])
async def test_a_deadline_is_measured_whatever_the_wall_clock_does(
    pipeline: Pipeline, number: str, leap: float
) -> None:
    """A fax is handed over while the clock is a day wrong; two hours later the clock has been right for long."""
    pipeline.clock.leap(leap)
    [job] = await pipeline.mail(number)
    await pipeline.submit.round()
    began = (await pipeline.job(job.queue_id)).state
    assert began in (JobState.IN_DOUBT, JobState.SUBMITTED)
    pipeline.clock.leap(-leap)

    async def hours(number: int) -> JobState:
        for _ in range(number):
            await pipeline.forward(3600)
            current = await pipeline.job(job.queue_id)
            if not current.final:
                await pipeline.spool.jobs.postpone(current, pipeline.clock())
            await pipeline.track.round()
            await pipeline.reconcile.round()
            await pipeline.deadlines.round()
        return (await pipeline.job(job.queue_id)).state

    assert await hours(23) is began
    assert await hours(3) is JobState.UNCONFIRMED


async def test_each_attempt_has_to_be_missed_anew(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """Listings that missed an earlier attempt prove nothing about a later one."""
    await delivered_once(pipeline)
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 2})
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await look_until_settled(pipeline)
    again = await pipeline.job(job.queue_id)
    assert again.state is JobState.DEFERRED and again.absences >= 2
    await pipeline.submit.round()
    assert (await pipeline.job(job.queue_id)).absences == 0


async def test_doubt_that_can_not_be_settled_does_not_flood_the_service(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """A recent fax of ours was deleted over there: no listing is worth anything, and still few are asked for."""
    await delivered_once(pipeline)
    [known] = await sandbox.faxes()
    await sandbox.control(f"faxes/{known['id']}", method="DELETE")
    await pipeline.mail("15555550121")
    await pipeline.submit.round()
    await sandbox.control("requests", method="DELETE")
    for _ in range(600):
        pipeline.clock.now += 1
        await pipeline.reconcile.round()
    lists = [request["operation"] for request in await sandbox.control("requests", method="GET")]
    assert lists.count("GetFaxList") <= 60, "six a minute"


async def test_trouble_that_shows_only_in_sending_is_one_incident(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """SendFax is refused, every question is answered: one alarm, and the fax expires rather than waits for ever."""
    await sandbox.control("faults", {"operation": "SendFax", "action": "unauthorized", "count": None})
    [job] = await pipeline.mail("15551234567")
    for _ in range(400):
        pipeline.clock.now += 300
        await pipeline.fax_accounts.round()
        await pipeline.submit.round()
        await pipeline.deadlines.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.FAILED
    assert sorted(letter.kind for letter in await pipeline.letters()) == ["alarm", "failed"]
    await sandbox.control("faults", method="DELETE")
    [other] = await pipeline.mail("15557654321")
    for _ in range(10):
        pipeline.clock.now += 300
        await pipeline.fax_accounts.round()
        await pipeline.submit.round()
    assert (await pipeline.job(other.queue_id)).state is JobState.SUBMITTED
    kinds = sorted(letter.kind for letter in await pipeline.letters())
    assert kinds == ["alarm", "alarm", "failed"], "the all-clear comes with the first fax that is taken"


async def test_a_deadline_needs_an_answer(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """After a week-end off, the first question brings a 503: nobody is told "unconfirmed" on that."""
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await pipeline.forward(3 * 86_400)
    await sandbox.control("faults", {"operation": "*", "action": "unavailable", "count": 1})
    await pipeline.track.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED
    await pipeline.forward(400)
    await pipeline.track.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.DELIVERED


async def test_a_paused_account_leaves_nobody_without_an_answer(pipeline: Pipeline) -> None:
    """What waits, waits; what FaxCore may have ends unconfirmed at its deadline, though nobody can ask."""
    [sent] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    [waiting] = await pipeline.mail("15557654321")
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.LOGIN))
    for _ in range(30):
        await pipeline.forward(3600)
        await pipeline.deadlines.round()
    assert (await pipeline.job(sent.queue_id)).state is JobState.UNCONFIRMED
    assert (await pipeline.job(waiting.queue_id)).state is JobState.READY


async def test_a_fax_that_shows_up_after_its_answer_is_history_and_an_alarm(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    [job] = await pipeline.mail("15555550120")
    await pipeline.submit.round()
    doubted = await pipeline.job(job.queue_id)
    ended = await pipeline.ending.end(doubted, JobEvent.DEADLINE, status(Cause.UNCONFIRMED))
    await pipeline.mail("15555550121")
    await pipeline.submit.round()
    await pipeline.forward(60)
    await pipeline.reconcile.round()
    assert (await pipeline.job(job.queue_id)).state is ended.state
    alarm = [letter for letter in await pipeline.letters() if letter.kind == "alarm"]
    assert len(alarm) == 1
    assert any("its fax is at FaxCore" in line.detail for line in await pipeline.spool.history.of(job.queue_id))
    await pipeline.forward(400)
    await pipeline.reconcile.round()
    assert len([letter for letter in await pipeline.letters() if letter.kind == "alarm"]) == 1


async def test_a_dead_process_leaves_doubt_and_the_fax_is_found(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    """Killed between FaxCore's answer and our commit: the lease runs out, the reference finds the fax."""
    [job] = await pipeline.mail("15551234567")
    claimed = await pipeline.spool.jobs.claim(["main"], 6.0)
    assert claimed is not None
    async with pipeline.compose.sending(account, claimed.message, claimed.document, claimed.job) as sending:
        client = pipeline.fax_accounts.client("main")
        fax_id = await client.send_fax(sending.upload, sending.chunks, may_finish=lambda: True)
    async with opened(tmp_path, pipeline.clock, account) as other:
        await other.deadlines.round()
        assert (await other.job(job.queue_id)).state is JobState.SUBMITTING, "its lease still runs"
        await pipeline.forward(100)
        await other.deadlines.round()
        await other.reconcile.round()
        found = await other.job(job.queue_id)
        assert (found.state, found.fax_id) == (JobState.SUBMITTED, fax_id)
        assert not await other.submit.round()
    assert len(await sandbox.faxes()) == 1


async def test_an_answer_that_comes_after_the_lease_is_a_late_id(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """Stalled in the middle of a POST until the lease ran out: the job is in doubt, then the id arrives after all."""
    await sandbox.control("quirks", {"reply_delay_seconds": 1})
    [late] = await pipeline.mail("15555550124")

    async def stall() -> None:
        while (await pipeline.job(late.queue_id)).state is not JobState.SUBMITTING:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        await pipeline.forward(100)
        await pipeline.deadlines._orphaned()
        assert (await pipeline.job(late.queue_id)).state is JobState.IN_DOUBT

    await asyncio.gather(pipeline.submit.round(), stall())
    after = await pipeline.job(late.queue_id)
    assert after.state is JobState.SUBMITTED and after.fax_id
    assert len(await sandbox.faxes()) == 1


async def test_the_last_bytes_are_held_back_where_the_lease_is_too_short(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    """A lease that may run out while FaxCore answers must not be spent: nothing is sent, and the job waits."""
    [job] = await pipeline.mail("15551234567")
    claim = pipeline.spool.jobs.claim

    async def slow_claim(*args, **kwargs):
        claimed = await claim(*args, **kwargs)
        pipeline.clock.now += 5.0  # of a lease of six, with two to be left for the answer
        return claimed

    pipeline.spool.jobs.claim = slow_claim
    await pipeline.submit.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.DEFERRED
    assert await sandbox.faxes() == []


async def test_a_cancel_in_flight_is_honoured_only_when_nothing_was_sent(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    await sandbox.control("faults", {"operation": "SendFax", "action": "unavailable", "count": 1})
    [job] = await pipeline.mail("15551234567")
    claimed = await pipeline.spool.jobs.claim(["main"], 60.0)
    assert claimed is not None
    noted = claimed.job.after(JobEvent.CANCEL, cancel_requested=True)
    noted = await pipeline.spool.jobs.advance(claimed.job, noted, JobEvent.CANCEL)
    assert noted.state is JobState.SUBMITTING
    # The answer belongs to the attempt, though a cancel was noted meanwhile.
    await pipeline.submit._hand_over(claimed, may_finish=lambda: True)
    assert (await pipeline.job(job.queue_id)).state is JobState.DEFERRED
    await pipeline.deadlines.round()
    ended = await pipeline.job(job.queue_id)
    assert ended.state is JobState.CANCELLED
    assert [letter.kind for letter in await pipeline.letters(job.queue_id)] == ["cancelled"]
    assert await sandbox.faxes() == []


async def test_without_references_the_window_finds_the_fax(
    tmp_path: Path, sandbox: Sandbox, account: Account
) -> None:
    clock = Clock()
    clock.now = time.time()  # the service tells the true time, and the window is around it
    async with opened(tmp_path, clock, replace(account, reference="off")) as pipeline:
        await meet(pipeline.spool, pipeline.fax_accounts.client("main"), pipeline.account)
        [job] = await pipeline.mail("15555550120")
        await pipeline.forward(1)
        [waiting] = await pipeline.mail("15555550120")
        await pipeline.submit.round()
        assert (await pipeline.job(job.queue_id)).state is JobState.IN_DOUBT
        assert not await pipeline.submit.round(), "one fax in flight per number"
        await pipeline.forward(10)
        await pipeline.reconcile.round()
        assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED
        assert (await pipeline.job(waiting.queue_id)).state is JobState.READY
        [fax] = await sandbox.faxes()
        assert fax["subject"] == "Invoice 12"


async def test_faxes_of_others_are_asked_about_once(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """Somebody uses FaxCore's own pages: their faxes are noted as foreign, and never asked about again."""
    async with httpx.AsyncClient(trust_env=False, auth=(NUMBER, PASSWORD)) as http:
        await http.post(f"{sandbox.base_url}SendFax?recpfax=15551112222&filename=a.txt&subject=theirs", content=b"hi")
    [job] = await pipeline.mail("15555550121")
    await pipeline.submit.round()
    for _ in range(3):
        await pipeline.forward(400)
        await pipeline.reconcile.round()
    requests = await sandbox.control("requests", method="GET")
    assert [request["operation"] for request in requests].count("GetFaxDetails") == 1
    assert (await pipeline.job(job.queue_id)).state is JobState.IN_DOUBT


async def test_the_same_number_twice_in_a_mail_is_one_fax(pipeline: Pipeline) -> None:
    assert len(await pipeline.mail("15551234567", "15551234567", "15557654321")) == 2


async def test_an_account_taken_out_of_the_configuration_leaves_nobody_without_an_answer(
    tmp_path: Path, pipeline: Pipeline, account: Account
) -> None:
    """Faxes that FaxCore may have end unconfirmed; those that never left wait, and expire with a report."""
    [sent] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    [waiting] = await pipeline.mail("15557654321")
    async with opened(tmp_path, pipeline.clock, replace(account, name="other")) as later:
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


async def test_several_submitters_that_meet_one_trouble_owe_one_alarm(pipeline: Pipeline) -> None:
    trouble = AccountTrouble(Trouble.NO_CONNECTION)
    await asyncio.gather(*(pipeline.fax_accounts.trouble("main", trouble, sending=True) for _ in range(4)))
    assert [letter.kind for letter in await pipeline.letters()] == ["alarm"]
    assert pipeline.fax_accounts.lines["main"].trials == 1


async def test_after_an_outage_noticed_in_sending_the_waiting_get_their_time_back(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    await asyncio.gather(
        *(
            pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.NO_CONNECTION), sending=True)
            for _ in range(4)
        )
    )
    await pipeline.forward(30 * 3600)
    await pipeline.fax_accounts.round()
    assert not (await pipeline.spool.accounts.state("main")).paused
    assert (await pipeline.job(job.queue_id)).expires_at > pipeline.clock() + 80_000


async def test_one_all_clear_for_one_incident(pipeline: Pipeline) -> None:
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.LOGIN), sending=True)
    await pipeline.fax_accounts.well("main")
    assert len(await pipeline.letters()) == 1, "a POST that was under way proves nothing while it is paused"
    await pipeline.forward(600)
    await pipeline.fax_accounts.round()
    await asyncio.gather(*(pipeline.fax_accounts.well("main") for _ in range(3)))
    assert len(await pipeline.letters()) == 2


async def test_a_clock_put_back_keeps_no_account_paused(pipeline: Pipeline) -> None:
    pipeline.clock.leap(400 * 86_400)
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.LOGIN))
    pipeline.clock.leap(-400 * 86_400)
    pipeline.fax_accounts.lines["main"].try_at = 0.0
    await pipeline.fax_accounts.round()
    assert not (await pipeline.spool.accounts.state("main")).paused


async def test_a_folder_that_never_answers_ends_in_unconfirmed_though_others_do(
    pipeline: Pipeline, sandbox: Sandbox
) -> None:
    [job] = await pipeline.mail("15555550121")
    await pipeline.submit.round()
    for hour in range(30):
        await sandbox.control("faults", {"operation": "GetFaxList", "action": "unavailable", "count": 1})
        await pipeline.reconcile.round()
        await sandbox.control("faults", method="DELETE")
        await pipeline.mail(f"1555700{hour:04d}")
        await pipeline.submit.round()
        await pipeline.forward(3600)
        await pipeline.track.round()
        await pipeline.deadlines.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.UNCONFIRMED


async def test_a_passing_pause_ends_nothing(pipeline: Pipeline) -> None:
    """Off over a week-end, no DNS at boot: the account is paused for a minute, and everything is past its time."""
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await pipeline.forward(3 * 86_400)
    await pipeline.fax_accounts.trouble("main", AccountTrouble(Trouble.NO_CONNECTION))
    await pipeline.deadlines.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED
    await pipeline.forward(120)
    await pipeline.fax_accounts.round()
    await pipeline.track.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.DELIVERED


async def test_a_restart_launders_no_leap(
    tmp_path: Path, pipeline: Pipeline, account: Account, sandbox: Sandbox
) -> None:
    """The wall leapt while nobody looked: a settling time has to pass in this process before absence is believed."""
    await delivered_once(pipeline)
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await pipeline.forward(10)
    await pipeline.reconcile.round()
    pipeline.clock.leap(2 * 3600)
    async with opened(tmp_path, pipeline.clock, account) as born:
        for _ in range(3):
            await born.forward(5)
            await born.reconcile.round()
        assert (await born.job(job.queue_id)).state is JobState.IN_DOUBT
        await born.forward(1000)
        await born.reconcile.round()
        assert (await born.job(job.queue_id)).state is JobState.DEFERRED


async def test_a_forwarded_copy_of_an_old_fax_is_nobody_s_obstacle(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """Somebody sent a delivered fax on from FaxCore's own pages: it carries our reference, to another number."""
    await delivered_once(pipeline)
    [sent] = await sandbox.faxes()
    async with httpx.AsyncClient(trust_env=False, auth=(NUMBER, PASSWORD)) as http:
        query = f"recpfax=15558887777&filename=a.txt&subject={sent['subject'].replace(' ', '%20')}"
        await http.post(f"{sandbox.base_url}SendFax?{query}", content=b"hi")
    await sandbox.control("faults", {"operation": "SendFax", "action": "drop_before", "count": 1})
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await look_until_settled(pipeline)
    assert (await pipeline.job(job.queue_id)).state is JobState.DEFERRED


async def test_a_fax_whose_details_never_come_ends_at_its_deadline(pipeline: Pipeline, sandbox: Sandbox) -> None:
    """FaxStatus says "Completed" every time, GetFaxDetails never answers: silence is the answer in the end."""
    [job] = await pipeline.mail("15551234567")
    await pipeline.submit.round()
    await sandbox.control("faults", {"operation": "GetFaxDetails", "action": "unavailable", "count": None})
    for _ in range(30):
        await pipeline.forward(3600)
        await pipeline.track.round()
    assert (await pipeline.job(job.queue_id)).state is JobState.UNCONFIRMED


async def test_three_faxes_that_bring_no_answer_starve_no_other(
    pipeline: Pipeline, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = [job for n in range(6) for job in await pipeline.mail(f"1555123000{n}")]
    while await pipeline.submit.round():
        pass
    ids = sorted([(await pipeline.job(job.queue_id)).fax_id for job in jobs])
    client = pipeline.fax_accounts.client("main")
    ask = client.fax_status

    async def fax_status(fax_id: str) -> str:
        if fax_id in ids[:3]:
            raise Unavailable("x")
        return await ask(fax_id)

    monkeypatch.setattr(client, "fax_status", fax_status)
    pipeline.track._list_cost = 10**9  # each is asked for singly
    for _ in range(8):
        await pipeline.forward(600)
        await pipeline.track.round()
        pipeline.track._list_cost = 10**9
    assert (await pipeline.spool.counts()).jobs["delivered"] >= 3
    assert {(await pipeline.job(job.queue_id)).state for job in jobs} <= {JobState.DELIVERED, JobState.SUBMITTED}


async def test_a_fax_without_a_cover_page_sends_no_field_and_the_window_finds_it(
    tmp_path: Path, sandbox: Sandbox, account: Account
) -> None:
    """A reference would force a cover page: without one, number, time and pages decide, one fax to a number."""
    clock = Clock()
    clock.now = time.time()
    async with opened(tmp_path, clock, account) as pipeline:
        await meet(pipeline.spool, pipeline.fax_accounts.client("main"), pipeline.account)
        [job] = await pipeline.mail("15555550120", cover="no")
        await pipeline.forward(1)
        [bare] = await pipeline.mail("15555550120", cover="no")
        await pipeline.submit.round()
        assert (await pipeline.job(job.queue_id)).state is JobState.IN_DOUBT
        assert not await pipeline.submit.round(), "one such fax in flight per number"
        await pipeline.forward(10)
        await pipeline.reconcile.round()
        assert (await pipeline.job(job.queue_id)).state is JobState.SUBMITTED
        assert (await pipeline.job(bare.queue_id)).state is JobState.READY
        [fax] = await sandbox.faxes()
        assert fax["cover"] is None and fax["subject"] == ""


async def test_a_fax_that_may_be_another_s_with_its_reference_cut_off_is_nobody_s(
    tmp_path: Path, sandbox: Sandbox, account: Account
) -> None:
    clock = Clock()
    clock.now = time.time()
    await sandbox.control("quirks", {"cut_subject": 5})
    async with opened(tmp_path, clock, account) as pipeline:
        await meet(pipeline.spool, pipeline.fax_accounts.client("main"), pipeline.account)
        unbounded = replace(pipeline.context, limits=replace(pipeline.context.limits, faxes_per_number=0))
        pipeline.submit = Submit(unbounded, pipeline.fax_accounts, pipeline.ending, pipeline.compose)
        [bare] = await pipeline.mail("15555550120", cover="no")
        await pipeline.submit.round()
        [referenced] = await pipeline.mail("15555550120")
        await pipeline.submit.round()
        assert {(await pipeline.job(one.queue_id)).state for one in (bare, referenced)} == {JobState.IN_DOUBT}
        await pipeline.forward(10)
        await pipeline.reconcile.round()
        assert (await pipeline.job(bare.queue_id)).state is JobState.IN_DOUBT


async def test_absence_is_never_proven_for_a_fax_without_a_reference(pipeline: Pipeline, sandbox: Sandbox) -> None:
    await delivered_once(pipeline)
    for cover, state in (("yes", JobState.DEFERRED), ("no", JobState.IN_DOUBT)):
        [job] = await pipeline.mail("15551234567", cover=cover)
        assert await pipeline.spool.jobs.claim(["main"], 6.0) is not None
        await pipeline.forward(100)
        await pipeline.deadlines.round()
        await look_until_settled(pipeline)
        assert (await pipeline.job(job.queue_id)).state is state


async def test_a_preview_is_never_claimed_for_submission(pipeline: Pipeline) -> None:
    [job] = await pipeline.mail("15551234567")
    [preview] = await pipeline.mail("15551234567", preview=True)
    claimed = await pipeline.spool.jobs.claim(["main"], 60.0)
    assert claimed is not None and claimed.job.queue_id == job.queue_id
    assert await pipeline.spool.jobs.claim(["main"], 60.0) is None
    found = await pipeline.spool.jobs.preview()
    assert found is not None and found.queue_id == preview.queue_id
