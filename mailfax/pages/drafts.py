"""Faxes that somebody looks at before they send them: a mail in a file, and its pages, for a while.

In: a mail that would be accepted. Out: ``Draft``, found again by its name by who made it and by nobody else. Nothing
of it is durable, and nothing was promised.

LIMITS: ``LIFETIME`` seconds; ``EACH`` for a user, ``ALL`` together, and ``BYTES`` of files in memory: the oldest go.
"""

from __future__ import annotations

import shutil
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from mailfax.offramp.sketch import Sketch
from mailfax.pages.sending import Wish

LIFETIME = 1800.0
EACH, ALL, BYTES = 5, 50, 256 << 20


@dataclass(slots=True)
class Draft:
    """``key`` names it; ``problem`` says why its pages can't be made."""

    key: str
    login: str
    wish: Wish
    folder: Path
    made_at: float
    sketch: Sketch | None = None
    problem: str = ""


@dataclass(slots=True)
class Drafts:
    """Of all users."""

    _known: dict[str, Draft] = field(default_factory=dict)

    def begin(self, login: str, wish: Wish) -> Draft:
        """A new one, with an empty folder of its own."""
        self._forget_old()
        own = [draft for draft in self._known.values() if draft.login == login]
        for draft in own[: max(0, len(own) - EACH + 1)]:
            self.forget(draft)
        while self._known and (len(self._known) >= ALL or self._size() + wish.size > BYTES):
            self.forget(next(iter(self._known.values())))
        folder = Path(tempfile.mkdtemp(prefix="mailfax-draft-"))
        draft = Draft(wish.key, login, wish, folder, time.monotonic())
        self._known[draft.key] = draft
        return draft

    def _size(self) -> int:
        return sum(draft.wish.size for draft in self._known.values())

    def find(self, login: str, key: str) -> Draft | None:
        self._forget_old()
        draft = self._known.get(key)
        return draft if draft and draft.login == login else None

    def forget(self, draft: Draft) -> None:
        self._known.pop(draft.key, None)
        shutil.rmtree(draft.folder, ignore_errors=True)

    def close(self) -> None:
        for draft in list(self._known.values()):
            self.forget(draft)

    def _forget_old(self) -> None:
        for draft in [draft for draft in self._known.values() if time.monotonic() - draft.made_at > LIFETIME]:
            self.forget(draft)
