"""What the service gives to the SMTP server: where content goes, who takes a mail over, who may enter, and how long.

The SMTP server knows neither spool nor clock: all of it is handed in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, Protocol

from mailfax.rules.envelope import Client, Envelope, Proven
from mailfax.rules.policy import Policy
from mailfax.rules.status import Refusal


class Content(Protocol):
    """The bytes of one mail while they arrive. ``write`` blocks shortly and may raise ``OSError`` (disk full).

    ``prefix`` comes before the first ``write``: our own lines, and the header of the mail. Both may differ between
    two mails that are the same. ``open`` reads back what was written so far, from its first byte.
    """

    size: int

    def prefix(self, ours: bytes, header: bytes) -> None: ...

    def write(self, block: bytes) -> None: ...

    def open(self) -> BinaryIO: ...

    def abandon(self) -> None: ...


class Answer(Protocol):
    """A 250 that may be said now, and will be told what becomes of it: ``concluded`` once; before it perhaps ``late``
    and ``acknowledged``.

    ``late``: it is written, and its client's end of the connection does not acknowledge it. ``acknowledged``: that
    has it. ``concluded``: the client has heard it, or is gone and has not.
    """

    queue_id: str

    def late(self) -> None: ...

    def acknowledged(self) -> None: ...

    def concluded(self, *, heard: bool) -> None: ...


#: (envelope, content, header block) -> the answer, or the refusal that the client hears (a quota is used up). Returns
#: only when the mail is durable; raises ``NotSent``. The content is the very one that ``begin`` made.
Accept = Callable[[Envelope, Any, bytes], Awaitable[Answer | Refusal]]
#: (user name, password, listener) -> the user's name as it was registered, or None. Takes equally long for both.
Authenticate = Callable[[str, str, str], Awaitable[str | None]]
#: (client, sender, header block, content) -> what proves the author of a mail that arrived on a "dmarc" listener.
Prove = Callable[[Client, str, bytes, Any], Awaitable[Proven]]


@dataclass(frozen=True, slots=True)
class Handler:
    """Behind every listener. ``now`` gives seconds since 1970, for the Received line; ``room`` how many bytes can be
    stored."""

    begin: Callable[[], Content]
    room: Callable[[], int]
    accept: Accept
    policy: Policy
    now: Callable[[], float]
    authenticate: Authenticate
    prove: Prove


@dataclass(frozen=True, slots=True)
class Pace:
    """How long a client may take, in seconds, and how much it may say.

    RFC 5321 4.5.3.2 asks for five minutes of patience with commands and three with blocks of data; copiers hold a
    connection open while they scan. After ``data_patience`` a mail must have come in at ``bytes_per_second`` or more,
    so that nobody keeps a connection by sending one byte now and then.
    """

    command: float = 300.0
    device_command: float = 1800.0
    data: float = 300.0
    data_patience: float = 900.0
    bytes_per_second: float = 500.0
    prelude: float = 10.0
    handshake: float = 60.0
    errors: int = 20
    commands_without_mail: int = 2000
