"""``mailfax show``: everything that is known of a message, fax or notification, in its order."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from typing import Any

from mailfax.cli import CannotRun, add_config

HELP = "show everything that is known of a message, a fax or a notification, by its queue ID"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    add_config(parser)
    parser.add_argument("queue_id", metavar="QUEUE-ID", help="as in the 250 reply, the answers and the log")
    parser.add_argument("--json", action="store_true", help="one JSON object, for scripts")


def run(arguments: argparse.Namespace) -> int:
    from mailfax.cli.settings import load_config, with_spool

    config = load_config(arguments, passwords=False)
    life = with_spool(config, lambda spool: _gather(spool, arguments.queue_id.strip()))
    if not life["history"]:
        raise CannotRun(f"{arguments.queue_id}: no message, fax or notification has this queue ID")
    if arguments.json:
        json.dump(life, sys.stdout, indent=2, default=str)
        print()
    else:
        _print(life)
    return 0


async def _gather(spool: Any, queue_id: str) -> dict[str, Any]:
    job = await spool.jobs.get(queue_id)
    message = await spool.intake.message(job.message if job else queue_id)
    jobs = [job] if job else await spool.jobs.of(queue_id)
    fax = await spool.queue.received(queue_id)
    kept = {each.what: each.kept_at for each in await spool.retention.kept()}
    return {
        "message": _plain(message),
        "received": _plain(fax),
        "content": _content(message or fax),
        "kept_since": next((kept[name] for name in _names(message, fax) if name in kept), None),
        "document": _plain(await spool.documents.get(message.queue_id)) if message else None,
        "jobs": [_plain(job) for job in jobs],
        "letters": [
            {
                "letter_id": letter.letter_id,
                "outcome": letter.kind,
                "state": letter.state.value,
                "to": letter.recipients,
            }
            for about in {queue_id, *(job.queue_id for job in jobs), *([message.queue_id] if message else [])}
            for letter in await spool.outbox.listing(about=about)
        ],
        "history": [asdict(line) for line in await spool.history.of(queue_id)],
    }


def _content(whole: Any) -> str:
    """What became of its content: "kept", "deleted", or "" where there is none yet."""
    if whole is None:
        return ""
    if whole.content_id:
        return "kept"
    return "deleted" if getattr(whole, "state", "") not in ("listed", "unreadable", "vanished") else ""


def _names(message: Any, fax: Any) -> list[str]:
    """By which it may be kept from being deleted."""
    if message is None:
        return [fax.queue_id] if fax else []
    sender = message.sender.lower()
    return [message.queue_id, sender, "@" + sender.rpartition("@")[2]]


#: What a person never asks about: how the spool guards its rows.
_INNER = {"version", "epoch", "lease_until", "content_id", "message", "address"}


def _plain(value: Any) -> dict[str, Any] | None:
    """A value of the spool without its inner fields; empty ones are left out."""
    if value is None:
        return None
    return {
        name: field for name, field in asdict(value).items() if name not in _INNER and field not in ("", None, 0, ())
    }


def _print(life: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.markup import escape

    from mailfax.cli.times import when

    console = Console(highlight=False)

    def fields(title: str, values: dict[str, Any] | None) -> None:
        if not values:
            return
        console.print(f"[bold]{title}[/bold]")
        for name, value in values.items():
            shown = when(value) if name.endswith(("_at", "_since")) else value
            if isinstance(value, dict):
                shown = " ".join(str(part) for part in value.values())
            elif isinstance(value, list | tuple | frozenset):
                shown = ", ".join(str(part) for part in value)
            console.print(f"  {name.replace('_', ' ')}: {escape(str(shown))}")

    fields("Message", life["message"])
    fields("Received fax", life["received"])
    if life["content"] == "deleted":
        console.print("  content: deleted; its record is left, and it can't be sent again")
    if life["kept_since"]:
        console.print(f"  never deleted: kept since {when(life['kept_since'])} (mailfax keep)")
    fields("Document", life["document"])
    for job in life["jobs"]:
        fields(f"Fax {job['queue_id']}", job)
    for letter in life["letters"]:
        fields("Notification", letter)
    console.print("[bold]History[/bold]")
    for line in life["history"]:
        detail = f" ({line['detail']})" if line["detail"] else ""
        state = f" → {line['state']}" if line["state"] else ""
        console.print(
            f"  {when(line['at'])}  {line['queue_id']}  {line['event']}{state}{escape(detail)}", soft_wrap=True
        )
