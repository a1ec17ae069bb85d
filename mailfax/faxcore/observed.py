"""What the service has shown of itself in this process: the answers to gaps that only a live account gives (A44).

Filled by the client, read by ``mailfax check`` and the workers. Nothing in it carries a number or a subject.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from mailfax.faxcore.dates import read_http_date
from mailfax.faxcore.reply import excerpt

KEPT = 50  # words; a service that invents more than that is broken, and memory is ours
SANDBOX_HEADER = "x-faxcore-sandbox"


@dataclass(slots=True)
class Observed:
    """Grows with every answer."""

    answers_as_faxcore: bool = False  # an ApiResponse has been understood: the base_url is right
    is_sandbox: bool = False  # the answer carried X-FaxCore-Sandbox
    content_types: dict[str, str] = field(default_factory=dict)  # call -> content type of its last answer
    byte_order_mark: bool = False  # seen in some answer
    repaired: int = 0  # answers that could only be read after repair
    hours_off: int | None = None  # how far the server's dates are from the zone we read them in; None: not seen
    unknown_words: set[str] = field(default_factory=set)  # status words that are in no table (A14)
    server_date: datetime | None = None  # the last Date header, UTC

    def note_headers(self, call: str, headers: dict[str, str]) -> None:
        """What the headers of an answer to ``call`` show."""
        self.content_types[call] = excerpt(headers.get("content-type", ""))
        self.is_sandbox = self.is_sandbox or SANDBOX_HEADER in headers
        self.server_date = read_http_date(headers.get("date", "")) or self.server_date

    def note_unknown_word(self, word: str) -> None:
        """A status word that ``progress_of`` does not know."""
        if len(self.unknown_words) < KEPT:
            self.unknown_words.add(excerpt(word))
