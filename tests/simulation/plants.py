"""Bugs to be planted: each is one that a change might bring back, and each must be caught by some seed."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from mailfax.faxcore.errors import InDoubt, NotSent
from mailfax.offramp import trouble
from mailfax.offramp.ending import Ending
from mailfax.offramp.outcome import verdict
from mailfax.offramp.resent import Answer
from mailfax.rules.failure import Refused
from mailfax.rules.states import JobEvent, JobState
from mailfax.spool.commits import Commit, Hits, Statement
from mailfax.spool.jobs import Jobs
from mailfax.spool.recovery import Recovery
from mailfax.spool.reports import Reports, owe
from tests.simulation.service import SimulatedRelay

Patch = contextlib.AbstractContextManager[Any]


@dataclass(frozen=True)
class Plant:
    """``changes``: what is put in whose place; ``settings`` of the configuration; ``early``: commits whose callers go
    on before they are durable, so that a death loses them."""

    changes: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    early: frozenset[str] = frozenset()

    def patches(self) -> Sequence[Patch]:
        return [mock.patch(where, change) for where, change in self.changes.items()]


_decide, _advance, _letters = trouble.decide, Jobs.advance, Ending.letters
_told, _program_told = Reports.told, Reports.program_told
_hand_over = SimulatedRelay.hand_over


def _doubt_is_failure(job: Any, raised: Exception, **more: Any) -> Any:
    if isinstance(raised, InDoubt):
        raised = NotSent(raised.sentence, diagnostic=raised.diagnostic)
    return _decide(job, raised, **more)


async def _expired_goes_on(self: Jobs, was: Any, now_is: Any, event: Any, **more: Any) -> Any:
    if event is JobEvent.LEASE_EXPIRED:
        now_is = dataclasses.replace(now_is, state=JobState.DEFERRED, submit_at=0.0)
    return await _advance(self, was, now_is, event, **more)


async def _outcome_first(self: Jobs, was: Any, now_is: Any, event: Any, **more: Any) -> Any:
    with mock.patch("mailfax.spool.jobs.owe", lambda jobs: ()):
        stored = await _advance(self, was, now_is, event, **more)
    if now_is.final:
        await self._engine.commit(Commit("owed", tuple(owe((now_is,)))))
    return stored


async def _nobody_hears_of_failure(self: Ending, ended: Any, **more: Any) -> Any:
    told = [job for job in ended if job.state is not JobState.CANCELLED]
    return await _letters(self, told, **more) if told else ()


async def _report_is_a_note(self: Reports, jobs: Any, letters: Any) -> None:
    await _told(self, jobs, ())
    await self._outbox.owe(letters)


async def _report_is_repeated(self: Reports, jobs: Any, letters: Any) -> None:
    await self._outbox.owe(letters)
    await _told(self, jobs, ())


async def _program_is_told_later(self: Reports, job: Any, letters: Any) -> None:
    await _program_told(self, job, ())
    await self._outbox.owe(letters)


async def _refusal_is_the_end(self: SimulatedRelay, *mail: Any) -> None:
    with contextlib.suppress(Refused):
        await _hand_over(self, *mail)


def _always_heard(self: Answer, *, heard: bool) -> None:
    self._resent.conclude(self, heard=True)


def _kept_pages_are_success(details: Any, folder: Any) -> Any:
    end = verdict(details, folder)
    if end is not None and end.event is JobEvent.FAILED_THERE:
        return dataclasses.replace(end, event=JobEvent.COMPLETED)
    return end


async def _as_if_nothing_had_happened(self: Recovery, elapsed: float, boot: str, letters: Any) -> int:
    await self.begin()
    await self._engine.commit(Commit("recovered", (Statement("recovery_doubt", {}, Hits.SOME),)))
    return 0


def _plants() -> Mapping[str, Plant]:
    jobs: Callable[[Any], Plant] = lambda change: Plant({"mailfax.spool.jobs.Jobs.advance": change})  # noqa: E731
    return {
        # No clear answer to SendFax is taken for "not sent".
        "doubt-is-failure": Plant({"mailfax.offramp.trouble.decide": _doubt_is_failure}),
        # Two listings at once prove absence.
        "hasty-absence": Plant(settings={"settle_seconds": 1}),
        # What a dead process was submitting is submitted again.
        "expired-lease-goes-on": jobs(_expired_goes_on),
        # 250 before the mail is durable.
        "early-250": Plant(early=frozenset({"accept"})),
        # The first byte leaves before the claim is durable.
        "early-claim": Plant(early=frozenset({"claim"})),
        # The outcome in one commit, its notification in the next one.
        "outcome-first": jobs(_outcome_first),
        # The report of several faxes is taken for told in one commit, and owed in another; or the other way round.
        "told-first": Plant({"mailfax.spool.reports.Reports.told": _report_is_a_note}),
        "told-last": Plant({"mailfax.spool.reports.Reports.told": _report_is_repeated}),
        # The same of what a program is told.
        "program-told-first": Plant({"mailfax.spool.reports.Reports.program_told": _program_is_told_later}),
        # One outcome owes nothing.
        "cancelled-is-silent": Plant({"mailfax.offramp.ending.Ending.letters": _nobody_hears_of_failure}),
        # What the relay refuses once counts as taken.
        "refusal-is-the-end": Plant({"tests.simulation.service.SimulatedRelay.hand_over": _refusal_is_the_end}),
        # Every 250 counts as heard: a mail that comes again is a new one.
        "always-heard": Plant({"mailfax.offramp.resent.Answer.concluded": _always_heard}),
        # The faxes of a restored copy are sent as any others.
        "restored-is-trusted": Plant({"mailfax.spool.recovery.Recovery.put_in_doubt": _as_if_nothing_had_happened}),
        # Failed there counts as delivered.
        "failed-is-success": Plant({"mailfax.offramp.track.verdict": _kept_pages_are_success}),
    }


PLANTS = _plants()
