"""A fax that is sent by a page or a program: it becomes a mail, and is judged and accepted as any mail is.

In: ``Wish``: numbers as people write them, or in a list; files, text, who sends. Out: the queue ID of a
message that is durable, or ``Declined`` with sentences. The sender is proven by having signed in: an address of
``[[page_user]] from``. What is sent again under the same key is the first one, as long as the spool has its record.

STANDARDS: RFC 5322 and RFC 2045 (the mail).
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate

from starlette.datastructures import UploadFile

from mailfax.config.pages import PAGES
from mailfax.offramp.accept import Accept
from mailfax.pages.bridge import Bridge
from mailfax.pages.visitor import Visitor
from mailfax.rules.envelope import Client, Destination, Envelope, Recipient
from mailfax.rules.failure import NotSent
from mailfax.rules.number import Unfit, read_number
from mailfax.rules.policy import Permission
from mailfax.rules.recipient_list import Listed, NotAList, read_list
from mailfax.rules.status import Cause, Refusal, refusal
from mailfax.smtpd.trace import received_line
from mailfax.spool import KeyTaken

#: What stands between two numbers.
_BETWEEN = re.compile(r"[\n\r,;]+")
_TYPE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}/[a-z0-9][a-z0-9.+-]{0,60}")
#: Names of files are shown and stand in headers: so long, at the most.
LONGEST_NAME, LONGEST_SUBJECT = 150, 250

#: What is sent lies in memory until it is stored: so many at a time, the others wait.
IN_MEMORY = asyncio.Semaphore(4)


class Declined(Exception):
    """It can't be sent so. ``sentences`` say why; ``temporary``: it may work later. Nothing was stored."""

    def __init__(self, *sentences: str, temporary: bool = False) -> None:
        super().__init__(" ".join(sentences))
        self.sentences, self.temporary = sentences, temporary


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was handed over."""

    name: str
    kind: str
    content: bytes


async def upload(file: UploadFile) -> Upload:
    """A file of a form."""
    return Upload(file.filename or "", file.content_type or "", await file.read())


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be sent. ``numbers`` is text as it was written; ``to`` names the recipient of a single number."""

    key: str
    sender: str
    numbers: str
    subject: str = ""
    text: str = ""
    to: str = ""
    code: str = ""
    files: tuple[Upload, ...] = field(default=())
    listed: Upload | None = None  #: a CSV file with more numbers

    @property
    def size(self) -> int:
        """Of its files, in bytes."""
        return sum(len(file.content) for file in (*self.files, *([self.listed] if self.listed else [])))


@dataclass(frozen=True, slots=True)
class Judged:
    """A mail that may be sent, with its envelope; ``header`` is its header block."""

    envelope: Envelope
    mail: bytes
    header: bytes


async def judge(bridge: Bridge, visitor: Visitor, ip: str, wish: Wish) -> Judged:
    """The mail and its envelope, by the rules of the site; raises ``Declined`` with all that is wrong."""
    if not visitor.senders:
        raise Declined("You have no address to send from; ask your administrator for one ([[page_user]] from).")
    if wish.sender not in visitor.senders:
        raise Declined(f"You may not send as {wish.sender or 'nobody'}; choose one of {', '.join(visitor.senders)}.")
    if not (wish.files or wish.text.strip()):
        raise Declined("There is nothing to send: choose a file, or write a text.")
    secure = bridge.config.pages is not None and bridge.config.pages.secure
    client = Client(PAGES, ip, login=visitor.login, tls=secure, proof="pages")
    judged = bridge.policy.judge_sender(client, wish.sender)
    if isinstance(judged, Refusal):
        raise _declined(judged)
    recipients = _recipients(bridge, client, judged, wish)
    mail = await asyncio.to_thread(_mail, bridge, wish, recipients, visitor.login)
    if len(mail) > bridge.config.limits.message_bytes:
        raise _declined(refusal(Cause.TOO_BIG, limit=bridge.config.limits.message_bytes))
    header = mail.partition(b"\r\n\r\n")[0] + b"\r\n"
    numbers = [each.number for each in recipients if each.number]
    final = bridge.policy.judge_header(client, wish.sender, judged, header, None, numbers)
    if not isinstance(final, Permission):
        raise _declined(final) if final else Declined("There is no number to send to.")
    return Judged(Envelope(wish.sender, recipients, client, final.grant), mail, header)


async def hand_over(bridge: Bridge, visitor: Visitor, ip: str, wish: Wish) -> tuple[str, bool]:
    """The queue ID of the message, which is durable, and whether it is a new one; raises ``Declined``."""
    if known := await bridge.spool.shown.by_key(_message_id(bridge, visitor.login, wish.key)):
        return known, False
    judged = await judge(bridge, visitor, ip, wish)
    try:
        # Whoever leaves now can't stop a commit half way.
        return await asyncio.shield(_accept(bridge.accept, bridge, judged)), True
    except KeyTaken:  # at the same moment, perhaps by another process
        return await bridge.spool.shown.by_key(_message_id(bridge, visitor.login, wish.key)), False


async def _accept(accept: Accept, bridge: Bridge, judged: Judged) -> str:
    content = bridge.spool.content.begin()
    try:
        client = judged.envelope.client
        ours = received_line(client, hostname=bridge.config.hostname, smtputf8=False, now=bridge.spool.now())
        content.prefix(ours, judged.header)
        await asyncio.to_thread(content.write, judged.mail[len(judged.header) :])
        told = await accept(judged.envelope, content, judged.header)
    except BaseException as trouble:
        content.abandon()
        if isinstance(trouble, NotSent | OSError):
            raise Declined("It can't be stored now; please try again later.", temporary=True) from trouble
        raise
    if isinstance(told, Refusal):
        content.abandon()
        raise _declined(told)
    told.concluded(heard=True)  # what comes again is known by its key
    return told.queue_id


def _recipients(bridge: Bridge, client: Client, judged: Permission, wish: Wish) -> tuple[Recipient, ...]:
    """One for each number; raises ``Declined`` with a sentence for each that is none, or may not be faxed to."""
    config, wrong, found = bridge.config, list[str](), dict[str, Recipient]()
    code = _line(wish.code, LONGEST_NAME)
    booked = (("code", code),) if code else ()
    written = [each.strip() for each in _BETWEEN.split(wish.numbers) if each.strip()]
    if not (written or wish.listed):
        raise Declined("There is no number to send to.")
    if len(written) > config.limits.recipients:
        raise _declined(refusal(Cause.TOO_MANY_RECIPIENTS, limit=config.limits.recipients))
    for text in written:
        local = text
        if text.casefold() not in bridge.policy.addressing.aliases:
            number = read_number(text, default_country=config.default_country)
            if isinstance(number, Unfit):
                wrong.append(f"{text}: {number.why}.")
                continue
            local = f"+{number.dialled}"
        address = f"{local}@{config.fax_domains[0]}"
        meant = bridge.policy.judge_recipient(client, judged, address)
        if isinstance(meant, Destination):
            found |= {each.dialled: Recipient(address, each, cover=booked) for each in meant.numbers}
        else:
            wrong.append(f"{text}: {meant.status.sentence}.")
    for each in _listed(bridge, wish):
        address = f"+{each.number.dialled}@{config.fax_domains[0]}"
        meant = bridge.policy.judge_recipient(client, judged, address)
        if isinstance(meant, Destination):
            found.setdefault(
                each.number.dialled,
                Recipient(address, each.number, cover=tuple((dict(booked) | dict(each.cover)).items())),
            )
        else:
            wrong.append(f"{each.number.written}: {meant.status.sentence}.")
    if wrong:
        raise Declined(*wrong)
    if len(found) > config.limits.recipients:
        raise _declined(refusal(Cause.TOO_MANY_RECIPIENTS, limit=config.limits.recipients))
    return tuple(found.values())


def _listed(bridge: Bridge, wish: Wish) -> tuple[Listed, ...]:
    config = bridge.config
    if wish.listed is None:
        return ()
    try:
        return read_list(wish.listed.content, default_country=config.default_country, limit=config.limits.recipients)
    except NotAList as why:
        raise Declined(*why.sentences) from why


def _mail(bridge: Bridge, wish: Wish, recipients: Sequence[Recipient], login: str) -> bytes:
    """As a mail program would write it. What people wrote can neither begin a header field nor end one."""
    mail = EmailMessage(policy=SMTP)
    mail["From"] = wish.sender
    name = _line(wish.to, LONGEST_NAME) if len(recipients) == 1 else ""
    mail["To"] = [Address(name, addr_spec=each.address) for each in recipients]
    mail["Subject"] = _line(wish.subject, LONGEST_SUBJECT)
    mail["Date"] = formatdate()
    mail["Message-ID"] = _message_id(bridge, login, wish.key)
    mail.set_content("\n".join(wish.text.splitlines()))
    for number, file in enumerate(wish.files, 1):
        kind = file.kind.partition(";")[0].strip().lower()
        main, _, sub = (kind if _TYPE.fullmatch(kind) else "application/octet-stream").partition("/")
        if main in ("multipart", "message"):
            main, sub = "application", "octet-stream"  # what it is is seen from its content
        filename = _line(re.split(r"[/\\]", file.name)[-1], LONGEST_NAME) or f"file{number}"
        mail.add_attachment(file.content, maintype=main, subtype=sub, filename=filename)
    return mail.as_bytes()


def _message_id(bridge: Bridge, login: str, key: str) -> str:
    """The same for what a user sends again under the same key."""
    name = hashlib.sha256(repr((login.casefold(), key)).encode()).hexdigest()[:40]
    return f"<{name}.pages@{bridge.config.hostname}>"


def _line(text: str, longest: int) -> str:
    """Text of strangers as one line."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())[:longest]


def _declined(told: Refusal) -> Declined:
    return Declined(told.status.sentence, temporary=told.reply.startswith("4"))
