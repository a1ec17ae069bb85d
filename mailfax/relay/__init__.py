"""Our mail goes out: to a smarthost by SMTP, or into Maildirs on disk.

In: an envelope and a whole mail with CRLF. Out: nothing once it was taken; otherwise ``NotSent`` (of ``everybody``
where nothing was said about the mail), ``Refused`` (``Impossible`` where the relay was not asked) or ``InDoubt``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailfax.config import RelayConfig
from mailfax.relay.maildir import Maildir
from mailfax.relay.smarthost import Smarthost


class Relay(Protocol):
    """Takes our mail."""

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Hand a mail over; returns once it was taken. ``sender`` is "" for the null reverse-path."""

    async def probe(self) -> None:
        """Go as far as is possible without a mail; raises a ``Failure`` with a sentence."""

    async def close(self) -> None:
        """Hang up. What is handed over afterwards opens it again."""


def relay_for(config: RelayConfig, hostname: str) -> Relay:
    """The relay that the configuration names."""
    return Maildir(config.maildir, hostname) if config.maildir else Smarthost(config, hostname)


__all__ = ["Maildir", "Relay", "Smarthost", "relay_for"]
