"""Every word of our mails, in one place. ``{…}`` are filled with values that are one line each.

Written for people who send faxes, not for those who run servers: what happened, why, what to do now.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailfax.rules.states import JobState

#: In front of every subject, and first in every text, where the fax service is a sandbox.
TEST_SUBJECT = "[TEST] "
TEST_TEXT = "This is a test: the fax service is a sandbox, and nothing was really faxed."

GATEWAY_NAME = "Fax gateway"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How an outcome is told. ``word`` is X-Fax-Outcome, ``subject`` begins with it, ``ended`` names the time at
    which it ended, ``next`` says what to do now."""

    word: str
    subject: str
    headline: str
    ended: str
    next: str = ""


OUTCOMES = {
    JobState.DELIVERED: Outcome(
        word="delivered",
        subject="Fax delivered to {number}",
        headline="Fax to {number}: DELIVERED",
        ended="Delivered",
    ),
    JobState.FAILED: Outcome(
        word="failed",
        subject="Fax failed, not delivered to {number}",
        headline="Fax to {number}: NOT DELIVERED",
        ended="Failed",
        next="It is not tried again by itself.",
    ),
    JobState.CANCELLED: Outcome(
        word="cancelled",
        subject="Fax cancelled, not delivered to {number}",
        headline="Fax to {number}: CANCELLED, NOT DELIVERED",
        ended="Cancelled",
        next="It is not tried again by itself. If you still want to send it, send your mail once more.",
    ),
    JobState.UNCONFIRMED: Outcome(
        word="unconfirmed",
        subject="Fax unconfirmed, may or may not have been sent to {number}",
        headline="Fax to {number}: MAY OR MAY NOT HAVE BEEN SENT",
        ended="Given up",
        next="It is not tried again by itself, so that nobody gets it twice.",
    ),
}

PREVIEW_SUBJECT = "Preview of your fax"
PREVIEW_HEADLINE = "PREVIEW: this is what would be faxed. Nothing was faxed."
PREVIEW_ATTACHED = "The pages are attached, just as the recipient would get them."
PREVIEW_UNTOUCHED = "The fax service makes the pages itself from the file, so they can't be shown here."
PREVIEW_SERVICE_COVER = "On the cover page, which the fax service adds:"
PREVIEW_OWN_COVER = "The first page is the cover page."
PREVIEW_NO_COVER = "There is no cover page."
PREVIEW_NEXT = "To send it, write the same mail to the fax number."
PREVIEW_FAILED = Outcome(
    word="failed",
    subject="No preview of your fax",
    headline="PREVIEW: NOT POSSIBLE. The fax could not be sent like this.",
    ended="Failed",
)

UNCONFIRMED_CHECKS_HEADING = "Before you send it again:"
UNCONFIRMED_CHECKS = (
    "Ask the recipient whether the fax arrived.",
    "If they can't tell, ask {gateway} to look for the reference {reference} among the faxes at the fax service.",
)

DELAYED = Outcome(
    word="delayed",
    subject="Fax delayed, not yet delivered to {number}",
    headline="Fax to {number}: NOT YET DELIVERED",
    ended="",
    next="You will get another mail when it is delivered or has failed.",
)
_WAITS_HERE = "It is waiting here until it can be handed to the fax service."
#: Why a job still waits, by its state.
DELAYED_BECAUSE = {
    JobState.ACCEPTED: "Its pages are not made yet.",
    JobState.READY: _WAITS_HERE,
    JobState.DEFERRED: _WAITS_HERE,
    JobState.SUBMITTING: "It is being handed to the fax service just now.",
    JobState.SUBMITTED: "The fax service has taken it and has not reported yet how it ended.",
    JobState.IN_DOUBT: "The fax service gave no clear answer; we are finding out whether it has the fax.",
    JobState.HELD: "It is held until the administrator releases it.",
}

SERVICE_SAID = "The fax service said: {said}"
CONTENTS_HEADING = "In the fax (pages counted without the cover page):"
SKIPPED_HEADING = "Left out of the fax:"
ASK = "Questions? Write to {gateway} and name the queue ID {queue_id}."
OWNER_TOLD = "You get this mail because the gateway's configuration names you to hear of faxes from this sender."
POSTMASTER_TOLD = (
    "You get this mail because the fax came without a return address, and no rule names who hears of it."
)

ROW_TO = "To"
ROW_RECIPIENT = "Recipient"
ROW_ADDRESS = "You wrote"
ROW_SENDER = "Sent by"
ROW_SUBJECT = "Subject"
ROW_PAGES = "Pages"
ROW_COVER, COVER_NONE = "Cover page", "none"
ROW_RECEIVED = "Mail received"
ROW_QUEUE_ID = "Queue ID"
PAGES_PARTLY = "{delivered} of {pages} delivered"

INBOUND_SUBJECT = "Fax received from {caller}"
INBOUND_FROM = "Fax from {caller}"
INBOUND_UNKNOWN = "an unknown number"
INBOUND_OPENING = "A fax has arrived. Its pages are attached as a PDF."
INBOUND_SHORT = (
    "Attention: the fax service announced {announced}, but the attached document has {pages}. Part of the fax may be "
    "missing; ask the sender."
)
INBOUND_CALLER_NOTE = (
    "The number of the caller is shown as the fax service reported it; it proves nothing about who sent the fax. "
    "An answer to this mail reaches nobody and is not faxed."
)
ROW_FROM_NAME, ROW_NOTES = "From", "Text"
ROW_CALLER = "From"
ROW_CALLED = "Received on"
ROW_ARRIVED = "Received"
ROW_FAX_ID = "Service's fax ID"
ROW_LISTED = "First seen"
ROW_ATTEMPTS = "Attempts"
ROW_PROBLEM = "Problem"

UNREADABLE_SUBJECT = "Received fax can't be read, on {account}"
UNREADABLE_TEXT = (
    "A fax was received at the fax service, but it could not be fetched or its document could not be read. It was "
    "delivered to nobody yet."
)
UNREADABLE_NEXT = (
    "It is tried again, once a day at least, and delivered when that succeeds. Meanwhile you can read it on the fax "
    "service's own pages."
)
VANISHED_SUBJECT = "Received fax has vanished, on {account}"
VANISHED_TEXT = (
    "A fax was received at the fax service, but it was gone from there before it could be fetched. It was delivered "
    "to nobody."
)
VANISHED_NEXT = (
    "Somebody may have deleted or moved it on the fax service's own pages; look into its trash folder, and have the "
    "sender fax again if it is lost."
)

ALARM_SUBJECT = "Fax alarm: account {account} needs attention"
ALARM_TEXT = "Something is the matter with the fax account {account}:"
ALARM_NEXT = (
    "Nothing is lost: faxes that could not be handed over wait. Where the account was paused, you hear of it once, "
    "and once again when it works."
)
CEILING_SUBJECT = "Fax alarm: the daily limit of {limit} faxes is reached"
CEILING_TEXT = (
    "This site may send {limit} faxes in 24 hours, and a mail came that would exceed them. It was refused for now; "
    "its sender's mail server tries again later. So it goes with all mails until fewer are used."
)
CEILING_NEXT = (
    "Look who sends so many, and whether they mean to: the command mailfax queue lists the newest faxes. If all is "
    "well, raise faxes_per_day in [limits] and start mailfax again. You hear of this once a day."
)
ALL_CLEAR_SUBJECT = "Fax all-clear: account {account} works again"
ALL_CLEAR_TEXT = "The fax account {account} works again. Its waiting faxes are being sent; nothing needs to be done."

DISK_SUBJECT = "Fax alarm: the disk of the fax gateway needs attention"
DISK_TEXT = "Something is the matter with the disk of the fax gateway:"
DISK_NEXT = (
    "Faxes and mails that it has are kept, and wait. New mails are refused for now, and their senders' mail servers "
    "try again, for as long as they can't be stored. You hear of this once, and once again when it is over."
)
DISK_CLEAR_SUBJECT = "Fax all-clear: the disk of the fax gateway works again"
DISK_CLEAR_TEXT = (
    "The disk of the fax gateway works again, and has room. What waited goes on; nothing needs to be done."
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

DAMAGED_SUBJECT = "Fax alarm: {rows} in the spool of the fax gateway"
DAMAGED_TEXT = "These could not be read and were set aside; everything else goes on:"
DAMAGED_NEXT = (
    "Rows are damaged by a failing disk or memory, or by somebody who wrote into the database. Check the machine; "
    "mailfax show tells what is known of each."
)
LEFT_OUT_SUBJECT = "Fax alarm: faxes of senders whom no rule names are held"
LEFT_OUT_TEXT = "No [[sender]] rule names these any more, and faxes of theirs were waiting. They are held:"
LEFT_OUT_NEXT = (
    "mailfax release --sender ADDRESS lets them go, mailfax cancel --sender ADDRESS cancels them; held faxes expire "
    "as any other."
)

UNDELIVERABLE_SUBJECT = "Fax mail undeliverable: {kind} for {recipients}"
UNDELIVERABLE_TEXT = "A mail of the fax gateway could not be delivered and is not tried again."
UNDELIVERABLE_NEXT = (
    "The mail is kept under its letter ID: the command mailfax resend with that ID sends it again once the address "
    "or the mail server that refused it works, and mailfax cancel gives it up."
)
REFUSED_SUBJECT = "Fax mail refused: {kind} for {recipients}"
REFUSED_TEXT = (
    "The mail server refuses a mail of the fax gateway. It took no other mail meanwhile, so nobody can say yet "
    "whether this one recipient is refused, or everybody."
)
REFUSED_NEXT = "The mail is kept and tried again. Look whether its address exists; nothing is lost."
RELAY_CLEAR_SUBJECT = "Fax all-clear: the mail server takes our mail again"
RELAY_CLEAR_TEXT = (
    "From {since} to {until} the mail server took no mail of the fax gateway. Nothing is lost: answers and received "
    "faxes waited, and are being handed over now."
)
ROW_SAID = "It said"
ROW_WAITED = "Mails that waited"
ROW_KIND = "What it was"
ROW_RECIPIENTS = "For"
ROW_ABOUT = "About"
ROW_LETTER = "Letter ID"
#: What a letter was, by its kind.
KINDS = {
    "delivered": "notice of a delivered fax",
    "failed": "notice of a failed fax",
    "cancelled": "notice of a cancelled fax",
    "unconfirmed": "notice of an unconfirmed fax",
    "delayed": "notice of a delayed fax",
    "received": "received fax",
    "preview": "preview of a fax",
    "alarm": "alarm",
    "forward": "mail for the postmaster",
}
