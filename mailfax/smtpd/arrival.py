"""The bytes of one mail on their way into the spool: bounded, checked, and never whole in memory.

In: content in blocks (from DATA; BDAT would give its chunks). Out: a filled ``Content``, the header block, or the
cause why the mail is not taken. A mail that is refused while it arrives is still read to its end, because a client
hears nothing before (RFC 5321 4.1.1.4); its bytes are dropped at once.

STANDARDS: RFC 5321 4.4 (Received), RFC 3848 and RFC 6531 4.3 (its "with"), RFC 5321 2.3.8 (bare CR and LF).
LIMITS: header blocks of 256 KB.
"""

from __future__ import annotations

import errno
import re
from datetime import UTC, datetime
from email.utils import format_datetime

from mailfax.rules.envelope import Client
from mailfax.rules.status import Cause
from mailfax.smtpd.door import Content
from mailfax.smtpd.dots import line_ends_are_crlf

HEADER_OCTETS = 256 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def cause_of(error: OSError) -> Cause:
    """What a client hears of a failed write: storage is full, or just "not now"."""
    return Cause.STORAGE if error.errno in _FULL else Cause.TROUBLE


class Arrival:
    """One mail arriving. ``cause`` (with ``facts``) is None while it may still be taken."""

    def __init__(self, content: Content, *, limit: int) -> None:
        self._content = content
        self._limit = limit
        self._octets = 0
        self._head = bytearray()
        self._head_ended = False
        self.header_block = b""
        self.cause: Cause | None = None
        self.facts: dict[str, object] = {}

    def begin(self, trace: bytes) -> None:
        """Our own Received line goes first; it counts neither as header block nor against the size."""
        self._write(trace)

    def take(self, block: bytes) -> None:
        """The next block of content; a CRLF is never cut between two blocks."""
        if self.cause is not None:
            return
        self._octets += len(block)
        if self._octets > self._limit:
            self._refuse(Cause.TOO_BIG, limit=self._limit)
        elif not line_ends_are_crlf(block):
            self._refuse(Cause.BARE_LINE_END)
        else:
            if not self._head_ended:
                self._look_for_end_of_head(block)
            self._write(block)

    def end(self) -> None:
        """Everything is here: a mail without a body has only its header block."""
        if not self._head_ended:
            self.header_block, self._head_ended = bytes(self._head), True

    def _look_for_end_of_head(self, block: bytes) -> None:
        start = max(0, len(self._head) - 3)
        self._head += block
        empty_line = 0 if self._head.startswith(b"\r\n") else self._head.find(b"\r\n\r\n", start)
        if empty_line >= 0:
            size = empty_line + 2 if empty_line else 0
            self.header_block, self._head_ended = bytes(self._head[:size]), True
            self._head = bytearray()
        if max(len(self._head), len(self.header_block)) > HEADER_OCTETS:
            self._refuse(Cause.HEADER_TOO_BIG, limit=HEADER_OCTETS)

    def _write(self, block: bytes) -> None:
        try:
            self._content.write(block)
        except OSError as error:
            self._refuse(cause_of(error))

    def _refuse(self, cause: Cause, **facts: object) -> None:
        if self.cause is None:
            self.cause, self.facts = cause, facts
            self._head = bytearray()
            self._content.abandon()


def received_line(client: Client, *, hostname: str, smtputf8: bool, now: float) -> bytes:
    """Our trace. Without "id": the queue ID is drawn by the commit that comes after the last byte.

    What the client called itself is a stranger's text: reduced to signs that can't end a comment or a line.
    """
    helo = re.sub(r"[^A-Za-z0-9.:_\[\]-]", "?", client.helo)[:255] or "unknown"
    literal = f"IPv6:{client.ip}" if ":" in client.ip else client.ip
    protocol = ("UTF8SMTP" if smtputf8 else "ESMTP" if client.esmtp else "SMTP") + (
        "S" if client.tls and (client.esmtp or smtputf8) else ""
    )
    protocol += "A" if client.login and client.esmtp else ""
    date = format_datetime(datetime.fromtimestamp(now, UTC))
    return f"Received: from {helo} ([{literal}])\r\n\tby {hostname} with {protocol}; {date}\r\n".encode("ascii")
