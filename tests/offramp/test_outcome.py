"""What FaxCore's words mean for a job."""

from __future__ import annotations

import pytest

from mailfax.faxcore.values import FaxDetails, Folder, progress_of
from mailfax.offramp.outcome import verdict
from mailfax.rules.states import JobEvent


def details(word: str, pages: int | None = 3, delivered: int | None = 3) -> FaxDetails:
    return FaxDetails(
        fax_id="209208083966",
        inbound=False,
        number="15551234567",
        subject="x",
        created=None,
        created_text="",
        completed=None,
        status=word,
        progress=progress_of(word),
        page_count=pages,
        pages_delivered=delivered,
    )


@pytest.mark.parametrize(
    ("told", "folder", "event", "code"),
    [
        (details("Completed"), None, JobEvent.COMPLETED, "2.0.0"),
        (details("Completed", 3, None), Folder.SENT, JobEvent.COMPLETED, "2.0.0"),
        (details("Completed", 0, 0), Folder.SENT, JobEvent.COMPLETED, "2.0.0"),
        (details("Completed", None, None), Folder.FAILED, JobEvent.FAILED_THERE, "5.4.1"),
        (details("Completed", 0, 0), Folder.FAILED, JobEvent.FAILED_THERE, "5.4.1"),
        (details("Completed"), Folder.CANCELLED, JobEvent.CANCELLED_THERE, "5.7.0"),
        (details("Completed", None, None), Folder.SENT, JobEvent.COMPLETED, "2.0.0"),
        (details("Completed", 3, 2), Folder.SENT, JobEvent.FAILED_THERE, "5.4.2"),
        (details("Failed", 3, 0), None, JobEvent.FAILED_THERE, "5.4.1"),
        (details("Failed: busy", 3, 1), None, JobEvent.FAILED_THERE, "5.4.2"),
        (details("No-Answer", 3, None), None, JobEvent.FAILED_THERE, "5.4.1"),
        (details("Canceled"), None, JobEvent.CANCELLED_THERE, "5.7.0"),
        (details("Blorped"), Folder.SENT, JobEvent.COMPLETED, "2.0.0"),
        (details("Blorped", 3, 0), Folder.FAILED, JobEvent.FAILED_THERE, "5.4.1"),
    ],
    ids=str,
)
def test_an_end(told: FaxDetails, folder: Folder | None, event: JobEvent, code: str) -> None:
    end = verdict(told, folder)
    assert end is not None
    assert (end.event, end.status.code) == (event, code)
    assert end.status.diagnostic == f"x-faxcore; {told.status}"


@pytest.mark.parametrize("word", ["In Queue", "InQueue", "Processing", "On Hold", "Blorped", ""])
@pytest.mark.parametrize("folder", [None, Folder.OUTBOX, Folder.TRASH])
def test_no_end_yet(word: str, folder: Folder | None) -> None:
    """An unknown word is never a failure: that would invite a second fax."""
    assert verdict(details(word), folder) is None


@pytest.mark.parametrize(("pages", "delivered"), [(3, None), (None, None), (0, 0)])
@pytest.mark.parametrize("folder", [None, Folder.OUTBOX, Folder.TRASH])
def test_a_success_without_a_count_has_to_lie_in_sent(pages: int | None, delivered: int | None, folder) -> None:
    """ "Completed" may mean no more than "over": nobody is told "delivered" on that alone."""
    assert verdict(details("Completed", pages, delivered), folder) is None
