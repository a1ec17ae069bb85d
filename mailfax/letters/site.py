"""Who writes our mails, and what makes one letter itself: both are given, none is drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway as its mails show it.

    ``postmaster`` hears of trouble, and is who we write as: a person's address in a domain that exists, so that
    whoever answers is heard (RFC 3834 4) and no filter takes the mail for forged. ``zone``: in which times are told;
    ``language``: in which people are told whose rule names no other.
    """

    hostname: str
    postmaster: str
    fax_domain: str
    zone: tzinfo = UTC
    language: str = "en"

    @property
    def fax_bringer(self) -> str:
        """The address that brings received faxes. It is no fax number: an answer by habit is refused by SMTP,
        with a sentence, rather than faxed or read by nobody."""
        return f"fax@{self.fax_domain}"


@dataclass(frozen=True, slots=True)
class Marks:
    """What makes a letter itself: its ID, its Message-ID (with angle brackets) and its date (seconds since 1970)."""

    letter_id: str
    message_id: str
    date: float
