"""Fax jobs: claimed, advanced along the arrows of ``rules.states``, and found again.

In: a job as it was read and as it is now. Out: the same with its new version. Every arrow is one commit with its line
of history, the letters it owes and, where it learned a fax id, the ledger's row. ``spool.jobs``.
"""

from __future__ import annotations

import contextlib
import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mailfax.rules.job import Document, FaxJob, Letter, Message
from mailfax.rules.schedule import UNCLEAR_IN_A_ROW
from mailfax.rules.states import JOB, JobEvent, JobState
from mailfax.spool.commits import (
    Commit,
    FaxIdTaken,
    Hits,
    Outdated,
    QueueIdTaken,
    ReferenceTaken,
    Statement,
    Values,
    commit_name,
)
from mailfax.spool.engine import Engine
from mailfax.spool.outbox import CLASHES, Outbox
from mailfax.spool.reports import owe
from mailfax.spool.rows import document_of, history, job_of, job_values, message_of, move_aside, readable

#: What a job's document must be for the job to stand there.
_DOCUMENT = {JobState.ACCEPTED: "pending", JobState.READY: "ready"}
_WAIT_FOR_DOCUMENT = (JobState.ACCEPTED, JobState.HELD)
#: A fax that was handed over longer ago than this keeps no other from its number: FaxCore has redialled by then.
LINE_SECONDS = 3600.0
#: No limit, where a question has one.
ALL = 2**31
#: How many jobs one question names.
CHUNK = 500
#: Answers to SendFax that say something of the account: whether they were clear.
_CLEAR = {JobEvent.ID_GIVEN: True, JobEvent.NO_ANSWER: False}


@dataclass(frozen=True, slots=True)
class Claimed:
    """A job of ours to submit, with all that this needs."""

    job: FaxJob
    message: Message
    document: Document


@dataclass(frozen=True, slots=True)
class Heads:
    """When the first DEFERRED job is due, and the first READY one of each account that has any."""

    deferred: float
    ready: dict[str, float]

    def due(self, now: float) -> list[str]:
        """The accounts that have a READY job that is due, those that wait longest first."""
        return sorted((name for name, at in self.ready.items() if at <= now), key=lambda name: self.ready[name])

    def next_at(self, now: float) -> float:
        """When the first is due that is not due yet."""
        return min((at for at in (self.deferred, *self.ready.values()) if at > now), default=math.inf)


@dataclass(frozen=True, slots=True)
class Pending:
    """A SUBMITTED job, as far as a list of FaxCore needs it."""

    queue_id: str
    fax_id: str
    submitted_at: float


class Jobs:
    """``spool.jobs``."""

    def __init__(self, engine: Engine, outbox: Outbox) -> None:
        self._engine, self._outbox = engine, outbox
        self._claims = itertools.count(1)

    async def heads(self, accounts: Sequence[str]) -> Heads:
        """What Submit may do next: when the first DEFERRED job is due, and the first READY one of each account."""
        asked = [("job_ready_head", {"account": account}) for account in accounts]
        [deferred, *ready] = await self._engine.read(("job_deferred_head", {}), *asked)
        moments = {account: rows[0]["submit_at"] for account, rows in zip(accounts, ready, strict=True) if rows}
        return Heads(deferred[0]["submit_at"] if deferred else math.inf, moments)

    async def make_due(self) -> int:
        """DEFERRED jobs whose time has come become READY, up to 500 at once; how many."""
        event = JobEvent.DUE
        values = {"event_word": event.value, "state": JOB.after(JobState.DEFERRED, event).value}
        commit = Commit(
            commit_name(event), (Statement("job_due_history", values, Hits.SOME), Statement("job_due", values))
        )
        try:
            results = await self._engine.commit(commit)
        except Outdated:
            return 0
        return results[1].hits

    async def claim(
        self,
        accounts: Sequence[str],
        lease: float,
        *,
        one_by_one: Sequence[str] = (),
        per_number: int = 0,
        leapt: float = 0.0,
    ) -> Claimed | None:
        """A READY job that is due, now SUBMITTING and ours for ``lease`` seconds, or None: of the first account that
        has any, the one that is due longest.

        Accounts in ``one_by_one`` have at most one fax in flight per number. All have at most ``per_number`` (0: any)
        that were handed over within ``LINE_SECONDS``. What has expired only because the clock ``leapt`` by so many
        seconds has not.
        """
        for account in accounts:
            if claimed := await self._claim(account, lease, account in one_by_one, per_number, leapt):
                return claimed
        return None

    async def _claim(
        self, account: str, lease: float, one_by_one: bool, per_number: int, leapt: float
    ) -> Claimed | None:
        event = JobEvent.CLAIMED
        while True:
            values = {
                "account": account,
                "one_by_one": int(one_by_one),
                "per_number": per_number,
                "line_seconds": LINE_SECONDS,
                "claim": f"{self._engine.epoch}-{next(self._claims)}",
                "lease": lease,
                "leapt": leapt,
                "most_unclear": UNCLEAR_IN_A_ROW,
                "event_word": event.value,
                "state": JOB.after(JobState.READY, event).value,
            }
            commit = Commit(
                "claim", (Statement("job_claim", values, Hits.ONE), Statement("job_claim_history", values, Hits.ONE))
            )
            try:
                results = await self._engine.commit(commit)
            except Outdated:
                return None
            [row] = results[0].rows
            [messages, documents] = await self._engine.read(
                ("message_get", {"queue_id": row["message"]}), ("document_get", {"message": row["message"]})
            )
            try:
                return Claimed(job_of(row), message_of(messages[0]), document_of(documents[0]))
            except (ValueError, TypeError, LookupError) as trouble:
                await move_aside(self._engine, "job", {"queue_id": row["queue_id"]}, trouble)

    async def advance(
        self,
        was: FaxJob,
        now_is: FaxJob,
        event: JobEvent,
        *,
        detail: str = "",
        letters: Sequence[Letter] = (),
    ) -> FaxJob:
        """Store ``now_is = was.after(event, …)``, with the letters that this owes; an end without any owes a report
        (``spool.reports``).

        Raises ``Outdated``, and ``FaxIdTaken`` where a new ``fax_id`` belongs to something else.
        """
        name = commit_name(event)
        guard = changed(was, now_is, only_expired=event is JobEvent.LEASE_EXPIRED)
        more: tuple[Statement, ...] = ()
        if event in _CLEAR:
            more = (Statement("account_unclear", {"name": was.account, "clear": int(_CLEAR[event])}),)
        if now_is.final and not letters:
            more = (*more, *owe((now_is,)))
        return await self._store(name, guard, was, now_is, event.value, detail, letters, more)

    async def note(self, was: FaxJob, now_is: FaxJob, *, detail: str = "", letters: Sequence[Letter] = ()) -> FaxJob:
        """Store what was learned without an arrow: absences, a delay that was told. Raises ``Outdated``."""
        if now_is.state is not was.state:
            raise ValueError(f"{was.queue_id}: a note does not change the state")
        return await self._store("noted", changed(was, now_is), was, now_is, "noted", detail, letters)

    async def delayed(self, jobs: Sequence[FaxJob], *, detail: str, letters: Sequence[Letter] = ()) -> None:
        """Jobs of one message are known to wait long, and their sender is told; of those that FaxCore has, it is
        silent. Raises ``Outdated``."""
        statements: list[Statement] = []
        name = "noted"
        for was in jobs:
            silent = JOB.may(was.state, JobEvent.SILENT)
            now_is = was.after(JobEvent.SILENT, delay_told=True) if silent else replace(was, delay_told=True)
            name = commit_name(JobEvent.SILENT) if silent else name
            line = history(was.queue_id, JobEvent.SILENT.value if silent else "noted", now_is.state, detail)
            statements += [changed(was, now_is), line]
        async with self._outbox.sealed(letters) as owed:
            await self._engine.commit(Commit(name, (*statements, *owed), CLASHES))

    async def resend(self, was: FaxJob, again: FaxJob, spends: Sequence[Statement] = ()) -> None:
        """A new job beside one that has ended, by a person's order; its document is made again where there is none.

        ``spends``: what it takes of a day's faxes (``Usage.faxes``). Raises ``QueueIdTaken`` and ``ReferenceTaken``:
        draw again; ``Outdated`` where its content was deleted; what ``spends`` miss with.
        """
        more = () if again.state is JobState.READY else (Statement("document_now", {"message": was.message}),)
        statements = (
            Statement("message_whole", {"message": was.message}, Hits.ONE),
            *spends,
            Statement("job_add", job_values(again), Hits.ONE),
            history(was.queue_id, "sent again by a person", was.state, f"as {again.queue_id}"),
            history(again.queue_id, "accepted", again.state, f"{was.queue_id}, sent again by a person"),
            *more,
        )
        clashes = {"job.queue_id": QueueIdTaken, "job.reference": ReferenceTaken}
        await self._engine.commit(Commit("resent", statements, clashes))

    async def postpone(self, was: FaxJob, until: float) -> None:
        """Nothing is done about it before; no arrow and no line of history. Raises ``Outdated``."""
        await self._engine.commit(Commit("postponed", (Statement("job_postpone", _put_off(was, until), Hits.ONE),)))

    async def postpone_all(self, laters: Sequence[tuple[FaxJob, float]]) -> None:
        """The same for many, in few commits; those that somebody else changed are left out."""
        for start in range(0, len(laters), CHUNK):
            values = tuple(_put_off(was, until) for was, until in laters[start : start + CHUNK])
            with contextlib.suppress(Outdated):
                await self._engine.commit(Commit("postponed", (Statement("job_postpone", values, Hits.SOME),)))

    async def _store(
        self,
        name: str,
        guard: Statement,
        was: FaxJob,
        now_is: FaxJob,
        event: str,
        detail: str,
        letters: Sequence[Letter],
        more: Sequence[Statement] = (),
    ) -> FaxJob:
        statements = [guard, history(was.queue_id, event, now_is.state, detail), *more]
        if was.state in _WAIT_FOR_DOCUMENT and now_is.state not in (*_WAIT_FOR_DOCUMENT, JobState.READY):
            statements.append(Statement("document_unneeded", {"message": was.message}))
        if now_is.fax_id and now_is.fax_id != was.fax_id:
            own = {"account": was.account, "fax_id": now_is.fax_id, "owner": was.queue_id}
            statements.append(Statement("ledger_own", own, Hits.ONE, FaxIdTaken))
        async with self._outbox.sealed(letters) as owed:
            await self._engine.commit(Commit(name, (*statements, *owed), CLASHES))
        return replace(now_is, version=was.version + 1)

    async def several(self, queue_ids: Sequence[str]) -> list[FaxJob]:
        """These jobs, in any order; those that can't be read are left out."""
        found = []
        for start in range(0, len(queue_ids), CHUNK):
            found += await self._read("job_several", {"queue_ids": tuple(queue_ids[start : start + CHUNK])})
        return found

    async def get(self, queue_id: str) -> FaxJob | None:
        jobs = await self._read("job_get", {"queue_id": queue_id})
        return jobs[0] if jobs else None

    async def of(self, message: str) -> list[FaxJob]:
        """The jobs of a message."""
        return await self._read("job_of", {"message": message})

    async def listing(
        self,
        *,
        states: Sequence[JobState] | None = None,
        account: str = "",
        limit: int = 100,
        offset: int = 0,
    ) -> list[FaxJob]:
        """Newest first."""
        values: dict[str, object] = {"account": account, "limit": limit, "offset": offset}
        if states is None:
            return await self._read("job_newest", values)
        return await self._read("job_list", values | {"states": tuple(state.value for state in states)})

    async def submitted(self, account: str, limit: int = ALL) -> list[FaxJob]:
        """SUBMITTED jobs, due or not: what is asked about first comes first."""
        return await self._read("job_submitted", {"account": account, "limit": limit})

    async def in_doubt(self, account: str, limit: int = ALL) -> list[FaxJob]:
        """IN_DOUBT jobs, due or not: what is looked for first comes first."""
        return await self._read("job_in_doubt", {"account": account, "limit": limit})

    async def tracked(self, account: str) -> list[FaxJob]:
        """What FaxCore may know of: SUBMITTED and IN_DOUBT."""
        return [*await self.submitted(account), *await self.in_doubt(account)]

    async def pending(self, account: str, until: float) -> list[Pending]:
        """SUBMITTED jobs that are asked about until then, as far as a list of FaxCore needs them."""
        [rows] = await self._engine.read(("job_pending", {"account": account, "until": until}))
        return [Pending(*row) for row in rows]

    async def silent(self, account: str, oldest: float, limit: int = 500) -> list[FaxJob]:
        """What FaxCore may have since before ``oldest``."""
        return await self._read("job_silent", {"account": account, "oldest": oldest, "limit": limit})

    async def recent(self, account: str, since: float, limit: int) -> list[FaxJob]:
        """Those with a fax id that were submitted since then, newest first."""
        return await self._read("job_recent", {"account": account, "since": since, "limit": limit})

    async def tried(self, account: str) -> list[FaxJob]:
        """Those of which an attempt may have made a fax whose id nobody has told us."""
        return await self._read("job_tried", {"account": account})

    async def expired_submissions(self) -> list[FaxJob]:
        """SUBMITTING with a lease that ran out: its process died, or hangs. Never a second POST."""
        return await self._read("job_expired_submissions", {})

    async def overdue(self, limit: int = 500) -> list[FaxJob]:
        """Waiting jobs past ``expires_at``; none of a paused account, whose time stands still."""
        return await self._read("job_overdue", {"limit": limit})

    async def waiting_accounts(self) -> list[str]:
        """Accounts for which faxes wait."""
        [rows] = await self._engine.read(("job_waiting_accounts", {}))
        return [str(row["account"]) for row in rows]

    async def waiting_senders(self) -> list[tuple[str, str]]:
        """(address, login) of senders whose faxes wait, and are not held."""
        [rows] = await self._engine.read(("job_waiting_senders", {}))
        return [(str(row["sender"]), str(row["login"])) for row in rows]

    async def waiting_of(self, sender: str, login: str) -> list[FaxJob]:
        """The waiting faxes of one of them."""
        return await self._read("job_waiting_of", {"sender": sender, "login": login})

    async def closed(self) -> list[FaxJob]:
        """Waiting jobs whose office hours are over."""
        return await self._read("job_closed", {})

    async def cancel_wanted(self) -> list[FaxJob]:
        """Jobs whose cancelling was asked for while in flight, and which are now surely not sent."""
        return await self._read("job_cancel_wanted", {})

    async def preview(self, *, leapt: float = 0.0) -> FaxJob | None:
        """The READY preview that waits longest, or None; ``leapt`` as with ``claim``."""
        jobs = await self._read("job_previews", {"leapt": leapt})
        return jobs[0] if jobs else None

    async def untold(self, accepted_before: float, limit: int = 500) -> list[FaxJob]:
        """Jobs without an end, accepted before then, whose sender has had no delay letter."""
        return await self._read("job_untold", {"accepted_before": accepted_before, "limit": limit})

    async def by_reference(self, account: str, reference: str) -> list[FaxJob]:
        """The job that has this reference, if it belongs to the account."""
        return await self._read("job_by_reference", {"account": account, "reference": reference})

    async def _read(self, name: str, values: Values) -> list[FaxJob]:
        [rows] = await self._engine.read((name, values))
        return await readable(self._engine, "job", job_of, rows)


def _put_off(was: FaxJob, until: float) -> dict[str, object]:
    later = was.put_off(until)
    return {
        "queue_id": was.queue_id,
        "was_state": was.state.value,
        "was_version": was.version,
        "submit_at": later.submit_at,
        "track_at": later.track_at,
        "reconcile_at": later.reconcile_at,
    }


def changed(was: FaxJob, now_is: FaxJob, *, only_expired: bool = False) -> Statement:
    """The guard of every change of a job."""
    values = job_values(now_is) | {
        "was_state": was.state.value,
        "was_epoch": was.epoch,
        "was_version": was.version,
        "document": _DOCUMENT.get(now_is.state, "") if now_is.state is not was.state else "",
        "only_expired": int(only_expired),
    }
    return Statement("job_change", values, Hits.ONE)
