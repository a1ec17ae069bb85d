"""Our short token in the subject, by which a fax is found again after a lost answer.

GetFaxDetails returns the subject and nothing else that we wrote (``../docs/faxcore-quirks.md``, A36, A38), so the
token travels there. It is visible on the cover page and therefore looks like a reference number: ``Invoice 12 (Ref
7K3Q2M)``. It stands within the first 80 characters, since a service may cut what is longer.
"""

from __future__ import annotations

import re
from collections.abc import Callable

#: No vowels (no words), no 0/O, 1/I/L: people read these aloud. 28 signs: 481 million references of six.
ALPHABET = "23456789BCDFGHJKMNPQRSTVWXYZ"
LENGTH = 6
#: The whole subject with its reference ends here.
SUBJECT_LENGTH = 80

_TOKEN = re.compile(rf"\(Ref ([{ALPHABET}]{{{LENGTH}}})\)")


def draw_reference(choose: Callable[[str], str]) -> str:
    """A new reference; ``choose`` draws one sign of a string."""
    return "".join(choose(ALPHABET) for _ in range(LENGTH))


def with_reference(subject: str, reference: str, where: str) -> str:
    """The subject for the cover page. ``where``: "end", "front", or "off" (then the subject goes out as it is)."""
    # A token that came in with the mail (an answer to one of our notices) would be taken for a match: it goes.
    own = " ".join(_TOKEN.sub("", subject).split())
    if where == "off":
        return own[:SUBJECT_LENGTH]
    token = f"(Ref {reference})"
    room = SUBJECT_LENGTH - len(token) - 1
    kept = own if len(own) <= room else own[: room - 1].rstrip() + "…"
    return " ".join(part for part in ((token, kept) if where == "front" else (kept, token)) if part)


def references_in(subject: str) -> tuple[str, ...]:
    """The references that a subject returned by FaxCore carries: none, one, or (never ours) several."""
    return tuple(_TOKEN.findall(subject))
