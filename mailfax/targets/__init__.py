"""Received faxes go where no mail goes: into folders, to programs by HTTP, on paper; outcomes go to programs, too.

In: what the outbox keeps for such a target: a mail of two parts or more, the facts as JSON and the documents
(``letters.record``). Out: nothing once it was taken; otherwise ``NotSent``, ``Refused`` or ``InDoubt``, as the relay
has them. Which kind of target is served by what is one table, ``Targets``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from mailfax.config.targets import FOLDER, PRINT, WEBHOOK
from mailfax.targets.folder import Folder
from mailfax.targets.parcel import Parcel, opened
from mailfax.targets.printer import Printer
from mailfax.targets.webhook import Webhook


class Target(Protocol):
    """Takes received faxes to one kind of place."""

    async def take(self, place: str, parcel: Parcel) -> None:
        """Returns once it is there; may be called again with the same, and then nothing is there twice."""

    async def probe(self, place: str) -> None:
        """Go as far as is possible without a fax; raises a ``Failure`` with a sentence."""


class Targets:
    """All kinds of targets. ``secret`` signs what webhooks get; ``private``: also those in our own network."""

    def __init__(self, *, secret: str = "", private: bool = False) -> None:
        self._kinds: dict[str, Target] = {
            FOLDER: Folder(),
            WEBHOOK: Webhook(secret=secret, private=private),
            PRINT: Printer(),
        }

    async def hand_over(self, sender: str, recipients: Sequence[str], content: bytes) -> None:
        """Take it to its one place; raises ``NotSent``, ``Refused`` or ``InDoubt``."""
        (target,) = recipients
        kind, _, place = target.partition(":")
        await self._kinds[kind].take(place, opened(content))

    async def probe(self, target: str) -> None:
        """Whether a target can be reached; raises a ``Failure``."""
        kind, _, place = target.partition(":")
        await self._kinds[kind].probe(place)


__all__ = ["Parcel", "Target", "Targets"]
