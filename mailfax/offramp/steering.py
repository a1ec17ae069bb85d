"""What a person may do to a fax or a notification: hold, release, cancel, requeue, resend; and the truth about each.

In: a job or a notification as it stands. Out: ``Told``: whether it was done, and a sentence. What FaxCore may have
can't be held or taken back: a cancel is noted, and honoured only once it is sure that nothing was sent
(``rules.states``).
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from mailfax.offramp.faxes import Fax
from mailfax.rules.job import FaxJob, InboundFax, Letter
from mailfax.rules.queue_id import job_id
from mailfax.rules.reason import UNDER_WAY
from mailfax.rules.reference import draw_reference
from mailfax.rules.send_time import Window
from mailfax.rules.states import (
    INBOUND,
    JOB,
    LETTER,
    NON_FINAL,
    InboundEvent,
    InboundState,
    JobEvent,
    JobState,
    LetterEvent,
    LetterState,
)
from mailfax.spool import CeilingReached, Outdated, QueueIdTaken, QuotaUsedUp, ReferenceTaken, Spool, Statement

#: How often a row may change under our hands before we say so.
TRIES = 5
#: The states in which each verb changes something.
MEANT: dict[str, tuple[JobState, ...]] = {
    "hold": (JobState.ACCEPTED, JobState.READY, JobState.DEFERRED),
    "release": (JobState.HELD,),
    "cancel": NON_FINAL,
    "requeue": (JobState.ACCEPTED, JobState.READY, JobState.DEFERRED, JobState.IN_DOUBT, JobState.SUBMITTED),
    "resend": (JobState.FAILED, JobState.CANCELLED),
}


@dataclass(frozen=True, slots=True)
class Told:
    """What came of it. ``done`` is False where nothing was changed, or not all that was asked for."""

    done: bool
    sentence: str


class Steering:
    """The verbs. ``expire_seconds`` is how long a fax that is sent again may wait; ``by`` is who wants it, for the
    history; ``spends``: what a fax that is sent again takes of a day's faxes."""

    def __init__(
        self,
        spool: Spool,
        *,
        expire_seconds: float,
        even_if_sent: bool = False,
        by: str = "a person",
        spends: Sequence[Statement] = (),
    ) -> None:
        self._spool, self._expire_seconds, self._even_if_sent = spool, expire_seconds, even_if_sent
        self._by, self._spends = f"by {by}", spends

    async def any(self, verb: str, name: str) -> list[tuple[str, Told]]:
        """Do ``verb`` to whatever has that name: a fax, a message with its faxes, a notification, a received fax."""
        if await self._spool.jobs.get(name):
            return [(name, await self.fax(verb, name))]
        if jobs := await self._spool.jobs.of(name):
            return [(job.queue_id, await self.fax(verb, job.queue_id)) for job in jobs]
        if letter := await self._spool.outbox.get(name):
            return [(name, await self.letter(verb, letter))]
        if fax := await self._spool.queue.received(name):
            return [(name, await self.received(verb, fax))]
        return [(name, Told(False, "no message, fax or notification has this queue ID"))]

    async def fax(self, verb: str, queue_id: str) -> Told:
        """Do ``verb`` ("hold", "release", "cancel", "requeue", "resend") to a job."""
        verbs: dict[str, Callable[[FaxJob], Awaitable[Told]]] = {
            "hold": self._hold,
            "release": self._release,
            "cancel": self._cancel,
            "requeue": self._requeue,
            "resend": self._resend,
        }
        for _ in range(TRIES):
            job = await self._spool.jobs.get(queue_id)
            if job is None:
                return Told(False, "there is no such fax")
            if job.final and verb != "resend":
                return Told(False, f"has ended already: {job.state.value}")
            try:
                return await verbs[verb](job)
            except (Outdated, QueueIdTaken, ReferenceTaken):
                continue  # it moved on: the truth may be another one now
        return Told(False, "is changing all the time just now; try again")

    async def _hold(self, job: FaxJob) -> Told:
        if job.state is JobState.HELD:
            return Told(True, "is held already")
        if not JOB.may(job.state, JobEvent.HOLD):
            return Told(False, f"can't be held: {UNDER_WAY[job.state]}")
        await self._spool.jobs.advance(job, job.after(JobEvent.HOLD), JobEvent.HOLD, detail=self._by)
        return Told(True, "held; it waits until it is released, and expires as any other")

    async def _release(self, job: FaxJob) -> Told:
        if job.state is not JobState.HELD:
            return Told(False, f"is not held: {job.state.value}")
        document = await self._spool.documents.get(job.message)
        made = document is not None and document.state == "ready"
        event = JobEvent.RELEASE if made else JobEvent.RELEASE_WITHOUT_DOCUMENT
        released = job.after(event, submit_at=self._spool.now())
        await self._spool.jobs.advance(job, released, event, detail=self._by)
        return Told(True, "released")

    async def _cancel(self, job: FaxJob) -> Told:
        wanted = replace(job, cancel_requested=True)
        if job.state not in UNDER_WAY:
            if not job.cancel_requested:
                await self._spool.jobs.note(job, wanted, detail=f"cancel {self._by}")
            return Told(True, "cancelled; nothing was sent, and nothing will be")
        if not job.cancel_requested:
            await self._spool.jobs.advance(job, wanted, JobEvent.CANCEL, detail=f"{self._by}, noted")
        where = f" as {job.fax_id}: it can be stopped only on its own pages" if job.fax_id else ""
        return Told(
            False, f"noted: {UNDER_WAY[job.state]}{where}; it is cancelled only if it proves that nothing was sent"
        )

    async def _requeue(self, job: FaxJob) -> Told:
        now = self._spool.now()
        if job.state is JobState.HELD:
            return Told(False, "is held: mailfax release lets it go")
        if job.not_before or job.not_after:
            job = await self._spool.jobs.note(job, job.within(Window()), detail=f"{self._by}: at any time")
        if job.state is JobState.DEFERRED:
            due = job.after(JobEvent.DUE, submit_at=now)
            await self._spool.jobs.advance(job, due, JobEvent.DUE, detail=self._by)
        elif job.state is JobState.ACCEPTED:
            if not await self._spool.documents.make_now(job.message):
                return Told(True, "its pages are being made just now")
        elif job.state is JobState.SUBMITTING:
            return Told(False, f"nothing to do: {UNDER_WAY[job.state]}")
        else:
            await self._spool.jobs.postpone(job, now)
        asked = job.state in UNDER_WAY
        return Told(True, "FaxCore is asked about it now" if asked else "tried again now")

    async def _resend(self, job: FaxJob) -> Told:
        if not job.final:
            return Told(False, f"has not ended: {job.state.value}; mailfax requeue tries it again now")
        if job.preview:
            return Told(False, "was a preview: send its message again")
        message = await self._spool.intake.message(job.message)
        if message is None or not message.content_id:
            return Told(False, "can't be sent again: its content was deleted; send its message again")
        others = await self._spool.jobs.of(job.message)
        newer = [each for each in others if each.number == job.number and each.accepted_at > job.accepted_at]
        if newer:
            return Told(False, f"was sent again already, as {newer[-1].queue_id}")
        if job.state in (JobState.DELIVERED, JobState.UNCONFIRMED) and not self._even_if_sent:
            truth = "was delivered" if job.state is JobState.DELIVERED else "may have been sent"
            return Told(False, f"{truth}: give --even-if-sent to send it a second time")
        document = await self._spool.documents.get(job.message)
        made = document is not None and document.state == "ready"
        again = Fax.of(job).job(
            job_id(job.message, 1 + max(int(each.queue_id.rpartition("-")[2]) for each in others)),
            draw_reference(secrets.choice),
            account=job.account,
            now=self._spool.now(),
            expire_seconds=self._expire_seconds,
            made=made,
        )
        # The newer one, also where the clock stands still.
        again = replace(again, accepted_at=max(again.accepted_at, job.accepted_at + 0.001))
        try:
            await self._spool.jobs.resend(job, again, self._spends)
        except (QuotaUsedUp, CeilingReached):
            return Told(False, "can't be sent again today: no faxes are left for this day")
        return Told(True, f"is sent again as {again.queue_id}")

    async def letter(self, verb: str, letter: Letter) -> Told:
        """Do ``verb`` to a notification: resend and requeue hand it over now, cancel gives it up."""
        event = {"resend": LetterEvent.RESEND, "requeue": LetterEvent.RESEND, "cancel": LetterEvent.CANCEL}.get(verb)
        if event is None:
            return Told(False, "is a notification: it can only be resent, requeued or cancelled")
        if not LETTER.may(letter.state, event):
            return Told(False, f"can't be changed: {letter.state.value}")
        now = self._spool.now()
        changes = {"next_attempt_at": now}
        if letter.state is LetterState.UNDELIVERABLE and event is LetterEvent.RESEND:
            # Its age and its refusals count anew: a person has looked at it.
            changes |= {"decided_at": now, "refused_at": 0.0, "tried_at": 0.0, "refusals": 0, "attempts": 0}
        try:
            await self._spool.outbox.advance(letter, letter.after(event, **changes), event, detail=self._by)
        except Outdated:
            return Told(False, "is being handed over just now")
        told = "given up; it is not sent" if verb == "cancel" else "is handed over now"
        return Told(True, told)

    async def received(self, verb: str, fax: InboundFax) -> Told:
        """Do ``verb`` to a received fax: requeue fetches it now, resend has what was stored brought once more."""
        if verb == "resend":
            return await self._bring_again(fax)
        if verb != "requeue":
            return Told(False, "is a received fax: it can only be requeued or resent")
        if fax.state not in (InboundState.LISTED, InboundState.UNREADABLE):
            return Told(False, f"has ended already: {fax.state.value}")
        now_is = fax.after(InboundEvent.NOT_NOW, next_attempt_at=self._spool.now())
        try:
            await self._spool.inbound.advance(fax, now_is, InboundEvent.NOT_NOW, detail=self._by)
        except Outdated:
            return Told(False, "is being fetched just now")
        return Told(True, "is fetched again now")

    async def _bring_again(self, fax: InboundFax) -> Told:
        if fax.state is InboundState.AGAIN:
            return Told(True, "is sent again already")
        if not INBOUND.may(fax.state, InboundEvent.RESEND):
            return Told(False, f"was never sent: {fax.state.value}; mailfax requeue fetches what can be had")
        if not fax.content_id:
            return Told(False, "can't be sent again: its content was deleted")
        try:
            again = fax.after(InboundEvent.RESEND)
            await self._spool.inbound.advance(fax, again, InboundEvent.RESEND, detail=self._by)
        except Outdated:
            return Told(False, "is changing just now; try again")
        return Told(True, "is sent again, to where the routes say now")
