"""The one table of answers: a cause gives the SMTP reply, the RFC 3463 code and the sentence for people.

In: a ``Cause`` and the facts its sentence names. Out: a ``Refusal`` (said in the SMTP session) or a ``Status`` (said
in a letter). A sentence says what happened and what to do, and never carries internals.

STANDARDS: RFC 5321 4.2 (reply codes), RFC 2034 (enhanced codes in replies), RFC 3463 (codes), RFC 3464 2.3.6
(Diagnostic-Code). A test checks that the first digits of every row agree.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from mailfax.rules.job import Status


# A table: one row a line, however long its sentence.
# fmt: off
@enum.unique
class Cause(enum.Enum):
    """Why the answer is what it is.

    Value: (SMTP reply code, or 0 where it is never said there; RFC 3463 code; sentence).
    """

    # ruff: noqa: E501
    # --- the SMTP session -------------------------------------------------------------------------------------
    ADDRESS_SYNTAX = (501, "5.1.3", "This address is malformed: {why}. Write <number>@{domain}, digits only, country code first")
    NUMBER_SYNTAX = (550, "5.1.3", "This is not a fax number: {why}. Write <number>@{domain}, for example {example}@{domain}")
    NUMBER_NOT_DIALLED = (550, "5.7.1", "This number is never dialled here: {why}")
    FOREIGN_DOMAIN = (550, "5.7.1", "Relaying denied: this gateway takes mail to <number>@{domain} only")
    SENDER_SYNTAX = (501, "5.1.7", "The sender address is malformed: {why}")
    SENDER_UNKNOWN = (550, "5.7.1", "Sender {sender} may not send faxes from {ip}: no rule allows it. Ask {postmaster}")
    SENDER_NULL = (550, "5.7.1", "Mail with an empty sender (a bounce or notification) is never faxed: nobody could be told the outcome")
    SENDER_NOT_YOURS = (553, "5.7.1", "User {login} may not send as {sender}: no rule allows it. Ask {postmaster}")
    SENDER_UNPROVEN = (550, "5.7.1", "Nothing proves that this message is from {sender}: {why}. Send it through your own mail server, or ask {postmaster}")
    SENDER_UNPROVEN_NOW = (451, "4.7.1", "Whether this message is from {sender} can't be checked now: {why}; try again later")
    RELAYED = (550, "5.7.1", "This message came through another server, and where it began is not proven: {why}. Ask {postmaster} to name that server in relays")
    DESTINATION_DENIED = (550, "5.7.1", "Faxes to {number} are not allowed: {why}. Ask {postmaster}")
    NUMBER_BLOCKED = (550, "5.7.1", "Nobody may fax to {number} from here: {why}. Ask {postmaster}")
    COVER_FIELD = (550, "5.1.3", "This address is not understood: {why}. Write <number>/to=Name/company=Name@{domain}")
    NO_COVER = (550, "5.7.1", "No fax of {sender} has a cover page, so none can be asked for: leave out cover=yes, or ask {postmaster}")
    TAG = (550, "5.6.0", "A tag is not understood: {why}")
    SUBJECT_NUMBER = (550, "5.1.3", "The subject must begin with the fax number: {why}. Write for example {example}")
    RECIPIENT_LIST = (550, "5.1.3", "The attached list of recipients is not used, and nothing is sent:{first}{second}{third}{more}")
    BILLING_CODE = (550, "5.7.1", "The billing code \"{code}\" is not known here; write one that is, or ask {postmaster}")
    NO_PRIORITY = (550, "5.7.1", "Faxes of {sender} have no priority: leave out #fax:priority=high, or ask {postmaster}")
    QUOTA_FAXES = (550, "5.7.1", "{payer} may send {limit} faxes a day, of which {used} are used up, too many for this message; send it tomorrow, or ask {postmaster}")
    QUOTA_PAGES = (550, "5.7.1", "The {limit} pages that {payer} may send in a day are used up; send it again tomorrow, or ask {postmaster}")
    CEILING = (451, "4.7.1", "This site has sent as many faxes today as it may; try again later. {postmaster} has been told")
    PARTIAL = (550, "5.6.1", "This message is one part of a divided one (message/partial), which can't be faxed. Switch off \"divide mail\" or raise its size limit in the device")
    NETWORK = (554, "5.7.1", "Clients at {ip} may not connect here. Ask {postmaster}")
    AUTOMATIC = (550, "5.7.1", "Automatic mail is never faxed ({why}). Send it as an ordinary message, or ask {postmaster} for a rule with automatic = true")
    BULK = (550, "5.7.1", "List and bulk mail is never faxed ({why}). Send it as an ordinary message")
    OWN_NOTICE = (550, "5.7.1", "This is a notification from a fax gateway; notifications are never faxed")
    LOOP = (554, "5.4.6", "Mail loop: this message has passed more than {limit} servers")
    TOO_MANY_RECIPIENTS = (452, "4.5.3", "Too many recipients in one message: at most {limit} here; send the rest in another message")
    TOO_BIG = (552, "5.3.4", "This message is too big: at most {limit} bytes are taken here; send fewer or smaller attachments")
    HEADER_TOO_BIG = (552, "5.3.4", "The header of this message is too big: at most {limit} bytes are taken here")
    BARE_LINE_END = (554, "5.6.0", "This message has line ends that are not CRLF, which is forbidden (RFC 5321 2.3.8). Send CRLF, or ask the administrator to set bare_newline = \"normalize\" for this listener")
    PARAMETER = (501, "5.5.4", "Bad parameter: {why}")
    PARAMETER_UNKNOWN = (555, "5.5.4", "Parameter {name} is not supported here")
    COMMAND_SYNTAX = (501, "5.5.2", "Syntax: {syntax}")
    COMMAND_UNKNOWN = (500, "5.5.2", "Command not recognised")
    COMMAND_LONG = (500, "5.5.2", "Command line too long")
    SEQUENCE = (503, "5.5.1", "Bad sequence of commands: {why}")
    NOT_IMPLEMENTED = (502, "5.5.1", "Command not implemented")
    TLS_UNAVAILABLE = (454, "4.7.0", "TLS is not available now; try again later")
    TLS_REQUIRED = (530, "5.7.0", "Say STARTTLS first")
    TLS_EXPECTED = (554, "5.7.0", "This port speaks TLS from the first byte; choose SSL/TLS in your client, or the port for STARTTLS")
    TLS_TOO_SOON = (554, "5.7.0", "This port speaks in clear first; choose STARTTLS or no encryption in your client")
    AUTH_REQUIRED = (530, "5.7.0", "Authentication required: log in with user name and password")
    AUTH_FAILED = (535, "5.7.8", "User name or password is wrong")
    AUTH_MECHANISM = (504, "5.5.4", "Only AUTH PLAIN and AUTH LOGIN work here")
    AUTH_CANCELLED = (501, "5.7.0", "Authentication was cancelled")
    AUTH_SYNTAX = (501, "5.5.2", "This authentication response can't be read: {why}")
    AUTH_TOO_MANY = (421, "4.7.0", "Too many failed logins; closing the connection")
    AUTH_NOT_NOW = (454, "4.7.0", "Passwords can't be checked now; try again later")
    PROXY_HEADER = (421, "4.3.5", "The load balancer in front sent no valid PROXY header; closing the connection")
    XCLIENT_DENIED = (550, "5.7.0", "XCLIENT is not for clients at {ip}")
    RATE = (450, "4.7.1", "Too many messages in a minute from {ip}; the next is taken in a moment")
    HASTY = (421, "4.7.0", "Line ends of this message had to be put right, so nothing that came with it is obeyed; closing the connection")
    TOO_MANY_ERRORS = (421, "4.7.0", "Too many errors; closing the connection")
    TOO_MANY_COMMANDS = (421, "4.7.0", "Too many commands without a message; closing the connection")
    TOO_MANY_CONNECTIONS = (421, "4.7.0", "Too many connections; try again later")
    TIMEOUT = (421, "4.4.2", "Timeout: nothing was heard for too long; closing the connection")
    SHUTDOWN = (421, "4.3.2", "The service is going down; try again in a moment")
    STORAGE = (452, "4.3.1", "The message can't be stored now, nothing was kept; try again later")
    TROUBLE = (451, "4.3.0", "The message can't be taken now; try again later")
    NOT_FAXABLE = (554, "5.6.1", "The message can't be faxed")  #: the sentence is that of its document, see ``refused_at_once``
    # --- the document -----------------------------------------------------------------------------------------
    UNREADABLE_MAIL = (0, "5.6.0", "The message could not be read: {why}")
    NOTHING_TO_FAX = (0, "5.6.0", "The message has neither text nor an attachment, so there was nothing to fax")
    UNSUPPORTED = (0, "5.6.1", '"{name}" can\'t be faxed: {why}')
    UNSUPPORTED_BESIDE = (0, "5.6.1", '"{name}" can\'t be joined with other documents into one fax; send this one alone')
    DAMAGED = (0, "5.6.3", '"{name}" is damaged and can\'t be turned into pages: {why}. Save or export the file again, and send the new one')
    ENCRYPTED = (0, "5.6.1", '"{name}" is encrypted or protected by a password; remove the protection and send it again')
    TOO_MANY_PAGES = (0, "5.3.4", "The fax would have {pages} pages, but one fax can have {limit} at most. Please send it in parts")
    DOCUMENT_TOO_BIG = (0, "5.3.4", "The fax would have {size} bytes, but one fax can have {limit} at most. Please send it in parts")
    RENDER_FAILED = (0, "5.6.3", "The pages could not be made: {why}. Send the document as a PDF")
    RENDER_GAVE_UP = (0, "5.3.0", "The pages could not be made in {attempts} attempts, because the document makes our converter fail. Please send it as a PDF")
    QUOTA_DOCUMENT = (0, "5.7.1", "The fax has too many pages: for all its recipients together it needs {pages}, and of the {limit} that {payer} may send in a day {left} are left. Nothing was sent; send fewer pages, or send it tomorrow")
    # --- the fax ----------------------------------------------------------------------------------------------
    DELIVERED = (0, "2.0.0", "Every page reached the other fax machine")
    PREVIEWED = (0, "2.0.0", "The pages were mailed back as they would be faxed; nothing was faxed")
    DELIVERED_UNCOUNTED = (0, "2.0.0", "The fax service reports the fax as sent")
    FAILED_THERE = (0, "5.4.1", 'The fax was not delivered: the fax service reported "{word}". Check the number, and whether a fax machine answers there, then send it again')
    FAILED_UNSAID = (0, "5.4.1", "The fax was not delivered, and the fax service gave no reason. Often the line was busy, or no fax machine answered. Check the number, then send it again")
    PARTLY = (0, "5.4.2", "Only {delivered} of {pages} pages reached the other fax machine. Treat the fax as not delivered, and send it again")
    REFUSED_THERE = (0, "5.5.0", "The fax service refused the fax")
    PERHAPS_TOO_LARGE = (0, "5.3.4", "The fax service did not take the fax, most likely because its document is too large for it. Nothing was sent; send it in parts, or with smaller pictures")
    CANCELLED_THERE = (0, "5.7.0", "The fax was cancelled at the fax service before it was delivered")
    CANCELLED_HERE = (0, "5.7.0", "The fax was cancelled by the administrator before it was sent")
    EXPIRED = (0, "5.4.7", "The fax could not be handed to the fax service in time: {why}. Nothing was sent; send it again")
    UNCONFIRMED = (0, "5.4.0", "The fax may or may not have been sent: the fax service gave no clear answer. Ask the recipient before you send it again")
    UNCONFIRMED_LARGE = (0, "5.4.0", "The fax may or may not have been sent: the fax service gave no clear answer, perhaps because the document is too large for it. Ask the recipient before you send it again, and then send it in parts")
    SILENT = (0, "5.4.0", "The fax may or may not have been sent: the fax service took it and never reported how it ended. Ask the recipient before you send it again")
    DELAYED = (0, "4.4.7", "The fax has not been delivered yet, and you need not send it again")
    DAMAGED_UNSENT = (0, "5.3.0", "The fax was not sent: our record of it was damaged. Please send it again")
    DAMAGED_UNCONFIRMED = (0, "5.4.0", "The fax may or may not have been sent: our record of it was damaged. Ask the recipient before you send it again")
    ACCOUNT_SHUT = (0, "5.4.0", "The fax may or may not have been sent: we lost access to its fax account before the outcome was known. Ask the recipient before you send it again")
    # fmt: on

    @property
    def reply_code(self) -> int:
        return self.value[0]

    @property
    def code(self) -> str:
        return self.value[1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an SMTP session answers instead of 250. ``reply`` is the whole line without CRLF."""

    code: int
    status: Status
    cause: Cause

    @property
    def reply(self) -> str:
        return f"{self.code} {self.status.code} {self.status.sentence}"


def status(cause: Cause, diagnostic: str = "", **facts: object) -> Status:
    """The status of ``cause``; ``diagnostic`` is "type; text" (x-faxcore for what the service said)."""
    sentence = cause.value[2].format(**facts)
    return Status(cause.code, sentence, diagnostic or f"x-mailfax; {cause.name.lower().replace('_', ' ')}")


def refusal(cause: Cause, **facts: object) -> Refusal:
    """The SMTP answer of ``cause``. Facts come from strangers: only printable ASCII of them reaches the reply."""
    clean = {name: _printable(str(fact)) for name, fact in facts.items()}
    return Refusal(cause.reply_code, status(cause, **clean), cause)


def refused_at_once(why: Status) -> Refusal:
    """What would fail the fax later, as the SMTP answer to its mail: the same status, the sentence as ASCII."""
    return Refusal(Cause.NOT_FAXABLE.reply_code, Status(why.code, _printable(why.sentence, 450), why.diagnostic), Cause.NOT_FAXABLE)


def _printable(text: str, most: int = 100) -> str:
    """ASCII without controls: a reply line ends at 512 octets (RFC 5321 4.5.3.1.5)."""
    return "".join(char if " " <= char <= "~" else "?" for char in text)[:most]
