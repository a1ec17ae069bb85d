"""``mailfax preview``: the pages that a message would become, from a file, without sending anything."""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict, replace
from email.utils import parseaddr
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.config import Config
    from mailfax.rules.job import FaxJob, Message

HELP = "show the pages that a message would become, and what would be left out; nothing is faxed"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("mail", metavar="FILE", type=Path, help="a message as a file (.eml)")
    parser.add_argument("-o", "--output", metavar="FILE", type=Path, help="where to write the pages, as a PDF")
    parser.add_argument("--fax", action="store_true", help="write the dots of the fax instead, as a TIFF")
    parser.add_argument("--json", action="store_true", help="the plan as one JSON object, for scripts")
    parser.add_argument(
        "--to", metavar="NUMBER", default="preview", help="the recipient, with options as in an address"
    )
    parser.add_argument("--from", metavar="ADDRESS", dest="sender", default="", help="who sends it (default: From)")
    add_config(parser)


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config

    if not (arguments.output or arguments.json):
        raise CannotRun("nothing to do: give -o FILE for the pages, --json for the plan, or both")
    config = load_config(arguments)
    try:
        raw = arguments.mail.read_bytes()
    except OSError as wrong:
        raise CannotRun(f"{arguments.mail}: {wrong.strerror or wrong}") from None
    told = asyncio.run(_preview(config, arguments, raw))
    if arguments.json:
        json.dump(told, sys.stdout, indent=2, ensure_ascii=False)
        print()
    else:
        print("\n".join([*told["contents"], *(f"left out: {line}" for line in told["skipped"])]))
    return 0


async def _preview(config: Config, arguments: argparse.Namespace, raw: bytes) -> dict[str, Any]:
    from mailfax.offramp.cover import cover_for
    from mailfax.offramp.sending import Orders
    from mailfax.offramp.wishes import document_of, not_shown_on_cover, wishes_of
    from mailfax.render import CannotRender, Renderer
    from mailfax.render.terms import Order
    from mailfax.rules.job import Document
    from mailfax.rules.paper import paper_for

    message, job = _unsent(config, arguments, raw)
    account = config.account(message.account)
    assert account is not None
    renderer = Renderer(paper=paper_for(config.default_country), limits=config.limits, config=config.render)
    orders = Orders([account], renderer.paper)
    try:
        with tempfile.TemporaryDirectory(prefix="mailfax-") as name:
            mail = Path(name, "mail.eml")
            await asyncio.to_thread(mail.write_bytes, raw)
            empty = Document(message.queue_id, "ready", 1, 0.0, 1)
            made = await renderer.render(mail, into=mail.parent, wishes=wishes_of(account, message, empty, [job]))
            document = document_of(empty, made)
            told = (*document.skipped, *not_shown_on_cover(account, message, document, [job]))
            order = orders.order(account, message, document, job) or Order(renderer.paper)
            content, pages = made.content, made.pages
            if pages is not None:
                order = replace(order, document="tiff" if arguments.fax else "pdf")
                content, pages = await renderer.compose(content, order, into=mail.parent)
            if arguments.output:
                await asyncio.to_thread(shutil.copyfile, content, arguments.output)
    except CannotRender as why:
        raise CannotRun(f"it can't be faxed: {why.status.sentence}") from None
    except OSError as wrong:
        raise CannotRun(f"{wrong.filename}: {wrong.strerror}") from None
    finally:
        await renderer.close()
    fields = {key: value for key, value in asdict(cover_for(account, message, document, job)).items() if value}
    return {
        "subject": message.subject,
        "pages": pages,
        "paper": order.paper,
        "contents": list(document.contents),
        "skipped": list(told),
        "cover": account.cover if job.has_cover(document) else "none",
        "cover_fields": fields,
        "notes": document.notes,
        "number": job.number,
    }


def _unsent(config: Config, arguments: argparse.Namespace, raw: bytes) -> tuple[Message, FaxJob]:
    """The message and its fax as the listener would have them, but for a place in the spool."""
    from mailfax.offramp.faxes import faxes_of
    from mailfax.rules.envelope import Recipient
    from mailfax.rules.fields import heading_of
    from mailfax.rules.heading import read_heading
    from mailfax.rules.job import Message
    from mailfax.rules.policy import Policy
    from mailfax.rules.queue_id import job_id
    from mailfax.rules.recipient import read_recipient
    from mailfax.rules.senders import mailbox_key
    from mailfax.rules.status import Refusal
    from mailfax.rules.tags import read_tags

    heading = read_heading(heading_of(raw.replace(b"\r\n", b"\n")))
    address = arguments.to if "@" in arguments.to else f"{arguments.to}@{config.fax_domains[0]}"
    meant = read_recipient(address, Policy.of(config).addressing)
    if isinstance(meant, Refusal):
        raise CannotRun(f"--to {arguments.to}: {meant.status.sentence}")
    tagged = read_tags(heading.subject)
    if tagged.wrong:
        raise CannotRun(f"it would be refused: {tagged.wrong}")
    sender = arguments.sender or _author(raw)
    key = mailbox_key(sender)
    domain = f"@{key[1]}" if key else ""
    rules = [rule for rule in config.senders if sender in rule.senders or domain in rule.senders]
    rules += [rule for rule in config.senders if not rule.senders]
    if not rules:
        raise CannotRun(f"no [[sender]] is for {sender or 'nobody'}: give --from ADDRESS")
    rule, now = rules[0], time.time()
    if not (meant.numbers or meant.is_preview):
        raise CannotRun(f"--to {arguments.to}: no fax goes there")
    recipient = Recipient(address, next(iter(meant.numbers), None), cover=meant.cover)
    [fax] = faxes_of([recipient], heading.names, tagged.said)
    message = Message(
        queue_id="PREVIEW",
        received_at=now,
        sender=sender,
        ret="",
        envid="",
        client_ip="",
        listener="",
        login="",
        account=rule.account,
        sender_name=rule.name or heading.author,
        sender_company=rule.company,
        owner="",
        success_notice=False,
        header_message_id=heading.message_id,
        subject=tagged.rest,
        content_id="",
        size=len(raw),
        cover_page=rule.cover_page,
        body=rule.body,
        strip=",".join(rule.strip),
        timezone=rule.timezone,
    )
    job = fax.job(job_id(message.queue_id, 1), "PRVW22", account=rule.account, now=now, expire_seconds=0.0)
    return message, replace(job, preview=True)


def _author(raw: bytes) -> str:
    import email

    return parseaddr(str(email.message_from_bytes(raw[:65_536])["From"] or ""))[1].lower()
