"""For how long FaxCore may have had a fax, whatever the clock on the wall did meanwhile.

In: a job that left us. Out: seconds, and whether its deadline has passed. Within one boot they are measured on the
clock that nobody can set, over restarts and a sleeping machine; over a start of the machine the wall clock tells, as
far as it is steady.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.context import Context
from mailfax.rules.job import FaxJob


@dataclass(frozen=True, slots=True)
class Age:
    """Seconds since the last moment at which FaxCore may have taken it; ``believed``: no clock that was set has a
    part in them."""

    seconds: float
    believed: bool


class Ages:
    """Tells ages by the clocks of a context."""

    def __init__(self, context: Context) -> None:
        self._now, self._elapsed, self._boot = context.spool.now, context.elapsed, context.boot
        self._steady, self._deadline_seconds = context.steady, context.limits.deadline_seconds

    def of(self, job: FaxJob) -> Age:
        """Its age now."""
        if self._boot and job.last_byte_boot == self._boot:
            return Age(self._elapsed() - job.last_byte_elapsed, believed=True)
        return Age(self._now() - max(job.last_byte_at, job.submitted_at), self._steady.is_steady())

    def is_past_deadline(self, job: FaxJob) -> bool:
        """Whether it is known that it was to have ended by now."""
        age = self.of(job)
        return age.believed and age.seconds > self._deadline_seconds
