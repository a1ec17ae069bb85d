"""The operator's log: one line per event of a message's life, stable in wording, one function per event.

A line is ``<queue ID>: <event> key=value …`` on the logger ``mailfax.mail``. Operators search for these words, so a
change of wording is a change of interface. Neither subjects, bodies, passwords nor whole fax numbers are ever
written: a number is shortened to its last four digits (``number=…4567``).
"""

from __future__ import annotations

import logging

log = logging.getLogger("mailfax.mail")


def short(number: str) -> str:
    """A fax number as logs may show it: the last four digits."""
    return "…" + number[-4:] if number else "-"


def line(queue_id: str, event: str, **facts: object) -> None:
    """Write one line; empty facts are left out, blanks in values become "_" so that a line splits on blanks."""
    told = " ".join(
        f"{key}={str(value).replace(' ', '_')}" for key, value in facts.items() if value not in ("", None)
    )
    log.info("%s: %s%s", queue_id or "-", event, f" {told}" if told else "")
