"""``mailfax send``: fax files over a listener of the bridge, and follow each fax to its end."""

from __future__ import annotations

import argparse
import asyncio
import getpass
import mimetypes
import smtplib
import ssl
import sys
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Config, Listener

HELP = "fax files to numbers, over SMTP, and follow each fax to its end"
#: The reply that tells the queue ID: "queued as K4TXYZ12AB".
QUEUED_AS = "queued as "


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("files", metavar="FILE", nargs="*", type=Path, help="documents, in the order of their pages")
    parser.add_argument(
        "--to", metavar="NUMBER", action="append", required=True, help="as people write it; may be given again"
    )
    parser.add_argument("--subject", default="", help="for the cover page")
    parser.add_argument("--text", default="", help="a note for the cover page, or the fax itself without files")
    add_sending(parser)
    parser.add_argument("--no-wait", action="store_true", help="do not follow the fax")


def add_sending(parser: argparse.ArgumentParser) -> None:
    """As whom, and over which listener."""
    parser.add_argument("--from", metavar="ADDRESS", dest="sender", help="default: the first address a rule names")
    parser.add_argument("--listener", metavar="NAME", help="the listener to use (default: the first)")
    parser.add_argument("--login", metavar="USER", help="log in; the password is asked for, or a line of a pipe")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    if not arguments.files and not arguments.text.strip():
        raise CannotRun("nothing to fax: name a FILE, or give --text")
    queue_id = hand_over(config, arguments)
    print(f"queued as {queue_id}")
    if arguments.no_wait:
        return 0
    return with_spool(config, lambda spool: _follow(spool, queue_id))


def hand_over(config: Config, arguments: argparse.Namespace) -> str:
    """Send what the command line says as a message to the bridge; its queue ID. Raises ``CannotRun``."""
    recipients = [f"{_number(config, text)}@{config.fax_domains[0]}" for text in arguments.to]
    return _hand_over(config, arguments, _mail(config, arguments, recipients), recipients)


def _number(config: Config, text: str) -> str:
    """What stands before the @: the number as it is dialled, or the name of an alias."""
    from mailfax.rules.number import Unfit, read_number

    if text.casefold() in dict(config.aliases):
        return text
    number = read_number(text, default_country=config.default_country)
    if isinstance(number, Unfit):
        raise CannotRun(f"--to {text}: this is no fax number: {number.why}")
    return f"+{number.dialled}"


def _mail(config: Config, arguments: argparse.Namespace, recipients: list[str]) -> EmailMessage:
    mail = EmailMessage()
    mail["From"] = _sender(config, arguments)
    mail["To"] = ", ".join(recipients)
    mail["Subject"] = arguments.subject
    mail["Date"] = formatdate(localtime=True)
    mail["Message-ID"] = make_msgid(domain=config.hostname)
    mail.set_content(arguments.text)
    for file in arguments.files:
        try:
            document = file.read_bytes()
        except OSError as wrong:
            raise CannotRun(f"{file}: {wrong.strerror or wrong}") from None
        kind, _, subkind = (mimetypes.guess_type(file.name)[0] or "application/octet-stream").partition("/")
        mail.add_attachment(document, maintype=kind, subtype=subkind, filename=file.name)
    return mail


def _sender(config: Config, arguments: argparse.Namespace) -> str:
    if arguments.sender:
        return str(arguments.sender)
    for rule in config.senders:
        for address in rule.senders:
            if not address.startswith("@"):
                return address
    raise CannotRun("no rule names a whole address to send as: give --from ADDRESS")


def _hand_over(config: Config, arguments: argparse.Namespace, mail: EmailMessage, recipients: list[str]) -> str:
    listener = _listener(config, arguments)
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listener.host, listener.host)  # noqa: S104 - where *not* to connect to
    context, password = _trusting(listener.certificate), _password(arguments)
    try:
        with (
            smtplib.SMTP_SSL(host, listener.port, timeout=60, context=context)
            if listener.tls == "implicit"
            else smtplib.SMTP(host, listener.port, timeout=60)
        ) as smtp:
            if listener.tls == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo()
            if arguments.login:
                smtp.login(arguments.login, password)
            _expect(smtp.mail(mail["From"], ["BODY=8BITMIME"]))
            for recipient in recipients:
                _expect(smtp.rcpt(recipient))
            text = _expect(smtp.data(mail.as_bytes(policy=SMTP)))
    except smtplib.SMTPAuthenticationError as wrong:
        raise CannotRun(f"refused: {wrong.smtp_code} {_text(wrong.smtp_error)}") from None
    except (OSError, smtplib.SMTPException) as wrong:
        raise CannotRun(f"{host} port {listener.port}: {wrong}; is `mailfax serve` running?") from None
    return text.rpartition(QUEUED_AS)[2].strip()


def _listener(config: Config, arguments: argparse.Namespace) -> Listener:
    """The one that was named; else the first that can be spoken to from here."""
    spoken = [each for each in config.listeners if each.protocol == "smtp" and not each.proxies]
    if arguments.listener is None:
        wanted = [each for each in spoken if (each.proof == "auth") == bool(arguments.login)] or spoken
        if not wanted:
            raise CannotRun("no listener takes SMTP from here: all speak LMTP, or expect a proxy in front")
        return wanted[0]
    named = [each for each in config.listeners if each.name == arguments.listener]
    if not named:
        raise CannotRun(f"--listener {arguments.listener}: there is none of that name in {config.source}")
    if named[0] not in spoken:
        raise CannotRun(f"--listener {arguments.listener}: it speaks LMTP, or expects a proxy in front; name another")
    return named[0]


def _trusting(certificate: Path | None) -> ssl.SSLContext:
    """Trusts the very certificate of the listener, whatever name it is reached by."""
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _password(arguments: argparse.Namespace) -> str:
    if not arguments.login:
        return ""
    return getpass.getpass() if sys.stdin.isatty() else sys.stdin.readline().rstrip("\n")


def _expect(reply: tuple[int, bytes]) -> str:
    code, text = reply
    if code // 100 != 2:
        raise CannotRun(f"refused: {code} {_text(text)}")
    return _text(text)


def _text(reply: bytes | str) -> str:
    return reply.decode("utf-8", "replace") if isinstance(reply, bytes) else reply


async def _follow(spool: Any, queue_id: str) -> int:
    """Show a bar per fax until all have ended; 0 if every one was delivered."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from mailfax.rules.states import JobState

    stations = [JobState.ACCEPTED, JobState.READY, JobState.SUBMITTING, JobState.SUBMITTED, JobState.DELIVERED]
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[state]}"), TimeElapsedColumn())
    with Progress(*columns) as progress:
        bars: dict[str, Any] = {}
        while True:
            jobs = await spool.jobs.of(queue_id)
            if not jobs:
                raise CannotRun(
                    f"{queue_id} is not in the spool of this configuration: which one does the server use?"
                )
            for job in jobs:
                if job.queue_id not in bars:
                    bars[job.queue_id] = progress.add_task(job.number, total=len(stations) - 1, state="")
                station = stations.index(job.state) if job.state in stations else (len(stations) - 1) * job.final
                told = job.status.sentence if job.status and job.final else ""
                progress.update(bars[job.queue_id], completed=station, state=f"{job.state.value} {told}".strip())
            if all(job.final for job in jobs):
                break
            await asyncio.sleep(0.3)
    return 0 if all(job.state is JobState.DELIVERED for job in jobs) else 1
