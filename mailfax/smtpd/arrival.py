"""The bytes of one mail on their way into the spool: bounded, checked, and never whole in memory.

In: content in blocks, from DATA or BDAT. Out: a filled ``Content`` and the header block, or the cause why the mail is
not taken. A mail that is refused while it arrives is still read to its end, because a client hears nothing before
(RFC 5321 4.1.1.4); its bytes are dropped at once.

The header is held back until it is whole: what a copier left out of it goes before it.

STANDARDS: RFC 5321 2.3.8 (bare CR and LF), RFC 1870 6.1 (a mail over the limit is refused).
LIMITS: header blocks of 256 KB.
"""

from __future__ import annotations

import errno

from mailfax.rules.envelope import Client
from mailfax.rules.fields import heading_of
from mailfax.rules.status import Cause
from mailfax.smtpd.dots import LineEnds
from mailfax.smtpd.handler import Content
from mailfax.smtpd.trace import missing_fields, received_line

HEADER_OCTETS = 256 * 1024
#: What is kept of the body: a heading with a blank line in it goes on there.
KEPT_OCTETS = 16 * 1024
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def cause_of(error: OSError) -> Cause:
    """What a client hears of a failed write: storage is full, or just "not now"."""
    return Cause.STORAGE if error.errno in _FULL else Cause.TROUBLE


class Arrival:
    """One mail arriving. ``cause`` (with ``facts``) is None while it may still be taken.

    ``author``: whom a missing From names. A copier's mail is mended, other people's is not touched.
    """

    def __init__(
        self,
        content: Content,
        client: Client,
        *,
        author: str,
        smtputf8: bool,
        hostname: str,
        now: float,
        limit: int,
        normalizes: bool = False,
    ) -> None:
        """``normalizes``: line ends are put right that a copier's always are."""
        self.content = content
        self.header_block = b""
        self.cause: Cause | None = None
        self.facts: dict[str, object] = {}
        self._client, self._author, self._hostname = client, author, hostname
        self._smtputf8, self._now, self._limit = smtputf8, now, limit
        self._normalizes = normalizes or client.device
        self._line_ends = LineEnds(mends=self._normalizes)
        self._octets = 0
        self._start = b""  #: of the body
        self._head: bytearray | None = bytearray()  #: what came before the end of the header; None behind it

    @property
    def heading(self) -> bytes:
        """The header block, with what of it stands behind a blank line, as mail programs read it."""
        # Words of a text, or the first boundary, are no field.
        first = self._start.lstrip().partition(b"\r\n")[0].partition(b":")
        if not first[1] or not first[0].replace(b"-", b"").isalpha():
            return self.header_block
        return heading_of(self.header_block + self._start)

    @property
    def mended(self) -> bool:
        """Whether line ends had to be put right."""
        return self._normalizes and self._line_ends.wrong

    def take(self, block: bytes) -> None:
        """The next block of content, cut anywhere."""
        if self.cause is None:
            self._octets += len(block)
            if self._octets > self._limit:
                self.refuse(Cause.TOO_BIG, limit=self._limit)
            else:
                self._pass_on(self._line_ends.feed(block))

    def end(self) -> None:
        """Everything is here: a mail without a body has only its header block."""
        if self.cause is None and (rest := self._line_ends.end()):
            self._pass_on(rest)
        if self.cause is None and self._head is not None:
            self._write_head(len(self._head))

    def _pass_on(self, text: bytes) -> None:
        if self._line_ends.wrong and not self._normalizes:
            return self.refuse(Cause.BARE_LINE_END)
        if self._head is None:
            self._start += text[: KEPT_OCTETS - len(self._start)]
            return self._write(text)
        head, start = self._head, max(0, len(self._head) - 3)
        head += text
        empty_line = 0 if head.startswith(b"\r\n") else head.find(b"\r\n\r\n", start)
        if (empty_line if empty_line >= 0 else len(head)) > HEADER_OCTETS:
            self.refuse(Cause.HEADER_TOO_BIG, limit=HEADER_OCTETS)
        elif empty_line >= 0:
            self._write_head(empty_line + 2 if empty_line else 0)

    def _write_head(self, size: int) -> None:
        """Our own lines, then what was held back, of which the first ``size`` bytes are the header block."""
        assert self._head is not None
        held, self._head = bytes(self._head), None
        self.header_block, self._start = held[:size], held[size : size + KEPT_OCTETS]
        ours = received_line(self._client, hostname=self._hostname, smtputf8=self._smtputf8, now=self._now)
        if self._client.device:
            ours += missing_fields(
                self.header_block, client=self._client, author=self._author, hostname=self._hostname, now=self._now
            )
        try:
            self.content.prefix(ours, self.header_block)
        except OSError as error:
            return self.refuse(cause_of(error))
        if rest := held[size:]:
            self._write(rest)

    def _write(self, text: bytes) -> None:
        try:
            self.content.write(text)
        except OSError as error:
            self.refuse(cause_of(error))

    def refuse(self, cause: Cause, **facts: object) -> None:
        """Take no more of it; what came is dropped."""
        self.cause, self.facts = cause, facts
        self._head = None
        self.content.abandon()
