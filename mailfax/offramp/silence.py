"""For how long questions have brought no answer: a deadline is held against a fax only once it was asked about.

In: which questions were answered. Out: whether silence is an answer by now.
"""

from __future__ import annotations

from collections.abc import Callable

#: Where nothing has been answered for this long, in seconds, silence is the answer.
GIVE_UP_SILENT = 3600.0
#: So many questions without an answer in a row are the service's silence, not that of one fax.
SILENT_IN_A_ROW = 3


class Silence:
    """For how long questions about something have brought no answer, by a name of the caller's choice."""

    def __init__(self, elapsed: Callable[[], float]) -> None:
        self._elapsed = elapsed
        self._since: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._since)

    def unanswered(self, about: str) -> None:
        """A question brought no answer."""
        self._since.setdefault(about, self._elapsed())

    def answered(self, about: str) -> None:
        """A question was answered, or is asked no more."""
        self._since.pop(about, None)

    def is_an_answer(self, about: str) -> bool:
        """Whether a deadline may be held against it: the last question was answered, or none was for so long that
        silence is the answer."""
        since = self._since.get(about)
        return since is None or self._elapsed() - since >= GIVE_UP_SILENT

    def is_silent(self, about: str) -> bool:
        """Whether the last question about it brought no answer."""
        return about in self._since
