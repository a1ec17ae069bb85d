"""What the service knows about a fax, as frozen values; the words for folders and progress. No I/O.

The outgoing values (``FaxUpload``, ``CoverFields`` and the query made from them) live in ``cover`` and can be
had from here too.
"""

from __future__ import annotations

import enum
import re
from dataclasses import dataclass
from datetime import datetime

from mailfax.faxcore.cover import CoverFields, FaxUpload, as_sent, fits, notes_budget, query_for

__all__ = [
    "CoverFields",
    "FaxDetails",
    "FaxUpload",
    "Folder",
    "Progress",
    "as_sent",
    "fits",
    "is_test_number",
    "notes_budget",
    "progress_of",
    "query_for",
    "same_number",
]


class Folder(enum.StrEnum):
    """The seven folders, spelled as the vendor reference spells them (A35)."""

    INBOX = "Inbox"  # received faxes
    OUTBOX = "Outbox"  # waiting, or being sent
    SENT = "Sent"  # went through
    FAILED = "Failed"  # given up by the service
    CANCELLED = "Cancelled"  # taken back by somebody over there
    HOLD = "Hold"  # waits for somebody over there
    TRASH = "Trash"  # deleted, and probably still kept


class Progress(enum.Enum):
    """How far a fax has come, by the service's own word for it."""

    PENDING = "pending"  # the service is still at it
    WAITING_FOR_PERSON = "waiting for a person"  # held or to be approved over there
    SUCCESS = "success"  # over; a success only if all pages were delivered or the folder is Sent
    FAILURE = "failure"  # over, and not delivered
    CANCELLED = "cancelled"  # ended by somebody over there
    RECEIVED = "received"  # an inbound fax that is all there
    UNKNOWN = "unknown"  # a word we do not know: stays pending, and the folder decides (A14)


# The reference has two words, "In Queue" and "Completed"; the others are those of the vendor's later clients
# and of comparable services. Compared without case, blanks, hyphens and underscores: "InQueue" is used as well.
WORDS: dict[Progress, str] = {
    Progress.PENDING: """inqueue queued pending processing inprogress sending transmitting converting rendering
        dialing dialling retrying inschedule scheduled resume resumed approved receiving""",
    Progress.WAITING_FOR_PERSON: "hold onhold held pause paused awaitingapproval",
    Progress.SUCCESS: "completed complete sent success successful delivered",
    Progress.FAILURE: """failed failure error busy noanswer nocarrier nodialtone voice humananswered
        invalidnumber disconnected rejected disapproved conversionfailed retriesexceeded timeout""",
    Progress.CANCELLED: "cancelled canceled deleted",
    Progress.RECEIVED: "received",
}
PROGRESS: dict[str, Progress] = {word: progress for progress, words in WORDS.items() for word in words.split()}


def progress_of(word: str) -> Progress:
    """What a status word means. An unknown one is UNKNOWN, never a failure: that would invite a second fax."""
    folded = re.sub(r"[\s_-]", "", word).casefold()
    if folded.startswith(("failed", "error")):
        return Progress.FAILURE
    return PROGRESS.get(folded, Progress.UNKNOWN)


@dataclass(frozen=True, slots=True)
class FaxDetails:
    """One fax as GetFaxDetails tells it. Whatever was missing or unreadable is None or empty."""

    fax_id: str
    inbound: bool | None  # None: the Type word says neither; the folder then tells
    number: str  # digits only; the number *reported by the service*, no proof of who sent (A19)
    subject: str
    created: datetime | None  # UTC
    created_text: str  # as reported, since the zone is a reading of ours
    completed: datetime | None  # UTC
    status: str  # the word as reported
    progress: Progress
    page_count: int | None  # may or may not count the cover page (A20)
    pages_delivered: int | None
    caller: str = ""  # the same number for people: digits only where the whole field reads as one, else as reported


def same_number(a: str, b: str) -> bool:
    """Whether two numbers are the same line: digits alone, with or without a leading 011 or 1 (A18, A25).

    Digits are otherwise compared by their last ten where both have that many: the service may show a number
    with a prefix that was not dialled.
    """
    left, right = ("".join(re.findall(r"[0-9]", number)).removeprefix("011") for number in (a, b))
    if not left or not right:
        return False
    if len(left) >= 10 and len(right) >= 10:
        return left[-10:] == right[-10:]
    return left.removeprefix("1") == right.removeprefix("1")


def is_test_number(number: str) -> bool:
    """Whether ``number`` is one of 555-0100 to 555-0199, kept for fiction in North America.

    The sandbox gives them meanings; on a real service they would cost money and reach nobody.
    """
    return re.fullmatch(r"(1?[2-9][0-9]{2})?55501[0-9]{2}", number) is not None
