"""What a failure to submit means: the one place that decides about trouble.

In: a job that was being submitted and what was raised. Out: a ``Decision``: the event, the changes, the line for
history, and whether the account is to be paused. Protocol code reports (``NotSent``, ``Refused``, ``InDoubt``),
this module decides, the worker commits.

FaxCore redials a busy line itself; only what never reached it is handed over again (RFC 4161 2.2 asks for both).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.faxcore.errors import AccountTrouble, PerhapsTooLarge
from mailfax.render import CannotRender
from mailfax.rules import schedule
from mailfax.rules.failure import Failure, NotSent, Refused
from mailfax.rules.job import FaxJob, Status
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, status


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of the job. ``told`` is its end where it ends; ``account`` the trouble to pause it for;
    ``suspected`` its end if it turns out that FaxCore does not have it."""

    event: JobEvent
    detail: str
    next_attempt_at: float = 0.0
    told: Status | None = None
    account: AccountTrouble | None = None
    suspected: Status | None = None


def decide(job: FaxJob, raised: Exception, *, now: float, jitter: float) -> Decision:
    """What ``raised``, while ``job`` was being submitted, means for it."""
    if isinstance(raised, AccountTrouble):
        # Most likely the job is blameless. It waits a little longer each time all the same: where the service forbids
        # this one number, the account must not be paused for it again and again.
        again = schedule.submit_attempt(job.attempts, now, jitter, raised.retry_after)
        return Decision(JobEvent.NOT_SENT, raised.diagnostic, again, account=raised)
    if isinstance(raised, NotSent):
        again = schedule.submit_attempt(job.attempts, now, jitter, raised.retry_after)
        return Decision(JobEvent.NOT_SENT, raised.diagnostic, again)
    if isinstance(raised, CannotRender):
        # Before the first byte: what the recipient was to get could not be put together.
        if raised.later:
            return Decision(
                JobEvent.NOT_SENT, raised.status.diagnostic, schedule.submit_attempt(job.attempts, now, jitter)
            )
        return Decision(JobEvent.REFUSED, raised.status.diagnostic, told=raised.status)
    if isinstance(raised, Refused):
        told = status(Cause.REFUSED_THERE, _typed(raised.diagnostic))
        return Decision(JobEvent.REFUSED, raised.diagnostic, told=told)
    # InDoubt, and every exception nobody thought of: a request may have left us.
    detail = raised.diagnostic if isinstance(raised, Failure) else f"unexpected {type(raised).__name__}"
    suspected = None
    if isinstance(raised, PerhapsTooLarge):
        suspected = status(Cause.PERHAPS_TOO_LARGE, _typed(raised.diagnostic))
    return Decision(JobEvent.NO_ANSWER, detail, now + schedule.doubt_interval(0.0, jitter), suspected=suspected)


def _typed(diagnostic: str) -> str:
    """A Diagnostic-Code names its type (RFC 3464 2.3.6)."""
    return diagnostic if diagnostic.startswith("x-") and ";" in diagnostic else f"x-faxcore; {diagnostic}"
