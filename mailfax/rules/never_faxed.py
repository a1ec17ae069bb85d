"""Mail that is never faxed, told by its header: automatic and bulk mail, reports, our own notices, divided mail.

In: the header block as it came. Out: ``Marks``: the Received lines, and the first field that speaks against the mail.
Only the few fields that mean something here are taken out of the block, because every mail passes here.

STANDARDS: RFC 3834 2 and 5 (Auto-Submitted), RFC 6522 (reports), RFC 2919 and 2369 (lists), RFC 2046 5.2.2 (partial).
LIMITS: X-Auto-Response-Suppress says what its sender does not want to hear, and nothing of who wrote the mail.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from mailfax.rules.status import Cause

#: A field that is looked at, with its folded value.
_FIELD = re.compile(
    rb"^(received|auto-submitted|x-fax-outcome|x-failed-recipients|content-type|precedence|list-[!-9;-~]*)[ \t]*:"
    rb"(.*(?:\n[ \t].*)*)",
    re.IGNORECASE | re.MULTILINE,
)
#: Comments in front of the word that counts (RFC 5322 3.2.2).
_COMMENTS = re.compile(r"^(?:\([^()]*\)\s*)*")
#: (value in lower case without comments in front, whether the sender's rule takes automatic mail) -> what speaks
#: against the mail.
_Tell = Callable[[str, bool], Cause | None]


@dataclass(frozen=True, slots=True)
class Marks:
    """``received`` is topmost first. ``cause``: what speaks against the mail, and ``why``: the field that says so."""

    received: tuple[str, ...]
    cause: Cause | None = None
    why: str = ""


def read_marks(header_block: bytes, *, automatic: bool) -> Marks:
    """What the header says; ``automatic``: auto-generated mail may be faxed."""
    received: list[str] = []
    cause, why = None, ""
    for found in _FIELD.finditer(header_block):
        name, value = found[1].decode("ascii").lower(), " ".join(found[2].decode("latin-1").split())
        if name == "received":
            received.append(value)
        elif cause is None:
            tell = _bulk if name.startswith("list-") else _NEVER_FAXED[name]
            cause, why = tell(_COMMENTS.sub("", value.lower()), automatic), f"{name.title()}: {value}"
    return Marks(tuple(received), cause, why if cause else "")


def _auto_submitted(value: str, automatic: bool) -> Cause | None:
    """RFC 3834 5: "no" and "auto-generated" may be followed by comments and parameters."""
    keyword = re.split(r"[;(\s]", value, maxsplit=1)[0]
    return None if keyword == "no" or (keyword == "auto-generated" and automatic) else Cause.AUTOMATIC


def _by_word(causes: dict[str, Cause]) -> _Tell:
    return lambda value, _: causes.get(re.split(r"[;(]", value, maxsplit=1)[0].strip())


def _bulk(_value: str, _automatic: bool) -> Cause | None:
    return Cause.BULK


_NEVER_FAXED: dict[str, _Tell] = {
    "x-fax-outcome": lambda _value, _automatic: Cause.OWN_NOTICE,
    "auto-submitted": _auto_submitted,
    # Bounces of Exim, whose sender a forwarder may rewrite.
    "x-failed-recipients": lambda _value, _automatic: Cause.AUTOMATIC,
    "content-type": _by_word({"multipart/report": Cause.AUTOMATIC, "message/partial": Cause.PARTIAL}),
    "precedence": _by_word(
        {"bulk": Cause.BULK, "junk": Cause.BULK, "list": Cause.BULK, "auto_reply": Cause.AUTOMATIC}
    ),
}
