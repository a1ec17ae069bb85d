"""What the author's domain asks for, in its DMARC record: how closely a pass must be aligned.

STANDARDS: RFC 7489 6.3 (adkim, aspf), 6.6.3 (where the record is).
LIMITS: ``p``, ``sp``, ``pct`` and the addresses for reports are not looked at: what is not proven is never faxed,
whatever its domain asks for, and mailfax reports to nobody.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from mailfax.proof.alignment import organizational
from mailfax.proof.questions import Questions

_VERSION = re.compile(r"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|$)")


@dataclass(frozen=True, slots=True)
class Wish:
    """Strict: a pass of exactly the author's domain; else of any domain of its organization."""

    strict_dkim: bool = False
    strict_spf: bool = False


def ask_wish(domain: str, questions: Questions) -> Wish:
    """What the domain asks for, else its organization; relaxed where neither says. Raises as ``Questions.ask``."""
    for place in dict.fromkeys((domain, organizational(domain))):
        records = [text for text in questions.ask(f"_dmarc.{place}", "TXT") if _VERSION.match(text)]
        if len(records) == 1:
            return _read(records[0])
        if records:  # RFC 7489 6.6.3: several are as good as none
            break
    return Wish()


def _read(record: str) -> Wish:
    pairs = (tag.partition("=") for tag in record.split(";"))
    tags = {name.strip().lower(): value.strip().lower() for name, _, value in pairs}
    return Wish(strict_dkim=tags.get("adkim") == "s", strict_spf=tags.get("aspf") == "s")
