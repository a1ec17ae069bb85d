"""What FaxCore's account of a fax means for its job. Values in, a verdict out; None means "still pending".

An unknown word or an unknown id is never a failure: it stays pending, the folder may decide, and only time ends it
(``docs/faxcore-quirks.md``, A14, A39). "Completed" may mean no more than "over", so pages are counted (faxcore 2.2).
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.faxcore.values import FaxDetails, Folder, Progress
from mailfax.rules.job import Status
from mailfax.rules.states import JobEvent
from mailfax.rules.status import Cause, status

#: The folder decides where the word is unknown (A15, A35).
FOLDER_MEANS = {
    Folder.SENT: Progress.SUCCESS,
    Folder.FAILED: Progress.FAILURE,
    Folder.CANCELLED: Progress.CANCELLED,
}

#: Words by which the service says that a fax failed, and not why.
SAYS_NOTHING = frozenset({"failed", "failure", "error", "completed"})


@dataclass(frozen=True, slots=True)
class Verdict:
    """A job's end: the event and the status it is told with."""

    event: JobEvent
    status: Status


def verdict(details: FaxDetails, folder: Folder | None) -> Verdict | None:
    """The end that ``details`` tell of, with ``folder`` where it is known; None while there is none.

    None for a success without a count of pages: then the folder has to say it.
    """
    progress = details.progress
    if progress is Progress.UNKNOWN or (progress is Progress.SUCCESS and folder in FOLDER_MEANS):
        # "Completed" may say no more than "over": where it lies decides how.
        progress = FOLDER_MEANS.get(folder, Progress.UNKNOWN) if folder else Progress.UNKNOWN
    diagnostic = f"x-faxcore; {details.status or (folder.value if folder else 'no status')}"
    count, delivered = details.page_count, details.pages_delivered
    partly = bool(count) and delivered is not None and count is not None and delivered < count
    if progress is Progress.CANCELLED:
        return Verdict(JobEvent.CANCELLED_THERE, status(Cause.CANCELLED_THERE, diagnostic))
    if progress is Progress.FAILURE and not (partly and delivered):
        said = details.status.strip()
        plain = not said or said.casefold() in SAYS_NOTHING
        told = status(Cause.FAILED_UNSAID, diagnostic) if plain else status(Cause.FAILED_THERE, diagnostic, word=said)
        return Verdict(JobEvent.FAILED_THERE, told)
    if progress in (Progress.FAILURE, Progress.SUCCESS) and partly:
        told = status(Cause.PARTLY, diagnostic, delivered=delivered, pages=count)
        return Verdict(JobEvent.FAILED_THERE, told)
    if progress is Progress.SUCCESS and count and delivered is not None:
        return Verdict(JobEvent.COMPLETED, status(Cause.DELIVERED, diagnostic))
    if progress is Progress.SUCCESS and folder is Folder.SENT:
        return Verdict(JobEvent.COMPLETED, status(Cause.DELIVERED_UNCOUNTED, diagnostic))
    return None
