"""Damaged rows are answered: the sender of a fax hears what became of it, the postmaster of each row.

In: what the spool moved aside because it can't be read. Out: letters. A fax that was never handed over has failed;
one that may have left us is unconfirmed; one whose end was told already stays as it was told. The faxes of a damaged
document fail. A received fax that was not stored yet is fetched again.
"""

from __future__ import annotations

import logging
from contextlib import suppress

from mailfax import letters
from mailfax.context import Context, Worker
from mailfax.offramp.ending import Ending
from mailfax.rules.job import FaxJob, Letter
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.rules.status import Cause, status
from mailfax.spool import Damaged, Outdated

log = logging.getLogger(__name__)

_STATES = {state.value: state for state in JobState}
#: What is said of an end of which only the history knows.
_ENDS = {
    JobState.DELIVERED: Cause.DELIVERED_UNCOUNTED,
    JobState.FAILED: Cause.FAILED_UNSAID,
    JobState.CANCELLED: Cause.CANCELLED_HERE,
}


class AnswerDamage(Worker):
    """Answers damaged rows, all that there are in a round."""

    news = ("moved-aside",)

    def __init__(self, context: Context, ending: Ending) -> None:
        self._spool, self._site, self._marks = context.spool, context.site, context.marks
        self._ending = ending

    async def round(self) -> bool:
        """Answer what is damaged; False if nothing was."""
        found = await self._spool.damage.untold()
        if not found:
            return False
        ends: list[tuple[Damaged, JobState | None]] = []
        owed: list[Letter] = []
        for row in found:
            if row.table == "document":
                await self._fail_jobs(row.message)
            job = await self._ended(row) if row.table == "job" else None
            ends.append((row, job.state if job else None))
            if job:
                owed += await self._ending.letters((job,))
                owed += await self._for_program(job)
        told = [(row.table, row.name, _what(row, end)) for row, end in ends]
        owed.append(letters.damaged(self._site, self._marks(), rows=told))
        with suppress(Outdated):  # another process was first
            await self._spool.damage.told(ends, owed)
        return True

    async def _ended(self, row: Damaged) -> FaxJob | None:
        """The fax as its sender is to hear of it; None where they have heard already."""
        if _STATES.get(row.state) in JOB.final and not row.owed:
            return None
        state, why = _end_of(row)
        message = await self._spool.intake.message(row.message)
        now = self._spool.now()
        return FaxJob(
            queue_id=row.name,
            message=row.message,
            account=row.account,
            address=row.address,
            number="".join(char for char in row.address.partition("@")[0] if char.isascii() and char.isdigit()),
            recipient_name="",
            notify=None,
            orcpt="",
            reference="",
            state=state,
            accepted_at=message.received_at if message else now,
            expires_at=now,
            submit_at=now,
            ended_at=now,
            status=status(why),
        )

    async def _for_program(self, job: FaxJob) -> list[Letter]:
        message = await self._spool.intake.message(job.message)
        if message is None or not message.outcome_webhook:
            return []
        sandbox = self._ending.is_sandbox(job.account)
        return [letters.for_program(message, job, self._marks(), sandbox=sandbox)]

    async def _fail_jobs(self, message: str) -> None:
        """None of them has pages any more."""
        for job in await self._spool.jobs.of(message):
            event = JobEvent.DOCUMENT_IMPOSSIBLE
            if not JOB.may(job.state, event):
                event = JobEvent.EXPIRED  # it was put off: it has waited for nothing
            if JOB.may(job.state, event):
                with suppress(Outdated):
                    await self._ending.end(job, event, status(Cause.DAMAGED_UNSENT))


def _end_of(row: Damaged) -> tuple[JobState, Cause]:
    """How it ended, as the history has it, or as it ends now."""
    state = _STATES.get(row.state)
    if state in _ENDS:
        return state, _ENDS[state]
    if state in JOB.final or row.tried:
        return JobState.UNCONFIRMED, Cause.DAMAGED_UNCONFIRMED
    return JobState.FAILED, Cause.DAMAGED_UNSENT


def _what(row: Damaged, end: JobState | None) -> str:
    """What was done about it, for the postmaster."""
    if row.table == "document":
        return "its faxes that were not handed over have failed, and their sender was told"
    if row.table == "inbound":
        return "fetched again" if row.is_lost else "it was mailed before"
    if row.table == "letter":
        return f"the mail to {row.address or 'somebody'} may not have been delivered"
    if end is None:
        return f"its sender was told before: {row.state}"
    return (
        "its sender was told that it may or may not have been sent" if row.tried else "its sender was told: not sent"
    )
