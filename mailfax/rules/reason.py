"""Why a fax stands where it stands, in one sentence for operators.

In: the job, the state of its document, what was said of it last, and why its account is paused. Out: a sentence.
"""

from __future__ import annotations

from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobState

#: Of faxes that are not with us alone any more: what is true of them.
UNDER_WAY = {
    JobState.SUBMITTING: "it is being handed to FaxCore",
    JobState.IN_DOUBT: "FaxCore gave no clear answer, and it is looked for there",
    JobState.SUBMITTED: "FaxCore has it",
}
#: The detail with which many faxes of one message are held (``[limits] approve_above``).
FOR_APPROVAL = "for approval: so many faxes are sent when a person has looked at them"
_WAITING = {
    JobState.READY: "waits for its turn",
    JobState.HELD: "held by a person: mailfax release lets it go",
}
_NO_DOCUMENT = {
    "pending": "its pages are to be made",
    "impossible": "its pages can't be made",
}


def reason(job: FaxJob, *, now: float, document: str, detail: str, paused: str) -> str:
    """``document`` is that state; ``detail`` the last line of history; ``paused`` says why its account is, or "".

    Of a fax that has ended: what its sender was told.
    """
    if job.final:
        return job.status.sentence if job.status else job.state.value
    said = UNDER_WAY.get(job.state) or _WAITING.get(job.state, "")
    if job.state is JobState.SUBMITTED:
        said += f" as {job.fax_id}, and has not said how it ended"
    elif job.state is JobState.HELD and detail == FOR_APPROVAL:
        said = "waits for approval: mailfax release lets it go"
    elif job.state is JobState.ACCEPTED:
        said = _NO_DOCUMENT.get(document, "its pages are to be made")
    if job.state in (JobState.ACCEPTED, JobState.DEFERRED) and detail:
        said = f"{said or 'not taken'}: {detail}"
    if job.not_before > now and job.next_at == job.not_before:
        said = f"waits until {job.waits_until}"
    cancel = "it is to be cancelled" if job.cancel_requested else ""
    return "; ".join(part for part in (paused, said or "not taken", cancel) if part)
