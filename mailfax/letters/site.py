"""Who writes our mails, and what makes one letter itself: both are given, none is drawn here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, tzinfo


@dataclass(frozen=True, slots=True)
class Site:
    """The gateway as its mails show it.

    ``postmaster`` hears of trouble; ``zone`` is the zone in which times are told.
    """

    hostname: str
    postmaster: str
    fax_domain: str
    zone: tzinfo = UTC

    @property
    def gateway(self) -> str:
        """The address we write from. The door takes mail to it (RFC 5321 4.5.1) and passes it on to the postmaster,
        and who can fax can reach the fax domain: a person who answers is heard (RFC 3834 4)."""
        return f"postmaster@{self.fax_domain}"

    @property
    def fax_bringer(self) -> str:
        """The address that brings received faxes. It is no fax number: an answer by habit is refused at the door,
        with a sentence, rather than faxed or read by nobody."""
        return f"fax@{self.fax_domain}"


@dataclass(frozen=True, slots=True)
class Marks:
    """What makes a letter itself: its ID, its Message-ID (with angle brackets) and its date (seconds since 1970)."""

    letter_id: str
    message_id: str
    date: float
