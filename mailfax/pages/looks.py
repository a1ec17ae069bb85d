"""How pages look: templates, and values as people read them.

In: the name of a template and the values that it shows. Out: HTML. Everything is escaped where it stands; a value
that is missing is an error, never an empty place.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from mailfax.letters.plain import count, phone, reported_phone
from mailfax.rules.facts import iso

HERE = Path(__file__).parent
STATIC = HERE / "static"
#: State word -> how it looks: what waits, what is under way, what went well, what did not.
TONES = {
    **dict.fromkeys(("accepted", "ready", "deferred", "listed", "waiting"), "waits"),
    **dict.fromkeys(("submitting", "submitted", "handing-over"), "moves"),
    **dict.fromkeys(("delivered", "stored", "handed-over", "previewed"), "good"),
    **dict.fromkeys(("failed", "undeliverable", "unreadable", "vanished"), "bad"),
    **dict.fromkeys(("held", "in-doubt", "unconfirmed"), "doubt"),
    "cancelled": "ended",
}
#: State word -> what people call it, where that is another word.
WORDS = {
    "accepted": "being prepared",
    "ready": "waiting",
    "submitting": "being handed over",
    "submitted": "at FaxCore",
    "in-doubt": "in doubt",
    "deferred": "trying again",
    "handing-over": "being handed over",
    "handed-over": "sent",
    "listed": "to be fetched",
    "stored": "received",
    "vanished": "disappeared",
}


def render(template: str, **facts: Any) -> str:
    """A whole page."""
    return _templates.get_template(f"{template}.html").render(**facts)


def moment(at: float | None, zone: ZoneInfo) -> Markup:
    """A time with its date, for people and for machines."""
    if not at:
        return Markup("–")
    when = datetime.fromtimestamp(at, zone)
    return Markup('<time datetime="{}">{}</time>').format(iso(at), f"{when:%d %b %Y, %H:%M:%S}".lstrip("0"))


def shortly(at: float | None, zone: ZoneInfo) -> Markup:
    """A time; without its date where that is today."""
    if not at:
        return Markup("–")
    when, today = datetime.fromtimestamp(at, zone), datetime.now(zone).date()
    text = f"{when:%H:%M}" if when.date() == today else f"{when:%d %b, %H:%M}".lstrip("0")
    return Markup('<time datetime="{}">{}</time>').format(iso(at), text)


def state(word: str) -> Markup:
    """A state as a badge: by its word, and by its colour."""
    return Markup('<span class="state {}">{}</span>').format(TONES.get(word, "ended"), WORDS.get(word, word))


def dialled(number: str) -> str:
    """A number with its country code, as its country writes it."""
    return phone(number) if number else "no number"


def _asset(name: str) -> str:
    """The address of a file of ours: another one whenever it has changed, so that browsers may keep it."""
    return f"/static/{_hash(name)}/{name}"


def _hash(name: str) -> str:
    return hashlib.sha256((STATIC / name).read_bytes()).hexdigest()[:12]


ASSETS = {name: _hash(name) for name in sorted(path.name for path in STATIC.iterdir() if path.is_file())}

_templates = Environment(
    loader=FileSystemLoader(HERE / "templates"), autoescape=True, undefined=StrictUndefined, trim_blocks=True
)
_templates.filters |= {
    "moment": moment,
    "shortly": shortly,
    "state": state,
    "word": lambda word: WORDS.get(word, word),
    "dialled": dialled,
    "caller": reported_phone,
    "count": count,
}
_templates.globals["asset"] = _asset
