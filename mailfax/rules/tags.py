"""What a mail asks for by tags in its subject or in the first line of its text.

In: a line. Out: the line without its tags, and what they ask for, or why one is not understood: none is passed over.

    #fax:cover  #fax:nocover            a cover page, or none
    #fax:to=Jane_Doe                    the recipient's name; "_" is a space
    #fax:company=Example_Ltd            the recipient's company
    #fax:priority=high                  before other faxes that wait, where the sender's rule allows it; or normal
    #fax:code=4711                      the billing code that it is booked to
    #fax:at=18:00                       not before that time, of the sender's clock
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailfax.config.hours import time_of_day

_TAG = re.compile(r"(?<!\S)#fax:(\S*)", re.IGNORECASE)
_SWITCHES = {"cover": ("cover", "yes"), "nocover": ("cover", "no")}
_FIELDS = ("to", "company", "at", "code", "priority")
KNOWN = "#fax:cover, #fax:nocover, #fax:to=, #fax:company=, #fax:at=, #fax:code=, #fax:priority="


@dataclass(frozen=True, slots=True)
class Tagged:
    """``rest`` is the line without its tags; ``said`` has "cover" ("yes" or "no"), "to", "company", "at", "code" and
    "priority" where they are given; ``wrong`` is why a tag is not understood, or ""."""

    rest: str
    said: dict[str, str]
    wrong: str = ""


def read_tags(line: str) -> Tagged:
    """The tags of one line."""
    found = _TAG.findall(line)
    if not found:
        return Tagged(line, {})
    said: dict[str, str] = {}
    for tag in found:
        name, equals, value = tag.partition("=")
        key, meant = _SWITCHES.get(tag.casefold(), (name.casefold(), " ".join(value.replace("_", " ").split())))
        if key != "cover" and (key not in _FIELDS or not equals):
            return Tagged(line, {}, f"#fax:{tag} is not known here, only {KNOWN}")
        if not meant:
            return Tagged(line, {}, f"#fax:{tag} is empty")
        if key == "cover" and tag.casefold() not in _SWITCHES:
            return Tagged(line, {}, f"#fax:{tag} is not known here, only {KNOWN}")
        if key == "priority" and (meant := meant.casefold()) not in ("high", "normal"):
            return Tagged(line, {}, f"#fax:{tag}: write high or normal")
        if key == "at":
            try:
                meant = f"{time_of_day(meant):%H:%M}"
            except ValueError as wrong:
                return Tagged(line, {}, f"#fax:{tag}: {wrong}")
        if key in said and said[key] != meant:
            return Tagged(line, {}, f"#fax:{tag} says otherwise than the tag before it")
        said[key] = meant
    return Tagged(" ".join(_TAG.sub("", line).split()), said)
