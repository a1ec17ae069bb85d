"""What becomes of a fax, as a function of its number and of the time that has passed. Pure.

In: the recipient's digits; virtual seconds since acceptance; the number of pages. Out: the fax's status, folder
and delivered pages at that time, and when to look again. Nothing runs on timers, so a fax goes on where it
stood when the sandbox is killed and started again.

Numbers that end in 555-01NN (kept for fiction in North America) are magic: NN chooses the outcome. Every other
number succeeds.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from enum import StrEnum

from mailfax.sandbox.faults import Action


class Folder(StrEnum):
    """The seven folders of the API reference, in its order and spelling."""

    INBOX = "Inbox"
    """Received faxes."""
    OUTBOX = "Outbox"
    """Accepted, and not final yet."""
    SENT = "Sent"
    """Delivered."""
    FAILED = "Failed"
    """Given up."""
    CANCELLED = "Cancelled"
    """Ended by somebody."""
    HOLD = "Hold"
    """Waits for somebody."""
    TRASH = "Trash"
    """Deleted once; deleting again destroys."""


FINAL = frozenset({Folder.INBOX, Folder.SENT, Folder.FAILED, Folder.CANCELLED})


class Status(StrEnum):
    """Status words: the first and third are the reference's, the others ours (gap A14)."""

    IN_QUEUE = "In Queue"
    """Waits for a line."""
    PROCESSING = "Processing"
    """Being made into pages, dialled or sent."""
    COMPLETED = "Completed"
    """All pages are over; also the word for a received fax (gap A15)."""
    FAILED = "Failed"
    """Given up."""
    CANCELLED = "Cancelled"
    """Ended by somebody."""
    ON_HOLD = "On Hold"
    """Waits for somebody."""
    AWAITING_CARRIER = "Awaiting Carrier"
    """A word no client knows (magic number 12)."""


NOVEL_WORDS = {
    Status.IN_QUEUE: "Lined Up",
    Status.PROCESSING: "Underway",
    Status.COMPLETED: "Concluded",
    Status.FAILED: "Unaccomplished",
    Status.CANCELLED: "Withdrawn",
    Status.ON_HOLD: "Parked",
}
"""Status words under the quirk ``novel_words``: none of them in any list of a client."""

QUEUE_SECONDS = 8.0
CALL_SECONDS = 16.0
PAGE_SECONDS = 8.0
"""A page takes 32 s from acceptance to completion, as in the reference's GetFaxDetails example."""


@dataclass(frozen=True, slots=True)
class Step:
    """One state of a fax and how long it lasts, in virtual seconds; the last step of a route lasts for ever.

    ``share`` is the part of the pages that reached the other side.
    """

    status: Status
    folder: Folder
    seconds: float = 0.0
    per_page: float = 0.0
    share: float = 0.0


_QUEUED = Step(Status.IN_QUEUE, Folder.OUTBOX, QUEUE_SECONDS)
_CALLING = Step(Status.PROCESSING, Folder.OUTBOX, CALL_SECONDS, PAGE_SECONDS)
_SENT = Step(Status.COMPLETED, Folder.SENT, share=1.0)
_FAILED = Step(Status.FAILED, Folder.FAILED)


def _waits(seconds: float) -> Step:
    return Step(Status.PROCESSING, Folder.OUTBOX, seconds)


@dataclass(frozen=True, slots=True)
class Magic:
    """What a magic number does: the route of the fax, and what goes wrong while it is handed over."""

    code: str
    sentence: str
    route: tuple[Step, ...] = (_QUEUED, _CALLING, _SENT)
    action: Action | None = None
    first_call_only: bool = False
    refusal: str = ""
    pages: int | None = field(default=None)
    """0: the document is never made into pages."""


_THREE_TRIES = _waits(3 * 45 + 2 * 300)
"""Three calls of 45 s, five minutes apart: what the public record says of busy lines."""

MAGIC = {
    magic.code: magic
    for magic in (
        Magic("", "any other number: completed after a few seconds a page"),
        Magic("00", "completed at once", (_SENT,)),
        Magic("01", "busy: failed after three tries", (_QUEUED, _THREE_TRIES, _FAILED)),
        Magic("02", "no answer: failed after three tries", (_QUEUED, _THREE_TRIES, _FAILED)),
        Magic("03", "a voice answers: failed", (_QUEUED, _waits(40), _FAILED)),
        Magic("04", "not in service: failed", (_QUEUED, _waits(20), _FAILED)),
        Magic(
            "05",
            "half the pages go over, then failed",
            (_QUEUED, _CALLING, Step(Status.FAILED, Folder.FAILED, share=0.5)),
        ),
        Magic("06", "stays In Queue for ever", (Step(Status.IN_QUEUE, Folder.OUTBOX),)),
        Magic("07", "takes an hour, then completed", (_QUEUED, _waits(3600 - QUEUE_SECONDS), _SENT)),
        Magic("08", "cancelled", (_QUEUED, Step(Status.CANCELLED, Folder.CANCELLED))),
        Magic("09", "held", (_QUEUED, Step(Status.ON_HOLD, Folder.HOLD))),
        Magic("10", "refused at submission", refusal="The recipient's fax number is blocked for this account."),
        Magic("11", "the document can't be converted: failed", (_QUEUED, _waits(10), _FAILED), pages=0),
        Magic(
            "12",
            "a status word nobody knows, then sent",
            (_QUEUED, Step(Status.AWAITING_CARRIER, Folder.OUTBOX, 60), _SENT),
        ),
        Magic("20", "accepted, then the connection is dropped before the reply", action=Action.DROP_AFTER),
        Magic("21", "the connection is dropped before acceptance", action=Action.DROP_BEFORE),
        Magic("22", "accepted, then 500", action=Action.ERROR_AFTER),
        Magic("23", "500 before acceptance", action=Action.ERROR_BEFORE),
        Magic("24", "accepted, the reply comes too late", action=Action.LATE_AFTER),
        Magic("25", "401 on the first call only", action=Action.UNAUTHORIZED, first_call_only=True),
        Magic("26", "503 with Retry-After on the first call only", action=Action.UNAVAILABLE, first_call_only=True),
        Magic("27", "accepted, 200 with unreadable XML", action=Action.GARBLED_AFTER),
        Magic("28", "accepted twice, under two ids", action=Action.TWICE),
        Magic("29", "accepted, reply lost, seen only minutes later", action=Action.HIDDEN_AFTER),
    )
}
UNCONVERTIBLE = "11"
"""Also the lot of a document that can't be opened."""

_MAGIC_NUMBER = re.compile(r"55501(\d\d)$")


def magic(digits: str) -> Magic:
    """What the number does; a 555-01NN without an entry is an ordinary number."""
    found = _MAGIC_NUMBER.search(digits)
    return MAGIC.get(found[1] if found else "", MAGIC[""])


@dataclass(frozen=True, slots=True)
class Moment:
    """Where a fax stands: its step, since when (virtual seconds after acceptance), and when the next one begins."""

    step: Step
    since: float
    until: float | None


def moment(route: tuple[Step, ...], pages: int, elapsed: float) -> Moment:
    """Where a fax of so many pages stands ``elapsed`` virtual seconds after its acceptance."""
    since = 0.0
    for step in route[:-1]:
        until = since + step.seconds + step.per_page * pages
        if elapsed < until:
            return Moment(step, since, until)
        since = until
    return Moment(route[-1], since, None)


def first_look(route: tuple[Step, ...]) -> float | None:
    """Virtual seconds after acceptance at which a fax can first have moved; None: it never does."""
    if len(route) == 1:
        return None if route[0].folder is Folder.OUTBOX else 0.0
    return route[0].seconds


def delivered(step: Step, pages: int) -> int:
    """Whole pages that reached the other side."""
    return int(pages * step.share)


def same_line(one: str, other: str) -> bool:
    """Whether two numbers are the same line: digits only, a leading 011 or 1 optional (gaps A18, A25)."""
    return _bare(one) == _bare(other) != ""


def _bare(number: str) -> str:
    digits = re.sub(r"\D", "", number).removeprefix("011")
    return digits[1:] if len(digits) == 11 and digits.startswith("1") else digits
