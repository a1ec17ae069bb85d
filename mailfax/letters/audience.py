"""Who hears of a fax, and in which form.

========================  ==========================================  =======================================
NOTIFY                    delivered                                   failed, cancelled, unconfirmed
========================  ==========================================  =======================================
absent                    notice, where ``success_notice`` is on      DSN
NEVER                     nothing                                     nothing
with SUCCESS              DSN                                         nothing, unless FAILURE stands there too
with FAILURE              nothing, unless SUCCESS stands there too    DSN
only DELAY                nothing                                     nothing
========================  ==========================================  =======================================

Where a rule wants nothing of a fax in its notifications (``notice_content = "none"``), a report, which names the
number, goes out only if NOTIFY asked for it.

A null sender never gets a report (RFC 3461 5.2): its rule's owner does, as a plain mail; without an owner the
postmaster hears of what was not delivered, and nobody of what was.

STANDARDS: RFC 3461 5.2, 6.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from mailfax.letters.site import Site
from mailfax.rules.envelope import Notify
from mailfax.rules.job import FaxJob, Message, Spelling
from mailfax.rules.states import JobState


class Form(enum.Enum):
    """How a recipient is told of."""

    NOTHING = enum.auto()
    PLAIN = enum.auto()
    REPORT = enum.auto()


#: The wish that asks for a report of an end. What has no end is told of where a delay is asked for.
_ASKED_BY = {
    JobState.DELIVERED: Notify.SUCCESS,
    JobState.FAILED: Notify.FAILURE,
    JobState.CANCELLED: Notify.FAILURE,
    JobState.UNCONFIRMED: Notify.FAILURE,
}


def reader_of(site: Site, message: Message) -> str:
    """Who hears of the faxes of a message, if anybody does."""
    return message.hears or site.postmaster


def form_of(message: Message, job: FaxJob, recipient: Spelling) -> Form:
    """The table above, for one recipient of a fax."""
    asked_by = _ASKED_BY.get(job.state, Notify.DELAY)
    if recipient.notify is None:
        unwanted = asked_by is Notify.SUCCESS and not message.success_notice
        plain = asked_by is Notify.SUCCESS or message.notice_content == "none"
        form = Form.PLAIN if plain else Form.REPORT
    else:
        unwanted, form = Notify.NEVER in recipient.notify or asked_by not in recipient.notify, Form.REPORT
    if unwanted:
        return Form.NOTHING
    if message.sender and not job.preview:
        return form
    # Of a preview nothing was to be delivered, so there is no delivery to report about.
    return Form.PLAIN if message.hears or asked_by is Notify.FAILURE else Form.NOTHING


def apart(message: Message, jobs: Sequence[FaxJob]) -> list[list[FaxJob]]:
    """Jobs that have ended, as they are told of together: all in one letter, unless a report is wanted both of what
    was delivered and of what was not. Programs that read bounces take one with a "delivered" in it for no bounce.
    """
    delivered = [job for job in jobs if job.state is JobState.DELIVERED]
    others = [job for job in jobs if job.state is not JobState.DELIVERED]

    def wants_report(some: Sequence[FaxJob]) -> bool:
        return any(form_of(message, job, each) is Form.REPORT for job in some for each in job.spellings)

    return [others, delivered] if wants_report(delivered) and wants_report(others) else [list(jobs)]
