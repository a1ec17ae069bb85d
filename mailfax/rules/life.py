"""The life of a fax in plain words: what each line of its history means to somebody who has never read the code.

In: the event, the state and the detail of a line. Out: a sentence, without a full stop. What is not in the table is
told as it stands: a line is never left out.
"""

from __future__ import annotations

import re

from mailfax.rules.job import FaxJob
from mailfax.rules.states import InboundEvent, JobEvent, LetterEvent

#: Event -> sentence; "{}" is the detail.
_OF_FAXES = {
    "accepted": "Accepted and stored",
    "rendering": "Its pages are being made",
    JobEvent.DOCUMENT_READY: "Its pages are made",
    JobEvent.DOCUMENT_LATER: "Its pages could not be made yet",
    JobEvent.DOCUMENT_IMPOSSIBLE: "Its pages can't be made",
    JobEvent.CLAIMED: "Being handed over to FaxCore",
    JobEvent.ID_GIVEN: "FaxCore took it",
    JobEvent.NOT_SENT: "FaxCore did not take it; it is tried again",
    JobEvent.REFUSED: "Refused for good",
    JobEvent.NO_ANSWER: "FaxCore gave no clear answer; it is looked for there before anything is sent again",
    JobEvent.LEASE_EXPIRED: "The process that handed it over ended; it is looked for at FaxCore",
    JobEvent.FOUND: "Found at FaxCore",
    JobEvent.PROVEN_ABSENT: "FaxCore surely does not have it; it is handed over again",
    JobEvent.DEADLINE: "Nobody could find out how it ended",
    JobEvent.LATE_ID: "FaxCore's answer came late",
    JobEvent.COMPLETED: "Delivered: every page reached the other side",
    JobEvent.FAILED_THERE: "Failed at FaxCore",
    JobEvent.CANCELLED_THERE: "Cancelled at FaxCore",
    JobEvent.SILENT: "FaxCore has not said for long how it went",
    JobEvent.DUE: "Its next attempt is due",
    JobEvent.HOLD: "Held",
    JobEvent.RELEASE: "Released",
    JobEvent.RELEASE_WITHOUT_DOCUMENT: "Released; its pages are still to be made",
    JobEvent.CANCEL: "Cancelled",
    JobEvent.EXPIRED: "Given up: it could not be handed over in time",
    JobEvent.PREVIEWED: "Its pages were mailed back; nothing was faxed",
    JobEvent.RECOVERED: "The spool was restored from an older copy; it is looked for at FaxCore",
    "noted": "Noted",
    "viewed": "Looked at",
    "came again": "The same message came again; it is not faxed twice",
    "sent again by a person": "Sent again by a person",
    "listed": "Seen at FaxCore",
    InboundEvent.FETCHED: "Fetched and stored",
    InboundEvent.JUNKED: "Fetched and kept; nobody hears of it, because its caller is on the junk list",
    InboundEvent.BROUGHT: "Brought once more",
    InboundEvent.CONTENT_LOST: "Its pages are damaged here; it is fetched again",
    InboundEvent.NOT_NOW: "Could not be fetched yet",
    InboundEvent.GIVEN_UP: "Could not be read; it is tried again daily",
    InboundEvent.GONE: "Disappeared from FaxCore before it could be fetched",
    "moved aside": "Its record is damaged and was moved aside",
    "damage told": "Its sender was told about the damage",
    "kept": "Kept: it is never deleted",
    "no longer kept": "No longer kept: it is deleted in its time",
}
_OF_LETTERS = {
    "owed": "The notification is written",
    LetterEvent.CLAIMED: "The notification is being handed over",
    LetterEvent.TAKEN: "The notification was taken",
    LetterEvent.NOT_TAKEN: "The notification was not taken; it is tried again",
    LetterEvent.MAYBE_TAKEN: "There was no clear answer; the notification is handed over again",
    LetterEvent.LEASE_EXPIRED: "The process that handed the notification over ended; it is handed over again",
    LetterEvent.REFUSED: "The notification was refused",
    LetterEvent.TOO_OLD: "The notification was given up: it was not taken in time",
    LetterEvent.RESEND: "The notification is sent again by a person",
    LetterEvent.CANCEL: "The notification was given up by a person",
}
#: The ID of a notification behind what it tells.
_LETTER_ID = re.compile(r"^([a-z]+) [A-Z0-9]{10}(?=,|$)")
#: Details that only repeat the sentence.
_SILENT_DETAILS = ("x-faxcore; Completed",)


#: Events of a message that its faxes have lines of their own about.
_REPEATED = ("accepted", JobEvent.DOCUMENT_READY.value)


def concerns(job: FaxJob, queue_id: str, event: str) -> bool:
    """Whether a line of the history is about a fax: its own lines are, and those of its message, which are about all
    its faxes, but for one that repeats a line of its own."""
    return queue_id == job.queue_id or (queue_id == job.message and event not in _REPEATED)


def plain(event: str, detail: str) -> tuple[str, str]:
    """The sentence, and what is added to it in smaller print."""
    before, _, rest = event.partition("letter ")
    sentence = _OF_LETTERS.get(rest) if rest and not before else _OF_FAXES.get(event)
    if rest and not before:
        detail = _LETTER_ID.sub(r"\1", detail)
    said = detail.removeprefix("x-faxcore; ").removeprefix("x-mailfax; ")
    return sentence or event[:1].upper() + event[1:], "" if detail in _SILENT_DETAILS else said
