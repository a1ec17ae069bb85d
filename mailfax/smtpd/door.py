"""What the service gives to the door: where content goes, who takes a mail over, who may enter, and how long we wait.

The door knows neither spool nor clock: all of it is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol

from mailfax.rules.envelope import Envelope
from mailfax.rules.policy import Policy


class Content(Protocol):
    """The bytes of one mail while they arrive. ``write`` blocks shortly and may raise ``OSError`` (disk full)."""

    size: int

    def write(self, block: bytes) -> None: ...

    def abandon(self) -> None: ...


#: (envelope, content, header block) -> queue ID. Returns only when the mail is durable; raises ``NotSent``. The
#: content is the very one that ``begin`` made, of whatever class that is.
Accept = Callable[[Envelope, Any, bytes], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Door:
    """Behind every listener. ``now`` gives seconds since 1970, for the Received line."""

    begin: Callable[[], Content]
    accept: Accept
    policy: Policy
    now: Callable[[], float]


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a client may take, in seconds, and how much it may say.

    RFC 5321 4.5.3.2 asks for five minutes of patience with commands and three with blocks of data; copiers hold a
    connection open while they scan. After ``data_patience`` a mail must have come in at ``bytes_per_second`` or more,
    so that nobody keeps a connection by sending one byte now and then.
    """

    command: float = 300.0
    data: float = 300.0
    data_patience: float = 900.0
    bytes_per_second: float = 500.0
    handshake: float = 60.0
    errors: int = 20
    commands_without_mail: int = 2000
