"""``mailfax trace``: the whole life of a fax in plain words, in order, from the client that sent it to the answer."""

from __future__ import annotations

import argparse
import json
import sys
from typing import TYPE_CHECKING, Any

from mailfax.cli import CannotRun, add_config

if TYPE_CHECKING:
    from mailfax.rules.job import FaxJob, InboundFax
    from mailfax.spool import Spool

HELP = "tell the whole life of a fax in plain words, from the client that sent it to the answer"
#: Faxes that a text may mean before a person is asked to say more.
MOST = 20


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument(
        "text", metavar="TEXT", help="its queue ID or that of its message; or what mailfax find takes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    lives = with_spool(config, lambda spool: _gather(spool, arguments.text.strip()))
    if arguments.json:
        json.dump({"lives": lives}, sys.stdout, indent=2)
        print()
    else:
        _print(lives)
    return 0


async def _gather(spool: Spool, text: str) -> list[dict[str, Any]]:
    if job := await spool.jobs.get(text.upper()):
        return [await _of_fax(spool, job)]
    if jobs := await spool.jobs.of(text.upper()):
        return [await _of_fax(spool, job) for job in jobs]
    found, received, _ = await spool.queue.find(text, MOST + 1)
    if len(found) + len(received) > MOST:
        raise CannotRun(f'"{text}" means more than {MOST} faxes: mailfax find "{text}" lists them')
    if not (found or received):
        raise CannotRun(f'no fax has "{text}" in a number, an address, the subject or an ID')
    faxes = sorted((each.job for each in found), key=lambda job: (-job.accepted_at, job.queue_id))
    return [await _of_fax(spool, job) for job in faxes] + [await _of_received(spool, fax) for fax in received]


async def _of_fax(spool: Spool, job: FaxJob) -> dict[str, Any]:
    from mailfax.rules.life import concerns

    message = await spool.intake.message(job.message)
    document = await spool.documents.get(job.message)
    number = job.pages or (document.pages if document else None)
    pages = f", {number} page{'s' * (number != 1)}" if number else ""
    lines = [f"Fax {job.queue_id} to {job.number} through account {job.account}{pages}: {job.state.value}"]
    if message:
        client = f"{message.login} at {message.client_ip}" if message.login else message.client_ip
        lines.append(f'From {message.sender or "<>"} by {client}, listener "{message.listener}"')
        lines.append(f"Subject: {job.subject if job.subject is not None else message.subject}")
        lines.append(f"Message-ID: {message.header_message_id}" if message.header_message_id else "No Message-ID")
    history = await spool.history.of(job.message)
    own = [line for line in history if concerns(job, line.queue_id, line.event)]
    return {"queue_id": job.queue_id, "about": lines, "life": _told(own)}


async def _of_received(spool: Spool, fax: InboundFax) -> dict[str, Any]:
    about = [f"Received fax {fax.queue_id} from {fax.caller or 'an unknown number'} by account {fax.account}"]
    return {
        "queue_id": fax.queue_id,
        "about": [f"{about[0]}: {fax.state.value}", f"FaxCore's ID: {fax.fax_id}"],
        "life": _told(await spool.history.of(fax.queue_id)),
    }


def _told(lines: Any) -> list[dict[str, Any]]:
    """Each line of the history in plain words."""
    from mailfax.cli.times import iso
    from mailfax.rules.life import plain

    made = []
    for line in lines:
        sentence, more = plain(line.event, line.detail)
        made.append({"at": line.at, "time": iso(line.at), "event": line.event, "sentence": sentence, "more": more})
    return made


def _print(lives: list[dict[str, Any]]) -> None:
    from mailfax.cli.times import when

    for number, life in enumerate(lives):
        print(*([""] if number else []), *life["about"], sep="\n")
        before = 0.0
        for line in life["life"]:
            after = f"+{_span(line['at'] - before)}" if before else ""
            more = f" ({line['more']})" if line["more"] else ""
            print(f"  {when(line['at']):>16} {after:>8}  {line['sentence']}{more}")
            before = line["at"]


def _span(seconds: float) -> str:
    """How long, to one figure that matters."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s" if seconds >= 10 else f"{max(seconds, 0):.1f} s"
