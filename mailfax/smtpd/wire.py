"""One connection as lines and blocks, with replies held back while more pipelined commands wait.

In: a stream reader and writer. Out: command lines without their CRLF, blocks of data, and replies in order.

STANDARDS: RFC 2920 3.2 (replies may be sent together), RFC 5321 2.3.8 (CRLF), 4.5.3.1.4 (length of a command).
"""

from __future__ import annotations

import asyncio

#: RFC 5321 gives 512 octets, RFC 3461 5.4 adds 500 and more for ORCPT and ENVID, RFC 6531 lengthens addresses.
COMMAND_OCTETS = 2048
BLOCK = 1 << 18


class LineTooLong(Exception):
    """A command line over ``COMMAND_OCTETS``; it was read to its end and dropped."""


class Wire:
    """Reads from and writes to one client."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._rest = b""
        self._unsaid: list[bytes] = []

    def say(self, reply: str) -> None:
        """Queue one reply line; it leaves at the next ``flush`` or when we have to wait for the client."""
        self._unsaid.append(reply.encode("ascii", "replace") + b"\r\n")

    async def flush(self) -> None:
        if self._unsaid:
            self._writer.write(b"".join(self._unsaid))
            self._unsaid.clear()
            await self._writer.drain()

    def flush_now(self) -> None:
        """Hand everything to the transport without waiting; for a connection that is about to be closed."""
        if self._unsaid:
            self._writer.write(b"".join(self._unsaid))
            self._unsaid.clear()

    async def line(self) -> bytes | None:
        """The next line up to and without its LF (the CR is still there, or missing), or None at the end."""
        parts: list[bytes] = []
        length = 0
        while True:
            block = await self.block()
            if not block:
                return None
            end = block.find(b"\n")
            piece = block if end < 0 else block[:end]
            length += len(piece)
            if length <= COMMAND_OCTETS:
                parts.append(piece)
            if end >= 0:
                self.put_back(block[end + 1 :])
                if length > COMMAND_OCTETS:
                    raise LineTooLong
                return b"".join(parts)

    async def block(self) -> bytes:
        """Whatever has arrived, at least one byte; empty at the end of the connection."""
        if self._rest:
            rest, self._rest = self._rest, b""
            return rest
        await self.flush()
        return await self._reader.read(BLOCK)

    def put_back(self, rest: bytes) -> None:
        """Bytes of the last block that belong to what comes next."""
        self._rest = rest

    def discard(self) -> None:
        """Forget what came in clear before TLS: somebody on the way may have put it there (RFC 3207 4.2)."""
        self._rest = b""
        self._reader._buffer.clear()  # type: ignore[attr-defined]  # no public way; aiosmtpd does the same
