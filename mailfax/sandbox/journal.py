"""The journal: every API request as it was heard, with what IIS might have refused. Kept in memory only.

LIMITS  The last 10,000 requests. No password is ever kept.
"""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass, field
from typing import Any

KEPT = 10_000


@dataclass(slots=True)
class Entry:
    """One request; filled in while it is worked on. ``at`` is the sandbox's clock; ``status`` 0: no reply;
    ``size`` and ``reply_size`` are of the bodies."""

    at: float
    method: str
    path: str
    operation: str = ""
    account: str = ""
    parameters: dict[str, str] = field(default_factory=dict)
    content_type: str = ""
    size: int = 0
    fax_ids: list[str] = field(default_factory=list)
    fault: str = ""
    outcome: str = "under way"
    status: int = 0
    reply_size: int = 0
    warnings: list[str] = field(default_factory=list)


class Journal:
    """Entries in the order in which they came."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque(maxlen=KEPT)

    def add(self, entry: Entry) -> None:
        self._entries.append(entry)

    def clear(self) -> None:
        self._entries.clear()

    def shown(self) -> list[dict[str, Any]]:
        return [asdict(entry) for entry in self._entries]
