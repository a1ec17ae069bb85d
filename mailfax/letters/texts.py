"""Every word of our mails, in one place. ``{…}`` are filled with values that are one line each.

Written for people who send faxes, not for those who run servers: what happened, why, what to do now.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.rules.job import FaxJob
from mailfax.rules.states import JobState

#: In front of every subject, and first in every text, where the fax service is a sandbox.
TEST_SUBJECT = "[TEST] "
TEST_TEXT = "This is a test: the fax service is a sandbox, and nothing was really faxed."

GATEWAY_NAME = "Fax gateway"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an outcome is told. ``word`` is X-Fax-Outcome, ``subject`` begins with it, ``ended`` names the time at
    which it ended, ``next`` says what to do now. Where one letter tells of several faxes, ``several`` is what its
    subject says and ``section`` stands above those that ended so."""

    word: str
    subject: str
    headline: str
    ended: str
    next: str = ""
    several: str = ""
    section: str = ""


OUTCOMES = {
    JobState.DELIVERED: Outcome(
        word="delivered",
        subject="Fax delivered to {number}",
        headline="Fax to {number}: DELIVERED",
        ended="Delivered",
        several="Fax delivered to {count} numbers",
        section="DELIVERED",
    ),
    JobState.FAILED: Outcome(
        word="failed",
        subject="Fax failed, not delivered to {number}",
        headline="Fax to {number}: NOT DELIVERED",
        ended="Failed",
        next="We will not retry automatically.",
        several="Fax failed, not delivered to {count} numbers",
        section="NOT DELIVERED",
    ),
    JobState.CANCELLED: Outcome(
        word="cancelled",
        subject="Fax cancelled, not delivered to {number}",
        headline="Fax to {number}: CANCELLED, NOT DELIVERED",
        ended="Cancelled",
        next="If you still want the fax to go out, please send your message again.",
        several="Fax cancelled, not delivered to {count} numbers",
        section="CANCELLED, NOT DELIVERED",
    ),
    JobState.UNCONFIRMED: Outcome(
        word="unconfirmed",
        subject="Fax unconfirmed, may or may not have been sent to {number}",
        headline="Fax to {number}: MAY OR MAY NOT HAVE BEEN SENT",
        ended="Stopped waiting",
        next="We will not retry automatically, because the recipient might then get it twice.",
        several="Fax unconfirmed, may or may not have been sent to {count} numbers",
        section="MAY OR MAY NOT HAVE BEEN SENT",
    ),
}

PREVIEW_SUBJECT = "Preview of your fax"
PREVIEW_HEADLINE = "PREVIEW: this is what would be faxed. Nothing was faxed."
PREVIEW_ATTACHED = "The attached pages are exactly what the recipient would get."
PREVIEW_UNTOUCHED = "The fax service makes the pages from your file itself, so we can't show them here."
PREVIEW_SERVICE_COVER = "The fax service adds a cover page, which says:"
PREVIEW_OWN_COVER = "The first page is the cover page."
PREVIEW_NO_COVER = "There is no cover page."
PREVIEW_NEXT = "To send the fax, send the same message to the fax number."
PREVIEW_FAILED = Outcome(
    word="failed",
    subject="No preview of your fax",
    headline="PREVIEW: NOT POSSIBLE. The fax could not be sent like this.",
    ended="Failed",
)

UNCONFIRMED_CHECKS_HEADING = "Before you send it again:"
UNCONFIRMED_CHECKS = (
    "Ask the recipient whether the fax arrived.",
    "If they can't tell, ask {gateway} to search the fax service for reference {reference}.",
)

UNCONFIRMED_CHECKS_SEVERAL = (
    "Ask the recipients whether the fax arrived.",
    "If they can't tell, ask {gateway} to search the fax service for the references below.",
)

#: One letter about faxes that ended differently.
MIXED = Outcome(
    word="mixed",
    subject="",
    headline="Your fax to {count} numbers: {counts}",
    ended="",
    several="Fax to {count} numbers: {counts}",
)
OPEN_FAX, OPEN_FAXES = "fax of this message has", "faxes of this message have"
STILL_OPEN = "{faxes} no outcome yet. We will write again when there is one."
FIRST_PAGE = "First page"
TOO_LARGE = "The fax is too large to be attached here."
#: Of a sender whose notifications say nothing of what was faxed.
VEILED_NUMBER, VEILED_FILE = "the number ending in {digits}", "A file"
AS_WRITTEN = "you wrote {address}"

DELAYED = Outcome(
    word="delayed",
    subject="Fax delayed, not yet delivered to {number}",
    headline="Fax to {number}: NOT YET DELIVERED",
    ended="",
    next="We will write again when it has been delivered or has failed.",
    several="Fax delayed, not yet delivered to {count} numbers",
    section="NOT YET DELIVERED",
)
_WAITS_HERE = "It will be sent as soon as the fax service can take it."
#: Why a job still waits, by its state.
DELAYED_BECAUSE = {
    JobState.ACCEPTED: "Its pages have not been made yet.",
    JobState.READY: _WAITS_HERE,
    JobState.DEFERRED: _WAITS_HERE,
    JobState.SUBMITTING: "It is being handed to the fax service right now.",
    JobState.SUBMITTED: "The fax service has it, but has not yet reported whether it was delivered.",
    JobState.IN_DOUBT: "The fax service did not give a clear answer, and we are checking whether it has the fax.",
    JobState.HELD: "It is on hold until the administrator releases it.",
}


def outcome_of(job: FaxJob) -> Outcome:
    """How a job is told of that has ended, or still waits."""
    if job.preview:
        return PREVIEW_FAILED
    return OUTCOMES.get(job.state, DELAYED)


SERVICE_SAID = "The fax service said: {said}"
CONTENTS_HEADING = "In the fax (not counting the cover page):"
SKIPPED_HEADING = "Left out of the fax:"
ASK = "Questions? Write to {gateway} and quote queue ID {queue_id}."
OWNER_TOLD = (
    "You are getting this notification because the fax gateway is set up to tell you about faxes from this sender."
)
POSTMASTER_TOLD = (
    "You are getting this notification because the message had no return address, and nobody else is set up to be "
    "told about it."
)

ROW_TO = "To"
ROW_RECIPIENT = "Recipient"
ROW_ADDRESS = "You wrote"
ROW_SENDER = "Sent by"
ROW_SUBJECT = "Subject"
ROW_PAGES = "Pages"
ROW_COVER, COVER_NONE = "Cover page", "none"
ROW_RECEIVED = "Message received"
ROW_QUEUE_ID = "Queue ID"
ROW_REFERENCE = "Reference"
PAGES_PARTLY = "{delivered} of {pages} delivered"

INBOUND_FROM = "Fax from {caller}"
INBOUND_UNKNOWN = "an unknown number"
INBOUND_AND = " and as a "
INBOUND_OPENING = "You have received a fax. Its pages are attached as a {form}."
INBOUND_INSTEAD = (
    "The fax service's {damaged} file of this fax was damaged. A {form} file of the same fax is attached instead."
)
INBOUND_SHORT = (
    "Attention: the fax service reported {announced}, but the attached document has {pages}. Part of the fax may be "
    "missing. Please check with whoever sent it."
)
INBOUND_CALLER_NOTE = (
    "The caller's number is shown as the fax service reported it, and is no proof of who sent the fax. Please don't "
    "reply to this message: nobody would read the reply, and it would not be faxed."
)
INBOUND_REPLY_NOTE = (
    "The caller's number is shown as the fax service reported it, and is no proof of who sent the fax. A reply to "
    "this message is faxed to that number."
)
INBOUND_LOCKED = "It opens with the password that was agreed on for this fax number."
ROW_FAX_BACK = "Fax back to"
ROW_FROM_NAME, ROW_NOTES = "From", "Text"
ROW_CALLER = "From"
ROW_CALLED = "Received on"
ROW_ARRIVED = "Received"
ROW_FAX_ID = "ID at the service"
ROW_LISTED = "First seen"
ROW_ATTEMPTS = "Attempts"
ROW_PROBLEM = "Problem"

UNREADABLE_SUBJECT = 'Received fax can\'t be read: fax account "{account}"'
UNREADABLE_TEXT = (
    "The fax service has received a fax, but we could not download it, or could not read what we downloaded. Nobody "
    "has been sent its pages yet."
)
UNREADABLE_NEXT = (
    "We will keep trying, at least once a day, and deliver the fax when that works. Until then you can read it on "
    "the fax service's own website."
)
VANISHED_SUBJECT = 'Received fax has disappeared: fax account "{account}"'
VANISHED_TEXT = (
    "The fax service received a fax, but it was gone before we could download it. Nobody has been sent its pages."
)
VANISHED_NEXT = (
    "Somebody may have deleted or moved it on the fax service's own website. Look in the trash folder there, and if "
    "it is not found, ask the caller to send it again."
)

ALARM_SUBJECT = 'Fax alarm: fax account "{account}" is not working'
ALARM_TEXT = 'Fax account "{account}" is not working:'
ALARM_NEXT = (
    "Nothing has been lost: the faxes of this account are waiting. You get this alarm once, and another message when "
    "the account works again."
)
FAX_ALARM_SUBJECT = 'Fax alarm: problem with a fax on account "{account}"'
FAX_ALARM_TEXT = 'There is a problem with a fax on account "{account}":'
APPROVAL_SUBJECT = "Fax approval: a message of {faxes} faxes waits for a person"
ROW_FAXES = "Faxes"
APPROVAL_TEXT = (
    "A message asks for {faxes} faxes, and of more than {limit} nothing is sent before a person has looked at it. "
    "Its pages are made meanwhile; no fax of it has left."
)
APPROVAL_NEXT = (
    'Look at it ("mailfax show {queue_id}", or the web pages), and then let it go or drop it: "mailfax release '
    '{queue_id}" or "mailfax cancel {queue_id}". Its sender has been told that it waits.'
)
APPROVAL_SENDER_TEXT = (
    "Your message asks for {faxes} faxes. More than {limit} wait here until a person has approved them; nothing has "
    "been sent yet."
)
APPROVAL_SENDER_NEXT = "You will hear how each fax ended. If it is urgent, or you meant fewer, write to {postmaster}."
CEILING_SUBJECT = "Fax alarm: the daily limit of {limit} faxes has been reached"
CEILING_TEXT = (
    "This site may send {limit} faxes in 24 hours, and a message arrived that would exceed the limit. We have asked "
    "its sender's mail server to try again later, and do the same with every further message until there is room."
)
CEILING_NEXT = (
    'Check who is sending so many faxes, and whether they mean to: "mailfax queue" lists the newest ones. If all is '
    "well, raise faxes_per_day in [limits] and restart mailfax. You get this alarm once a day at most."
)
QUIET_SUBJECT = 'Fax alarm: fax account "{account}" has received nothing for unusually long'
QUIET_TEXT = (
    'Fax account "{account}" has received no fax since {since}. In the four weeks before, it was never silent '
    "for half as long. FaxCore answers as usual; what does not reach it can't be seen from here."
)
QUIET_NEXT = (
    "Send a fax to its number, or run `mailfax probe`. If nothing arrives, ask your telephone company, and whoever "
    "runs FaxCore for you. If this is a holiday, do nothing: we will write once more when a fax arrives."
)
HEARD_SUBJECT = 'Fax all-clear: fax account "{account}" receives faxes again'
HEARD_TEXT = 'A fax has arrived on fax account "{account}" again.'
ALL_CLEAR_SUBJECT = 'Fax all-clear: fax account "{account}" is working again'
ALL_CLEAR_TEXT = (
    'Fax account "{account}" is working again. The faxes that were waiting are being sent. You need not do anything.'
)

DISK_SUBJECT = "Fax alarm: problem with the fax gateway's disk"
DISK_TEXT = "There is a problem with the fax gateway's disk:"
DISK_NEXT = (
    "Nothing has been lost: all faxes and messages are kept. While new messages can't be stored, we ask their "
    "senders' mail servers to try again later. You get this alarm once, and another message when the problem is over."
)
DISK_CLEAR_SUBJECT = "Fax all-clear: the fax gateway's disk is working again"
DISK_CLEAR_TEXT = (
    "The fax gateway's disk is working again, and has room. Whatever was waiting goes on. You need not do anything."
)

RECOVERED_SUBJECT = "Fax alarm: the fax gateway was restored from an older copy"
RECOVERED_TEXT = (
    "The spool of the fax gateway is an older copy. It does not know which faxes and notifications went out after "
    "the copy was made. Messages that were accepted after the copy was made are lost, and their senders are not told."
)
RECOVERED_FAXES = (
    "Faxes that were waiting in the copy: {faxes}. Each is looked for at FaxCore before it is sent, so none is sent "
    "twice. One that can be neither found nor ruled out ends as unconfirmed, and its sender is told."
)
RECOVERED_NEXT = (
    'No notification but alarms is sent for now, because it may have been sent before. Look at them with "mailfax '
    'queue", cancel those you do not want, and let the others go with "mailfax release --outbox".'
)

DAMAGED_SUBJECT = "Fax alarm: {rows} in the fax gateway's spool"
DAMAGED_TEXT = "These could not be read and were set aside. Everything else goes on:"
DAMAGED_NEXT = (
    "The usual causes are a failing disk or memory, or somebody who changed the database by hand. Check the machine. "
    '"mailfax show" tells what is known about each row.'
)
LEFT_OUT_SUBJECT = "Fax alarm: faxes are on hold because no rule names their senders"
LEFT_OUT_TEXT = (
    "These senders still had faxes waiting, but no [[sender]] rule names them any more. Their faxes are on hold:"
)
LEFT_OUT_NEXT = (
    '"mailfax release --sender ADDRESS" sends them, "mailfax cancel --sender ADDRESS" cancels them. Faxes on hold '
    "expire like any others."
)

FOREIGN_SUBJECT = 'Fax failed at the fax service: to {number}, fax account "{account}"'
FOREIGN_NUMBER = "an unknown number"
FOREIGN_TEXT = (
    'A fax on account "{account}" has failed at the fax service. As far as we know, it was not sent through this '
    "gateway: somebody used the service's own website, or another program."
)
FOREIGN_NEXT = "We can't send it again. Whoever sent it has to, if it is still needed."
ROW_SENT = "Sent"
UNDELIVERABLE_SUBJECT = "Undeliverable: {kind} for {recipients}"
UNDELIVERABLE_ELSEWHERE_TEXT = (
    "The fax gateway could not hand over what belongs there, and will not retry automatically."
)
UNDELIVERABLE_TEXT = "The fax gateway could not deliver a notification, and will not retry automatically."
UNDELIVERABLE_NEXT = (
    'We have kept it. Once the address or the mail server works, "mailfax resend" with its ID sends it again; '
    '"mailfax cancel" with its ID gives it up.'
)
REFUSED_SUBJECT = "Refused: {kind} for {recipients}"
REFUSED_TEXT = (
    "Our mail server refuses a notification from the fax gateway. It has taken no other message since, so we can't "
    "tell yet whether it refuses this recipient only, or everybody."
)
REFUSED_ELSEWHERE_TEXT = "What should go there is refused. Nothing else was taken there since."
REFUSED_NEXT = "Nothing has been lost: we keep it and go on trying. Please check whether the address exists."
RELAY_CLEAR_SUBJECT = "Fax all-clear: the mail server is accepting messages again"
RELAY_CLEAR_TEXT = (
    "From {since} to {until} the mail server accepted nothing from the fax gateway. Nothing has been lost: "
    "notifications and received faxes have waited, and are being sent now."
)
ROW_SAID = "It said"
ROW_WAITED = "Messages that waited"
ROW_KIND = "What it was"
ROW_RECIPIENTS = "For"
ROW_ABOUT = "About"
ROW_LETTER = "ID"
#: What a letter was, by its kind.
KINDS = {
    "delivered": "notification of a delivered fax",
    "failed": "notification of a failed fax",
    "cancelled": "notification of a cancelled fax",
    "unconfirmed": "notification of an unconfirmed fax",
    "mixed": "notification of several faxes",
    "delayed": "notification of a delayed fax",
    "received": "received fax",
    "preview": "preview of a fax",
    "outcome": "outcome of a fax for a program",
    "alarm": "alarm",
    "forward": "message for the postmaster",
}
